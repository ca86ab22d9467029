"""
Starting, stopping, updating and terminating deployments.

Start and stop write the new state before they check rights, so they are never sent to what the
user may not manage, never with a login that is about to expire, and never again as they are. A
stop with ``{"delete": true}`` is one request, and the server deletes once its job has stopped the
application; a job that fails leaves the deployment in ERROR. Sources: nuvla/api-server,
server/resources/deployment.clj, deployment/utils.clj; nuvla/job-engine,
job/actions/deployment_stop.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from functools import partial
from itertools import chain
from typing import Any

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, is_id
from slipstream.backends.nuvla import jobs
from slipstream.backends.nuvla.deployments import GONE, get_state, read_state
from slipstream.backends.nuvla.locations import SERVICE, credentials_of
from slipstream.backends.nuvla.resources import Expected, change, find, node_id, reference
from slipstream.errors import Conflict, DriverError, Forbidden, NotFound
from slipstream.session import Session
from slipstream.session.polling import Wait, poll
from slipstream.session.session import PLACEHOLDER
from slipstream.transport.messages import Response, expect

REBOOT_TIMEOUT = 600.0
"""Seconds that a deployment has to stop before it is started again."""

TERMINATE_TIMEOUT = 300.0
"""Seconds to wait for a deployment that cannot be trusted to go by itself."""

_ALLOWED_IN = {"start": "STOPPED", "stop": "ERROR"}
"""A state in which each of the actions is allowed that write a state before they check rights."""

_DELETABLE = {"CREATED", "STOPPED"}
_UNSTOPPABLE = {"component", "project"}
"""Kinds of modules whose stop jobs fail, and leave the deployment in ERROR."""

_IN_STATE = re.compile(r" in state ([A-Z]+)!")
_FORCE = (
    "destroy_node(node, ex_force=True) deletes the deployment all the same; its containers then go"
    " on running."
)


def start_deployment(backend: CimiBackend, deployment_id: str) -> bool:
    """Start a deployment that is created or stopped."""
    return _act_managed(backend.session, node_id(deployment_id), "start")


def stop_deployment(backend: CimiBackend, deployment_id: str) -> bool:
    """Stop a deployment; it can be started again."""
    return _act_managed(backend.session, node_id(deployment_id), "stop")


def update_deployment(backend: CimiBackend, deployment_id: str) -> bool:
    """Apply the application again."""
    act(backend.session, node_id(deployment_id), "update")
    return True


def reboot_deployment(backend: CimiBackend, deployment_id: str) -> bool:
    """Stop a deployment, wait until it is stopped, and start it, within one deadline."""
    session, name, states = backend.session, node_id(deployment_id), frozenset({"STOPPED"})
    _act_managed(session, name, "stop")
    wait = Wait(what=name, states=states, period=5.0, timeout=REBOOT_TIMEOUT)
    try:
        if not session.is_dry_run:
            wait.until(lambda: get_state(backend, name, states))
        act(session, name, "start")
    except DriverError as error:
        error.may_have_happened = True  # it was stopped
        raise
    return True


def _act_managed(session: Session, name: str, action: str) -> bool:
    doing = f"{action} {name}"
    if _find_managed(session, name, "id,state,operations", doing) is None:
        raise NotFound(f"Cannot {doing}: there is no such deployment.")
    act(session, name, action)
    return True


def _find_managed(session: Session, name: str, select: str, doing: str) -> dict[str, Any] | None:
    """Read a deployment, and refuse one that the user may not manage."""
    document = find(session, name, select, doing=doing)
    if document is not None:
        offered = {entry.get("rel") for entry in documents.mappings(document, "operations")}
        if not offered - {"edit", "delete"}:
            raise Forbidden(
                f"Cannot {doing}: this account may see the deployment and not manage it.",
                hint="Its owner can share it with the right to manage it.",
            )
    return document


def act(
    session: Session,
    name: str,
    action: str,
    body: dict[str, bool] | None = None,
    *,
    allow: Collection[int] = (),
    expects: Expected = None,
) -> Response:
    """
    Send an action, once.

    When the session turns out to have ended before its time, the server has written the new
    state and begun nothing. That is put right with the new session, before the action is sent
    again.
    """
    doing = f"{action} {name}"

    def put_right() -> None:
        change(session, "PUT", name, {"state": _ALLOWED_IN[action]}, doing=doing)

    response = change(
        session,
        "POST",
        f"{name}/{action}",
        body,
        doing=doing,
        success=202,
        allow={*allow, 403},
        renewable=put_right if action in _ALLOWED_IN else True,
        expects=expects,
    )
    if response.status == 403 and 403 not in allow:
        hint = "destroy_node() ends it, with another credential of its location if there is one."
        raise _without_credential(session, name, response, doing, hint)[1]
    if response.status < 400:
        reference(response, "location", "job", doing)
    return response


def _without_credential(
    session: Session, name: str, refusal: Response, doing: str, hint: str
) -> tuple[str | None, Forbidden]:
    """
    Explain the refusal of a deployment whose credential was deleted, worded as a missing login.

    :returns: The service that the deployment runs on, and the exception.
    :raises Forbidden: If the refusal has another reason.
    """
    if session.backend.error_detail(refusal) == "credentials required":
        select = f"id,parent,{SERVICE}"
        deployment = find(session, name, select, none_for={403, 404}) or {}
        credential = documents.text(deployment, "parent")
        if is_id(credential, "credential") and find(session, str(credential), "id") is None:
            return documents.text(deployment, SERVICE), Forbidden(
                f"Cannot {doing}: the credential that it runs with, {credential}, was deleted.",
                hint=f"To continue it, PUT {{'parent': <another credential>}} to /api/{name}."
                f" {hint}",
            )
    raise session.refusal(refusal, doing=doing)


def terminate(
    backend: CimiBackend, deployment_id: str, force: bool, raw: Mapping[str, Any]
) -> bool:
    """
    Stop and delete a deployment; true once it is gone, or its stop is queued and can succeed.

    One that is in error, or of a kind that cannot be stopped, is waited for until it is gone.
    """
    session, name = backend.session, node_id(deployment_id)
    if not _is_managed(raw):
        select = "id,state,module,nuvlabox,operations"
        document = _find_managed(session, name, select, f"terminate {name}")
        if document is None:
            return True
        raw = {**document, "subtype": documents.mapping(document, "module").get("subtype")}
    is_doubtful = force or raw["state"] == "ERROR" or raw.get("subtype") in _UNSTOPPABLE
    try:
        _stop_and_delete(session, name, is_doubtful, documents.text(raw, "nuvlabox"))
    except (Conflict, Forbidden):
        if not force:
            raise
        change(session, "POST", f"{name}/force-delete", doing=f"delete {name}", allow={404})
    return True


def _is_managed(raw: Mapping[str, Any]) -> bool:
    """Whether a document read before shows that each user who could read it may manage it."""
    acl = documents.mapping(raw, "acl")
    # The ACL itself is shown to those alone who may view it; some are no users.
    viewers = {
        viewer
        for viewer in documents.texts(acl, "view-acl")
        if not viewer.startswith(("deployment/", "nuvlabox/"))
    }
    rights = ("owners", "manage", "edit-acl")
    managers = {manager for right in rights for manager in documents.texts(acl, right)}
    return "state" in raw and bool(managers) and viewers <= managers


def _stop_and_delete(session: Session, name: str, is_doubtful: bool, edge: str | None) -> None:
    is_accepted, state = _stop(session, name)
    if is_accepted and (session.is_dry_run or not is_doubtful):
        return
    states = poll(
        partial(read_state, session, name),
        what=f"the state of {name}",
        period=5.0,
        timeout=TERMINATE_TIMEOUT,
    )
    for number, current in enumerate(chain([state], states)):
        if current == GONE:
            return
        if current in _DELETABLE or session.is_dry_run:
            change(session, "DELETE", name, doing=f"delete {name}", allow={404})
            return
        if current == "STOPPING":
            if number % 5 != 3 or _is_at_work(session, name, edge):
                continue
            # Another request was refused after the state had been written.
            failed, doing = {"state": "ERROR"}, f"terminate {name}"
            change(session, "PUT", name, failed, doing=doing, allow={404})
        elif is_accepted:
            raise _conflict(name, f"its stop failed: {jobs.failure(session, name)}", _FORCE)
        is_accepted, _ = _stop(session, name)
    message = f"it is still STOPPING after {TERMINATE_TIMEOUT:g} seconds"
    raise _conflict(name, message, f"Try again later. {_FORCE}")


def _stop(session: Session, name: str) -> tuple[bool, str]:
    """Send the stop; return whether it was accepted, and the deployment's state."""
    body, expects = {"delete": True}, partial(_expect_stop, session, name)
    send = partial(act, session, name, "stop", body, allow={403, 404, 409}, expects=expects)
    response = send()
    doing = f"terminate {name}"
    if response.status == 403:
        # Let it use another credential of the same location.
        service, error = _without_credential(session, name, response, doing, _FORCE)
        credentials = credentials_of(session, str(service)) if is_id(service, SERVICE) else []
        if not credentials:
            raise error
        change(session, "PUT", name, {"parent": credentials[0]["id"]}, doing=doing)
        response = send()
    if response.status == 404:
        return False, GONE
    if response.status < 400:
        return True, "STOPPING"
    match = _IN_STATE.search(session.backend.error_detail(response) or "")
    state = match[1] if match else read_state(session, name)
    if response.status == 403 or state not in {*_DELETABLE, "STOPPING", GONE}:
        hint = _FORCE if response.status == 409 else None
        raise session.refusal(response, doing=doing, hint=hint)
    return False, state


def _is_at_work(session: Session, name: str, edge: str | None) -> bool:
    if not jobs.is_at_work(session, name):
        return False
    # A plain one: the document of the deployment may hold anything.
    edge = edge if is_id(edge, "nuvlabox") else None
    document = (edge and find(session, edge, "id,name,online", none_for={403, 404})) or {}
    if document.get("online") is False:
        edge = documents.text(document, "name") or edge
        message = f"it is STOPPING, and {edge}, the edge that it runs on, is offline"
        raise _conflict(name, message, f"It ends once the edge is back. {_FORCE}")
    return True


def _conflict(name: str, message: str, hint: str) -> Conflict:
    return Conflict(f"Cannot terminate {name}: {message}.", hint=hint)


def _expect_stop(session: Session, name: str) -> Response:
    """The expected response to a stop, by the deployment's state."""
    state = read_state(session, name)
    status = 404 if state == GONE else 409 if state in {*_DELETABLE, "STOPPING"} else 202
    job, message = f"job/{PLACEHOLDER}", f"It is in state {state}!"
    document = {"status": status, "location": job, "message": message}
    return expect(status, json.dumps(document).encode())()
