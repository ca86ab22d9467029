"""
Runs: listing, reading, watching and terminating them.

Source: SlipStreamServer, run/RunResource.java, run/RuntimeParameterResource.java,
statemachine/States.java.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from xml.etree.ElementTree import Element

from slipstream.backends.outcomes import require_status
from slipstream.backends.prefetch import one_ahead, read_beside
from slipstream.backends.slipstream import machines, xml
from slipstream.backends.slipstream.dialect import STATES, uncached
from slipstream.backends.slipstream.paths import run_id
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.run_document import (
    ABORT,
    STATE,
    document,
    passwords,
    phase,
    summary,
)
from slipstream.backends.slipstream.run_list import iterate_pages
from slipstream.errors import MalformedAnswer, NodeFailed, UnknownName
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff
from slipstream.transport.messages import Request, Response
from slipstream.values import Deployment, DeploymentState, Phase, RunParameter

AT_ONCE = 100
"""Runs whose machines are asked for in one search."""

TERMINATE_TIMEOUT = 300.0
"""Seconds: the server answers once the cloud has taken the order to stop the machines."""

LAUNCH_TIMEOUT = 120.0
"""Seconds that the machines of a run get to exist that is ended while they are started."""

_BACKOFF = Backoff(start=1.0, factor=1.5, ceiling=10.0)
_LOOK = "Look at list_nodes() and try again. An account that was deleted gets empty responses too."
_TEXT = {"Accept": "text/plain"}
_ORDER = {state: number for number, state in enumerate(STATES)}
_ENDED = {"Done", "Aborted", "Cancelled"}


def list_deployments(session: Session, active_only: bool, addresses: bool) -> Iterator[Deployment]:
    """
    Every run, newest first; the next page is read while one is used.

    Their addresses are one search of machines for each hundred, side by side with the next page.
    """
    pages = iterate_pages(session, active_only=active_only)
    if not addresses:
        return map(summary, chain.from_iterable(one_ahead(pages)))

    def read(runs: Sequence[Element]) -> dict[str, list[str]]:
        return machines.addresses(session, [run.get("uuid", "") for run in runs])

    return (
        summary(run, addresses_of.get(run.get("uuid", ""), ()))
        for runs, addresses_of in read_beside(read, pages, size=AT_ONCE)
        for run in runs
    )


def get_state(session: Session, deployment_id: str, states: frozenset[str]) -> DeploymentState:
    """
    The parameter ``ss:state``, which every run has.

    The server refuses to tell it once the run is aborted, unless told to ignore that; only then
    the reason is asked for too.
    """
    run = run_id(deployment_id)
    state = _parameter(session, run, STATE, ignore_abort=False, allow={409})
    failure = None
    if state is None:
        reason = _parameter(session, run, ABORT, ignore_abort=True, allow={412})
        failure = xml.without_markup(reason or "") or "aborted"
        state = _parameter(session, run, STATE, ignore_abort=True)
    state = state or ""
    return DeploymentState(
        state=state,
        phase=phase(state),
        failure=failure,
        attainable=_attainable(session, run, state, states, failure is not None),
    )


def get_parameter(
    session: Session, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter:
    """
    A runtime parameter, looked up in the run's document.

    It is never asked for by its own address: asking there for one that does not exist aborts
    the deployment.
    """
    root = _read_document(session, deployment_id)
    deployment = document(root)
    values = deployment.parameters or {}
    if name not in values:
        raise UnknownName("parameter", name, values, f"of deployment {deployment.id}")
    if deployment.failure and not ignore_abort:
        raise NodeFailed(
            f"Deployment {deployment.id} was aborted: {deployment.failure}.",
            state=deployment.state,
            reason=deployment.failure,
            endpoint=session.endpoint.url,
        )
    return RunParameter(name=name, value=values[name], secret=name in passwords(root))


def terminate(session: Session, deployment_id: str) -> bool:
    """
    End a run and its machines; one that has ended already is accepted as well.

    Before a machine of the run exists the server answers 409, cancels the run, and starts the
    machine all the same (SlipStreamServer, connector/CliConnectorBase.java): the run is ended
    again until the server confirms. A run that could not be launched is cancelled, has no
    machine, and is answered with 400 for ever.
    """
    run = run_id(deployment_id)
    doing = f"terminate deployment {run}"
    request = Request(
        method="DELETE",
        path=f"/run/{run}",
        headers=XML,
        repeatable=True,
        read_timeout=max(TERMINATE_TIMEOUT, session.transport.settings.read_timeout),
        expects=lambda: _expect_termination(session, run),
    )
    deadline = clock.monotonic() + LAUNCH_TIMEOUT
    pauses = _BACKOFF.pauses()
    response = session.send(request, doing=doing, allow={400, 409})
    while response.status in {400, 409}:
        has_ended, has_machine = _look(session, run)
        over = clock.monotonic() >= deadline
        if has_ended and not has_machine and (response.status == 400 or over):
            return True
        if over or response.status == 400 or "no instances" not in response.text:
            raise session.refusal(response, doing=doing)
        clock.sleep(next(pauses))
        response = session.send(request, doing=doing, allow={400, 404, 409})
        if response.status == 404:
            return True
    require_status(session, response, {204}, doing=doing, hint=_LOOK)
    return True


def _look(session: Session, run: str) -> tuple[bool, bool]:
    """Tell whether a run has ended, and whether it has a machine."""
    deployment = read(session, run)
    parameters = (deployment.parameters or {}).items()
    has_machine = any(value and name.endswith(":instanceid") for name, value in parameters)
    return deployment.state in _ENDED, has_machine


def _expect_termination(session: Session, run: str) -> Response:
    """Read the run, since one that cannot be read cannot be terminated."""
    read(session, run)
    return expect(204)()


def read(session: Session, deployment_id: str) -> Deployment:
    """
    Read one run.

    :param session: The logged-in session.
    :param deployment_id: Its UUID.
    """
    return document(_read_document(session, deployment_id))


def _read_document(session: Session, deployment_id: str) -> Element:
    run = run_id(deployment_id)
    request = Request(
        method="GET",
        path=f"/run/{run}",
        query=(uncached(),),
        headers=XML,
        repeatable=True,
        expects=expect(200, f'<run uuid="{run}"/>'.encode()),
    )
    response = session.send(request, doing=f"read deployment {run}")
    root = xml.parse(response, "run")
    if root.get("uuid", "").lower() != run:
        raise MalformedAnswer(
            f"Cannot read deployment {run}: the response is about another one.",
            endpoint=session.endpoint.url,
        )
    # From here on no message and no log line shows them.
    session.transport.secrets.meet(*filter(None, passwords(root).values()))
    return root


def _parameter(
    session: Session, run: str, key: str, *, ignore_abort: bool, allow: set[int] | None = None
) -> str | None:
    """
    One of the parameters that every run has; never call it with any other.

    :returns: The value, ``None`` for one of the statuses allowed.
    """
    response = session.send(
        Request(
            method="GET",
            path=f"/run/{run}/{key}",
            query=(("ignoreabort", "true" if ignore_abort else "false"), uncached()),
            headers=_TEXT,
            repeatable=True,
        ),
        doing=f"read {key} of deployment {run}",
        allow=allow or (),
    )
    return response.text.strip() if response.status < 400 else None


def _attainable(
    session: Session, run: str, state: str, states: frozenset[str], failed: bool
) -> bool:
    if state in states or phase(state) is Phase.UNKNOWN:
        return True
    if state in _ENDED:
        return False
    coming = {other for other in states if _ORDER.get(other, 0) > _ORDER[state]}
    if state == "Finalizing":
        coming -= {"Done"} if failed else {"Aborted"}
    if coming:
        return True
    # What lies behind can only come again on a run that can be scaled, from Ready.
    return state != "Finalizing" and bool(read(session, run).scalable)
