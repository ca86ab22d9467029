"""
Runs: listing, reading, watching and terminating them.

Source: SlipStreamServer, run/RunListResource.java, run/RunResource.java,
run/RuntimeParameterResource.java, statemachine/States.java.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from slipstream.backends.slipstream import machines, xml
from slipstream.backends.slipstream.dialect import NAME, STATES
from slipstream.backends.slipstream.paths import run_id
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.run_document import ABORT, STATE, document, phase, summary
from slipstream.errors import DeploymentFailed, MalformedAnswer, UnknownName
from slipstream.hookspecs import hookimpl, serves
from slipstream.http import Request
from slipstream.session import Session
from slipstream.values import Deployment, DeploymentState, Phase, RunParameter

PAGE = 500
"""Runs asked for at a time; asking for more is an error."""

STEPS_BACK = 20
"""How often a listing goes a page back before it gives up."""

TERMINATE_TIMEOUT = 300.0
"""Seconds: the server answers once the cloud has taken the order to stop the machines."""

_TEXT = {"Accept": "text/plain"}
_ORDER = {state: number for number, state in enumerate(STATES)}
_ENDED = {"Done", "Aborted", "Cancelled"}


@hookimpl
@serves(NAME)
def slipstream_list_deployments(
    session: Session, active_only: bool, addresses: bool
) -> Iterator[Deployment]:
    """Every run, newest first; the addresses by one search of all the user's machines."""
    found = _runs(session, active_only)
    if not addresses:
        yield from found
        return
    known: dict[str | None, list[str]] = {}
    for machine in machines.find(session, connector=None, deployment_id=None):
        known.setdefault(machine.deployment_id, []).extend(machine.addresses)
    for run in found:
        yield attrs.evolve(run, addresses=known.get(run.id, ()))


@hookimpl
@serves(NAME)
def slipstream_get_deployment(session: Session, deployment_id: str) -> Deployment:
    """The whole document, parameters included; megabytes for a large application."""
    return read(session, deployment_id)


@hookimpl
@serves(NAME)
def slipstream_get_state(
    session: Session, deployment_id: str, wanted: frozenset[str]
) -> DeploymentState:
    """
    The parameter ``ss:state``, which every run has.

    The server refuses to tell it once the run is aborted, unless told to ignore that; only then
    the reason is asked for too.
    """
    run = run_id(deployment_id)
    answer = _parameter(session, run, STATE, ignore_abort=False, allow={409})
    failure = None
    if answer is None:
        failure = _parameter(session, run, ABORT, ignore_abort=True, allow={412}) or "aborted"
        answer = _parameter(session, run, STATE, ignore_abort=True)
    state = answer or ""
    return DeploymentState(
        state=state,
        phase=phase(state),
        failure=failure,
        attainable=_attainable(session, run, state, wanted, failure is not None),
    )


@hookimpl
@serves(NAME)
def slipstream_get_parameter(
    session: Session, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter:
    """
    A runtime parameter, looked up in the run's document.

    It is never asked for by its own address: asking there for one that does not exist aborts
    the deployment.
    """
    deployment = read(session, deployment_id)
    values = deployment.parameters or {}
    if name not in values:
        raise UnknownName("parameter", name, values, f"of deployment {deployment.id}")
    if deployment.failure and not ignore_abort:
        raise DeploymentFailed(
            f"Deployment {deployment.id} was aborted: {deployment.failure}.",
            state=deployment.state,
            reason=deployment.failure,
            endpoint=session.endpoint.url,
        )
    return RunParameter(name=name, value=values[name])


@hookimpl
@serves(NAME)
def slipstream_terminate(session: Session, deployment_id: str) -> bool:
    """End a run; one that has ended already is accepted as well."""
    run = run_id(deployment_id)
    session.send(
        Request(
            method="DELETE",
            path=f"/run/{run}",
            headers=XML,
            repeatable=True,
            read_timeout=max(TERMINATE_TIMEOUT, session.transport.settings.read_timeout),
        ),
        doing=f"terminate deployment {run}",
    )
    return True


def read(session: Session, deployment_id: str) -> Deployment:
    """
    Read one run.

    :param session: The logged-in session.
    :param deployment_id: Its UUID.
    """
    run = run_id(deployment_id)
    request = Request(method="GET", path=f"/run/{run}", headers=XML, repeatable=True)
    return document(xml.parse(session.send(request, doing=f"read deployment {run}"), "run"))


def _runs(session: Session, active_only: bool) -> Iterator[Deployment]:
    """
    Every run, page after page.

    A run created meanwhile moves the others to the next page, so one may be met twice: it is
    handed over once. One that ends meanwhile moves them the other way, so a page starts with
    the last entry of the one before, and if that is not there any more, a page earlier.
    """
    seen: set[str] = set()
    offset, total, back = 0, 1, 0
    while offset < total:
        total, items = _page(session, offset, active_only)
        if offset and (not items or items[0].id not in seen):
            offset, back = max(0, offset - PAGE), back + 1
            if back > STEPS_BACK:
                raise MalformedAnswer(
                    "Cannot list deployments: the list changes faster than it can be read.",
                    endpoint=session.endpoint.url,
                    hint="Try again later.",
                )
            continue
        for item in items:
            if item.id not in seen:
                seen.add(item.id)
                yield item
        complete = offset + len(items) >= total
        offset = total if complete else offset + max(1, len(items) - 1)


def _page(session: Session, offset: int, active_only: bool) -> tuple[int, list[Deployment]]:
    query = (
        ("offset", str(offset)),
        ("limit", str(PAGE)),
        ("activeOnly", "true" if active_only else "false"),
    )
    request = Request(method="GET", path="/run", query=query, headers=XML, repeatable=True)
    root = xml.parse(session.send(request, doing="list deployments"), "runs")
    total = xml.whole(root.get("totalCount"))
    items = [summary(item) for item in root.iterfind("item")]
    if total is None or (not items and offset < total):
        raise MalformedAnswer(
            f"Cannot list deployments: the server counts {total or 'nothing'} but gave"
            f" {len(items)} from number {offset} on.",
            endpoint=session.endpoint.url,
            hint="Try again; the list may be changing.",
        )
    return total, items


def _parameter(
    session: Session, run: str, key: str, *, ignore_abort: bool, allow: set[int] | None = None
) -> str | None:
    """
    One of the parameters that every run has; never call it with any other.

    :returns: The value, ``None`` for one of the statuses allowed.
    """
    answer = session.send(
        Request(
            method="GET",
            path=f"/run/{run}/{key}",
            query=(("ignoreabort", "true" if ignore_abort else "false"),),
            headers=_TEXT,
            repeatable=True,
        ),
        doing=f"read {key} of deployment {run}",
        allow=allow or (),
    )
    return answer.text.strip() if answer.status < 400 else None


def _attainable(
    session: Session, run: str, state: str, wanted: frozenset[str], failed: bool
) -> bool:
    if state in wanted or phase(state) is Phase.UNKNOWN:
        return True
    if state in _ENDED:
        return False
    coming = {other for other in wanted if _ORDER.get(other, 0) > _ORDER[state]}
    if state == "Finalizing":
        coming -= {"Done"} if failed else {"Aborted"}
    if coming:
        return True
    # What lies behind can only come again on a run that can be scaled, from Ready.
    return state != "Finalizing" and bool(read(session, run).scalable)
