"""
Virtual machines.

Sources: SlipStreamServer, resources/virtual_machine.clj; the state words are the clouds' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from slipstream.backends import documents
from slipstream.backends.query_filters import either
from slipstream.backends.slipstream import cimi
from slipstream.backends.slipstream.offers import PREFIX, offer
from slipstream.backends.slipstream.paths import run_id
from slipstream.errors import BadInput, MalformedAnswer
from slipstream.filters import And
from slipstream.session import Session
from slipstream.values import Phase, VirtualMachine

COLLECTION, KEY = "virtual-machine", "virtualMachines"
RUN = "run/"
_PHASES = {
    "active": Phase.RUNNING,
    "booting": Phase.STARTING,
    "building": Phase.STARTING,
    "creating": Phase.STARTING,
    "deleted": Phase.TERMINATED,
    "error": Phase.ERROR,
    "failed": Phase.ERROR,
    "initializing": Phase.STARTING,
    "paused": Phase.PAUSED,
    "pending": Phase.PENDING,
    "poweroff": Phase.STOPPED,
    "rebooting": Phase.REBOOTING,
    "running": Phase.RUNNING,
    "shutting-down": Phase.STOPPING,
    "starting": Phase.STARTING,
    "stopped": Phase.STOPPED,
    "stopping": Phase.STOPPING,
    "suspended": Phase.SUSPENDED,
    "terminated": Phase.TERMINATED,
}


def find(
    session: Session, *, connector: str | None, deployment_id: str | None
) -> Iterator[VirtualMachine]:
    """
    Search the user's machines.

    :param session: The logged-in session.
    :param connector: Only those on this connector.
    :param deployment_id: Only those of this deployment.
    """
    filters = []
    if connector is not None:
        name = PREFIX + connector.removeprefix(PREFIX)
        filters.append(either("connector/href", name))
    if deployment_id is not None:
        filters.append(either("deployment/href", RUN + run_id(deployment_id)))
    where = (filters[0] if len(filters) == 1 else And(tuple(filters))) if filters else None
    entries = cimi.search(session, COLLECTION, KEY, doing="list virtual machines", where=where)
    return map(_machine, entries)


def addresses(session: Session, runs: Sequence[str]) -> dict[str, list[str]]:
    """
    The addresses of the machines of some deployments, by one search.

    :param session: The logged-in session.
    :param runs: The ids of the deployments, a hundred or so.
    :returns: The addresses by the deployment's id.
    :raises MalformedAnswer: If an id can be none; they come from a list of the server.
    """
    doing = "list the addresses of deployments"
    try:
        where = either("deployment/href", *(RUN + run for run in runs))
    except BadInput:
        raise MalformedAnswer(
            f"Cannot {doing}: not all that the server lists has an id.",
            endpoint=session.endpoint.url,
        ) from None
    entries = cimi.search(
        session,
        COLLECTION,
        KEY,
        doing=doing,
        where=where,
        select="id,ip,deployment",
        page=cimi.LARGEST_PAGE,
    )
    by_run: dict[str, list[str]] = {}
    for entry in entries:
        run, address = documents.href(entry, "deployment"), documents.text(entry, "ip")
        if run and address:
            by_run.setdefault(run.removeprefix(RUN), []).append(address)
    return by_run


def _machine(entry: dict[str, Any]) -> VirtualMachine:
    state = documents.text(entry, "state") or ""
    address = documents.text(entry, "ip")
    connector = documents.href(entry, "connector")
    deployment = documents.href(entry, "deployment")
    size = entry.get("serviceOffer", {})
    return VirtualMachine(
        id=entry["id"],
        name=documents.text(entry, "instanceID") or entry["id"],
        state=state,
        phase=_PHASES.get(state.lower(), Phase.UNKNOWN),
        addresses=(address,) if address else (),
        connector=connector.removeprefix(PREFIX) if connector else None,
        deployment_id=deployment.removeprefix(RUN) if deployment else None,
        offer=offer(size) if isinstance(size, dict) and documents.text(size, "href") else None,
        created=documents.moment(documents.text(entry, "created")),
        raw=entry,
    )
