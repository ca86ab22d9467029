"""
Deployments: listing, reading, watching, starting, stopping and terminating them.

Source: nuvla/api-server, server/resources/deployment.clj, deployment/utils.clj. Start and stop
write the new state before they check rights, so they are never sent with a login that is about
to expire, and never sent again as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice

from slipstream.backends import documents
from slipstream.backends.nuvla import jobs
from slipstream.backends.nuvla.deployment_document import SELECT, deployment, phase
from slipstream.backends.nuvla.dialect import GONE, delete, get, post, put
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.parameters import ADDRESSES, read_all
from slipstream.backends.nuvla.resources import read_resource, resource
from slipstream.backends.nuvla.search import search
from slipstream.errors import Conflict
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff
from slipstream.transport.messages import Response
from slipstream.values import Deployment, DeploymentState

AT_ONCE = 100
"""Deployments whose addresses are asked for in one search."""

STOP_TIMEOUT = 300.0
"""Seconds to wait for a stop that is under way before a deployment can be deleted."""

STOP_PERIOD = 3.0
"""Seconds between two questions meanwhile."""

_DELETABLE = {"CREATED", "STOPPED"}
_ALLOWED_IN = {"start": "STOPPED", "stop": "ERROR"}
"""A state in which each of the actions is allowed that write a state before they check rights."""

_AND_DELETE = {"delete": True}
_ACCEPTED = expect(202)
_IN_STATE = re.compile(r" in state ([A-Z]+)!")
_UNSTARTABLE = {"ERROR", "STOPPED", "STOPPING", GONE}
_STARTED = {"STARTED", "UPDATED", "STARTING", "PENDING", "UPDATING"}


def list_deployments(
    session: Session,
    active_only: bool,  # noqa: ARG001 - none of them ends but by being deleted
    addresses: bool,
) -> Iterator[Deployment]:
    """Every deployment, newest first; their addresses by one search for each hundred."""
    found = search(session, "deployment", doing="list deployments", select=SELECT)
    if not addresses:
        yield from map(deployment, found)
        return
    while page := list(islice(found, AT_ONCE)):
        values = read_all(session, [entry["id"] for entry in page], ADDRESSES)
        for entry in page:
            yield deployment(entry, parameters=values.get(entry["id"], {}))


def get_deployment(session: Session, deployment_id: str) -> Deployment:
    """One deployment with its parameters, and the reason when it is in error."""
    name = resource_id(deployment_id, "deployment", "node")
    document = read_resource(session, name, SELECT, doing=f"read {name}")
    values = read_all(session, [name]).get(name, {})
    in_error = document.get("state") == "ERROR"
    return deployment(
        document, parameters=values, failure=jobs.failure(session, name) if in_error else None
    )


def get_state(session: Session, deployment_id: str, wanted: frozenset[str]) -> DeploymentState:
    """The state alone; one that the server does not have any more is gone."""
    name = resource_id(deployment_id, "deployment", "node")
    state = _state(session, name)
    return DeploymentState(
        state=state,
        phase=phase(state),
        failure=jobs.failure(session, name) if state == "ERROR" else None,
        attainable=_attainable(state, wanted),
    )


def start_deployment(session: Session, deployment_id: str) -> bool:
    """Start a deployment that is created or stopped."""
    name = resource_id(deployment_id, "deployment", "node")
    act(session, name, "start")
    return True


def stop_deployment(session: Session, deployment_id: str) -> bool:
    """Stop a deployment; it can be started again."""
    name = resource_id(deployment_id, "deployment", "node")
    act(session, name, "stop")
    return True


def update_deployment(session: Session, deployment_id: str) -> bool:
    """Apply a deployment's application again, with its present values."""
    name = resource_id(deployment_id, "deployment", "node")
    act(session, name, "update")
    return True


def terminate(session: Session, deployment_id: str) -> bool:
    """
    Stop a deployment and delete it once it is stopped, which the server does by itself.

    One that is not running is deleted at once; one that is just stopping is waited for.
    """
    name = resource_id(deployment_id, "deployment", "node")
    answer = act(
        session,
        name,
        "stop",
        _AND_DELETE,
        allow={404, 409},
        expects=lambda: _expect_stop(session, name),
    )
    if answer.status != 409:
        return True
    state = _refused_in(session, answer)
    if state not in _DELETABLE:
        state = _settled(session, name)
    if state in _DELETABLE:
        session.send(delete(name, expects=expect(200)), doing=f"delete {name}", allow={404})
    elif state != GONE:
        act(session, name, "stop", _AND_DELETE, allow={404})
    return True


def _expect_stop(session: Session, name: str) -> Response:
    """Read the state, which decides what the server answers to a stop."""
    state = _state(session, name)
    if state == GONE:
        return expect(404)()
    if state in {*_DELETABLE, "STOPPING"}:
        message = json.dumps({"message": f"It is in state {state}!"}).encode()
        return expect(409, message)()
    return expect(202)()


def _refused_in(session: Session, answer: Response) -> str | None:
    """The state for which an action was refused, as the message has it."""
    match = _IN_STATE.search(session.backend.error_detail(answer) or "")
    return match[1] if match else None


def _settled(session: Session, name: str) -> str:
    """Wait for a stop that is under way; the state that the deployment is in then."""
    deadline = clock.monotonic() + STOP_TIMEOUT
    pauses = Backoff(start=1.0, factor=1.5, ceiling=STOP_PERIOD).pauses()
    while (state := _state(session, name)) == "STOPPING":
        if clock.monotonic() > deadline:
            raise Conflict(
                f"Cannot terminate {name}: it is still {state} after {STOP_TIMEOUT:g} seconds.",
                code=409,
                endpoint=session.endpoint.url,
                hint="Try again later.",
            )
        clock.sleep(next(pauses))
    return state


def act(
    session: Session,
    name: str,
    action: str,
    body: dict[str, bool] | None = None,
    *,
    allow: set[int] | None = None,
    expects: Callable[[], Response] = _ACCEPTED,
) -> Response:
    """
    Send an action, once.

    When the session turns out to have ended before its time, the server has written the new
    state and begun nothing. That is put right with a new session, and the action sent again.

    :param session: The logged-in session.
    :param name: The deployment's id.
    :param action: The action.
    :param body: Its options.
    :param allow: Error statuses that the caller wants to see for itself.
    :param expects: Gives the response that the server is expected to send.
    """
    doing, wanted = f"{action} {name}", {*(allow or ()), 403}
    request = post(f"{name}/{action}", body, expects=expects)
    answer = session.send(request, doing=doing, allow=wanted, renewable=False)
    if answer.status == 403 and session.backend.session_ended(answer):
        if action in _ALLOWED_IN:
            session.send(put(name, {"state": _ALLOWED_IN[action]}), doing=doing)
        answer = session.send(request, doing=doing, allow=wanted)
    if answer.status == 403:
        raise session.refusal(answer, doing=doing)
    return answer


def _state(session: Session, name: str) -> str:
    answer = session.send(get(name, "id,state"), doing=f"read the state of {name}", allow={404})
    if answer.status == 404:
        return GONE
    return documents.text(resource(session, answer, f"read the state of {name}"), "state") or ""


def _attainable(state: str, wanted: frozenset[str]) -> bool:
    if state in wanted:
        return True
    if state == GONE:
        return False
    return not (state in _UNSTARTABLE and wanted <= _STARTED)
