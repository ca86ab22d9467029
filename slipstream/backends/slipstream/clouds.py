"""
The clouds that a user can deploy on, what they offer, and the machines there.

Sources: SlipStreamServer, resources/service_offer.clj, resources/credential.clj,
resources/virtual_machine.clj, persistence/User.java; the states of machines are the clouds' own
words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, Entry, either, of_server, search
from slipstream.backends.slipstream.dialect import CONNECTOR, run_id, user_name
from slipstream.backends.slipstream.profile import Profile
from slipstream.errors import Forbidden, UnknownName
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.values import Connector, Phase, ServiceOffer, VirtualMachine

RUN = "run/"
_LARGEST_PAGE = 10_000  # what the server gives at most; for entries of few attributes

_VM: Filter = attr("resource:type").eq("VM")
_STARTING = ("booting", "building", "creating", "initializing", "starting")
_PHASES = {
    **dict.fromkeys(_STARTING, Phase.STARTING),
    "active": Phase.RUNNING,
    "deleted": Phase.TERMINATED,
    "error": Phase.ERROR,
    "failed": Phase.ERROR,
    "paused": Phase.PAUSED,
    "pending": Phase.PENDING,
    "poweroff": Phase.STOPPED,
    "rebooting": Phase.REBOOTING,
    "running": Phase.RUNNING,
    "shutting-down": Phase.STOPPING,
    "stopped": Phase.STOPPED,
    "stopping": Phase.STOPPING,
    "suspended": Phase.SUSPENDED,
    "terminated": Phase.TERMINATED,
}


def list_service_offers(
    backend: CimiBackend, connector: str | None, usable_only: bool
) -> Iterator[ServiceOffer]:
    """List offers of machines; the profile and the credentials decide which are usable."""
    session, doing, where = backend.session, "list service offers", _VM
    if connector is not None:
        where &= _on(connector.removeprefix(CONNECTOR))
    elif usable_only:
        names = usable_connectors(backend, Profile.read(session, doing=doing))
        if not names:
            return
        with of_server(doing):
            where &= _on(*sorted(names))
    entry: Entry | None = None
    for entry in search(session, "service-offer", doing=doing, where=where):
        yield offer(entry)
    if entry is None and connector is not None:
        check_location(backend, connector)


def _on(*names: str) -> Filter:
    """What is on some connectors: the bare name is the rule, since v3.63 the id is valid too."""
    return either("connector/href", *names, *(CONNECTOR + name for name in names))


def check_location(backend: CimiBackend, location: str) -> None:
    """Refuse a location that is none of the user's; known ones are not looked up."""
    name = location.removeprefix(CONNECTOR)
    if name not in backend.locations:
        profile = Profile.read(backend.session, doing="list connectors")
        names = usable_connectors(backend, profile)
        if name not in names:
            raise UnknownName("location", location, names)


def list_connectors(backend: CimiBackend) -> Iterator[Connector]:
    """List usable connectors by name, with the countries from one search of the offers."""
    session = backend.session
    names = usable_connectors(backend, Profile.read(session, doing="list connectors"))
    countries: dict[str, str] = {}
    where = _VM & attr("resource:country").is_present()
    doing, select = "read the countries of the connectors", "id,connector,resource:country"
    offers = search(session, "service-offer", doing=doing, where=where, select=select)
    while len(countries) < len(names) and (entry := next(offers, None)):
        name, country = _bare(entry), documents.text(entry, "resource:country")
        if name in names and country:
            countries.setdefault(name, country)
    for name in sorted(names):
        yield Connector(id=CONNECTOR + name, name=name, country=countries.get(name))


def usable_connectors(backend: CimiBackend, profile: Profile) -> set[str]:
    """
    The names of the connectors that the user has credentials for.

    Credentials are what counts since v3.42, and the only trace of a privileged user's clouds
    since v3.48. Before, they hold nothing of clouds, and some accounts may not list them. A
    privileged user sees everybody's, and can use those that name it.
    """
    session, doing = backend.session, "list cloud credentials"
    where: Filter = attr("type").startswith("cloud-cred-")
    if profile.privileged:
        with of_server(doing):
            where &= either("acl/rules/principal", user_name(session))
    entries = search(session, "credential", doing=doing, where=where, select="id,connector")
    names = profile.connectors
    with suppress(Forbidden):
        names |= set(map(_bare, entries)) - {""}
    backend.locations |= names
    return names


def offer(entry: Entry) -> ServiceOffer:
    """Convert a service offer, or its copy inside a virtual machine, which has an ``href``."""
    label = documents.text(entry, "name") or documents.text(entry, "resource:instanceType")
    name = documents.text(entry, "id") or documents.text(entry, "href") or ""
    connector = _bare(entry)
    return ServiceOffer(
        id=name,
        name=label or name,
        connectors=[connector] if connector else [],
        cpu=documents.number(entry, "resource:vcpu"),
        ram=documents.number(entry, "resource:ram"),
        disk=documents.number(entry, "resource:disk"),
        price=documents.number(entry, "price:unitCost"),
        currency=documents.text(entry, "price:currency"),
        price_unit=documents.text(entry, "price:billingUnitCode"),
        country=documents.text(entry, "resource:country"),
        raw=entry,
    )


def list_virtual_machines(
    backend: CimiBackend,
    connector: str | None,
    deployment_id: str | None,
    raw: Mapping[str, Any],
) -> Iterator[VirtualMachine]:
    """List the machines on a connector or of a deployment, and refuse an unknown one."""
    where: Filter | None = None
    if connector is not None:
        where = either("connector/href", CONNECTOR + connector.removeprefix(CONNECTOR))
    if deployment_id is not None:
        of_run = either("deployment/href", RUN + run_id(deployment_id))
        where = of_run if where is None else where & of_run
    entry: Entry | None = None
    doing = "list virtual machines"
    for entry in search(backend.session, "virtual-machine", doing=doing, where=where):
        yield _machine(entry)
    if entry is not None:
        return
    if connector is not None:
        check_location(backend, connector)
    if deployment_id is not None and not raw:
        backend.get_state(deployment_id, frozenset())


def addresses(session: Session, runs: Sequence[str]) -> dict[str, list[str]]:
    """The addresses of the machines of a hundred deployments or so, by one search."""
    machines = search(
        session,
        "virtual-machine",
        doing="list the addresses of deployments",
        where=either("deployment/href", *(RUN + run for run in runs)),
        select="id,ip,deployment",
        page=_LARGEST_PAGE,
    )
    by_run: dict[str, list[str]] = {}
    for entry in machines:
        run, address = documents.href(entry, "deployment"), documents.text(entry, "ip")
        if run and address:
            by_run.setdefault(run.removeprefix(RUN), []).append(address)
    return by_run


def _machine(entry: Entry) -> VirtualMachine:
    state = documents.text(entry, "state") or ""
    address = documents.text(entry, "ip")
    deployment = documents.href(entry, "deployment")
    size = documents.mapping(entry, "serviceOffer")
    return VirtualMachine(
        id=entry["id"],
        name=documents.text(entry, "instanceID") or entry["id"],
        state=state,
        phase=_PHASES.get(state.lower(), Phase.UNKNOWN),
        addresses=(address,) if address else (),
        connector=_bare(entry) or None,
        deployment_id=deployment.removeprefix(RUN) if deployment else None,
        offer=offer(size) if documents.text(size, "href") else None,
        created=documents.timestamp(entry, "created"),
        raw=entry,
    )


def _bare(entry: documents.Document) -> str:
    """The name of the connector of an entry, empty if there is none."""
    return (documents.href(entry, "connector") or "").removeprefix(CONNECTOR)
