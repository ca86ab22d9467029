"""
Ending deployments: stop, then delete, whatever state they are in.

A stop with ``{"delete": true}`` is one request, and the server deletes once its job has stopped
the application; a job that fails leaves the deployment in ERROR. Source: nuvla/api-server,
server/resources/deployment.clj; nuvla/job-engine, job/actions/deployment_stop.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla import jobs, lifecycle
from slipstream.backends.nuvla.dialect import GONE, delete, get, post, put
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.locations import credentials_of
from slipstream.backends.nuvla.resources import DONE, change, resource
from slipstream.errors import Conflict, Forbidden
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff
from slipstream.transport.messages import Response

TIMEOUT = 300.0
"""Seconds to wait for a deployment that cannot be trusted to go by itself."""

_BACKOFF = Backoff(start=1.0, factor=1.5, ceiling=5.0)
_DELETABLE = {"CREATED", "STOPPED"}
_UNSTOPPABLE = {"component", "project"}
"""Kinds of modules whose stop jobs fail, and leave the deployment in ERROR."""

_IN_STATE = re.compile(r" in state ([A-Z]+)!")
_SELECT = "id,state,module,nuvlabox"
_FORCE = (
    "destroy_node(node, ex_force=True) deletes the deployment all the same; what it runs then"
    " goes on running."
)


def terminate(session: Session, deployment_id: str, force: bool, raw: Mapping[str, Any]) -> bool:
    """
    Stop and delete a deployment; true once it is gone, or its stop is queued and can succeed.

    One that is in error, or of a kind that cannot be stopped, is waited for until it is gone.
    """
    name = resource_id(deployment_id, "deployment", "node")
    if "state" not in raw:
        # An action writes the new state before it checks rights, so nothing is sent to what was
        # not seen.
        response = session.send(get(name, _SELECT), doing=f"terminate {name}", allow={404})
        if response.status == 404:
            return True
        document = resource(session, response, f"terminate {name}")
        module = document.get("module")
        subtype = module.get("subtype") if isinstance(module, dict) else None
        raw = {**document, "subtype": subtype}
    is_doubtful = force or raw["state"] == "ERROR" or raw.get("subtype") in _UNSTOPPABLE
    try:
        _stop_and_delete(session, name, is_doubtful, documents.text(dict(raw), "nuvlabox"))
    except (Conflict, Forbidden):
        if not force:
            raise
        request = post(f"{name}/force-delete", expects=DONE)
        change(session, request, doing=f"delete {name}", success=200, allow={404})
    return True


def _stop_and_delete(session: Session, name: str, is_doubtful: bool, edge: str | None) -> None:
    deadline = clock.monotonic() + TIMEOUT
    is_accepted, state = _stop(session, name)
    if is_accepted and (session.is_dry_run or not is_doubtful):
        return
    polls = 0
    for pause in _BACKOFF.pauses():
        if state == "STOPPING":
            if session.is_dry_run:
                state = "STOPPED"
                continue
            if clock.monotonic() > deadline:
                message = f"it is still STOPPING after {TIMEOUT:g} seconds"
                raise _conflict(session, name, message, f"Try again later. {_FORCE}")
            clock.sleep(pause)
            polls += 1
            state = lifecycle.read_state(session, name)
            if state == "STOPPING" and polls % 5 == 2 and not _is_at_work(session, name, edge):
                # Somebody's request was refused after the state had been written.
                session.send(put(name, {"state": "ERROR"}), doing=f"terminate {name}", allow={404})
                is_accepted, state = _stop(session, name)
        elif state == GONE:
            return
        elif state in _DELETABLE:
            request = delete(name, expects=DONE)
            change(session, request, doing=f"delete {name}", success=200, allow={404})
            return
        elif is_accepted:
            raise _conflict(
                session, name, f"its stop failed: {jobs.failure(session, name)}", _FORCE
            )
        else:
            is_accepted, state = _stop(session, name)


def _stop(session: Session, name: str) -> tuple[bool, str]:
    """Ask for the stop: whether it was accepted, and the state that the deployment is in."""

    def send() -> Response:
        return lifecycle.act(
            session,
            name,
            "stop",
            {"delete": True},
            allow={403, 404, 409},
            expects=lambda: _expect_stop(session, name),
        )

    response = send()
    if response.status == 403:
        _replace_credential(session, name, response)
        response = send()
    if response.status == 404:
        return False, GONE
    if response.status < 400:
        return True, "STOPPING"
    match = _IN_STATE.search(session.backend.error_detail(response) or "")
    state = match[1] if match else lifecycle.read_state(session, name)
    if response.status == 403 or state not in {*_DELETABLE, "STOPPING", GONE}:
        error = session.refusal(response, doing=f"terminate {name}")
        error.hint = _FORCE if response.status == 409 else error.hint
        raise error
    return False, state


def _replace_credential(session: Session, name: str, response: Response) -> None:
    """Let a deployment whose credential was deleted use another one of the same location."""
    deployment = lifecycle.without_credential(session, name, response)
    if deployment is None:
        raise session.refusal(response, doing=f"terminate {name}")
    service = documents.text(deployment, "infrastructure-service")
    for credential in credentials_of(session, service) if service else ():
        change(
            session,
            put(name, {"parent": credential["id"]}),
            doing=f"terminate {name}",
            success=200,
        )
        return
    raise lifecycle.credential_missing(session, name, deployment, f"terminate {name}", _FORCE)


def _is_at_work(session: Session, name: str, edge: str | None) -> bool:
    if jobs.at_work(session, name) is None:
        return False
    if edge is not None:
        doing = f"read {edge}"
        response = session.send(get(edge, "id,name,online"), doing=doing, allow={403, 404})
        document = resource(session, response, doing) if response.status < 400 else {}
        if document.get("online") is False:
            message = (
                f"it is STOPPING, and {documents.text(document, 'name') or edge}, the edge that"
                " it runs on, is offline"
            )
            hint = f"It ends once the edge is back. {_FORCE}"
            raise _conflict(session, name, message, hint)
    return True


def _conflict(session: Session, name: str, message: str, hint: str) -> Conflict:
    return Conflict(
        f"Cannot terminate {name}: {message}.",
        code=409,
        endpoint=session.endpoint.url,
        hint=hint,
    )


def _expect_stop(session: Session, name: str) -> Response:
    """Read the state, which decides what the server answers to a stop."""
    state = lifecycle.read_state(session, name)
    if state == GONE:
        return expect(404)()
    if state in {*_DELETABLE, "STOPPING"}:
        message = json.dumps({"message": f"It is in state {state}!"}).encode()
        return expect(409, message)()
    return lifecycle.ACCEPTED()
