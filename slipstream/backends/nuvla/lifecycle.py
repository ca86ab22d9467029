"""
Deployments: listing, reading, watching, starting, stopping and updating them.

Source: nuvla/api-server, server/resources/deployment.clj, deployment/utils.clj. Start and stop
write the new state before they check rights, so they are never sent with a login that is about
to expire, and never sent again as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla import jobs
from slipstream.backends.nuvla.deployment_document import SELECT, deployment, phase
from slipstream.backends.nuvla.dialect import GONE, get, post, put
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.parameters import ADDRESSES, Values, read_all
from slipstream.backends.nuvla.resources import change, read_resource, reference, resource
from slipstream.backends.nuvla.search import search_pages
from slipstream.backends.prefetch import one_ahead, read_beside
from slipstream.errors import DriverError, Forbidden
from slipstream.session import Session
from slipstream.session.dry_run import PLACEHOLDER, expect
from slipstream.session.polling import Wait
from slipstream.transport.messages import Response
from slipstream.values import Deployment, DeploymentState

AT_ONCE = 100
"""Deployments whose addresses are asked for in one search."""

REBOOT_TIMEOUT = 600.0
"""Seconds that a deployment has to stop before it is started again."""

ACCEPTED = expect(202, json.dumps({"location": f"job/{PLACEHOLDER}"}).encode())
"""Gives the response to an action that was accepted."""

_ALLOWED_IN = {"start": "STOPPED", "stop": "ERROR"}
"""A state in which each of the actions is allowed that write a state before they check rights."""

_UNSTARTABLE = {"ERROR", "STOPPED", "STOPPING", GONE}
_STARTED = {"STARTED", "UPDATED", "STARTING", "PENDING", "UPDATING"}


def list_deployments(
    session: Session,
    active_only: bool,  # noqa: ARG001 - none of them ends but by being deleted
    addresses: bool,
) -> Iterator[Deployment]:
    """
    Every deployment, newest first; the next page is read while one is used.

    Their addresses are one search for each hundred, side by side with the next page.
    """
    pages = search_pages(session, "deployment", doing="list deployments", select=SELECT)
    if not addresses:
        yield from map(deployment, chain.from_iterable(one_ahead(pages)))
        return

    def read(entries: Sequence[dict[str, Any]]) -> dict[str, Values]:
        return read_all(session, [entry["id"] for entry in entries], ADDRESSES)

    for entries, values in read_beside(read, pages, size=AT_ONCE):
        for entry in entries:
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


def get_state(session: Session, deployment_id: str, states: frozenset[str]) -> DeploymentState:
    """The state alone; one that the server does not have any more is gone."""
    name = resource_id(deployment_id, "deployment", "node")
    state = read_state(session, name)
    return DeploymentState(
        state=state,
        phase=phase(state),
        failure=jobs.failure(session, name) if state == "ERROR" else None,
        attainable=_attainable(state, states),
    )


def run_action(session: Session, deployment_id: str, action: str) -> bool:
    """Start, stop or update a deployment; what a start or an update leaves behind is its state."""
    act(session, resource_id(deployment_id, "deployment", "node"), action)
    return True


def reboot(session: Session, deployment_id: str) -> bool:
    """Stop a deployment, wait until it is stopped, and start it, within one deadline."""
    name = resource_id(deployment_id, "deployment", "node")
    act(session, name, "stop")
    if not session.is_dry_run:
        states = frozenset({"STOPPED"})
        wait = Wait(what=name, states=states, period=5.0, timeout=REBOOT_TIMEOUT)
        try:
            wait.until(lambda: get_state(session, name, states))
            act(session, name, "start")
        except DriverError as error:
            error.may_have_happened = True  # it was stopped
            raise
    else:
        act(session, name, "start")
    return True


def act(
    session: Session,
    name: str,
    action: str,
    body: dict[str, bool] | None = None,
    *,
    allow: Collection[int] = (),
    expects: Callable[[], Response] = ACCEPTED,
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
    doing, allowed = f"{action} {name}", {*allow, 403}
    request = post(f"{name}/{action}", body, expects=expects)
    login = session.login
    response = change(session, request, doing=doing, success=202, allow=allowed, renewable=False)
    if response.status == 403 and (
        session.login is not login or session.backend.session_ended(response)
    ):
        session.renew(login)
        if action in _ALLOWED_IN:
            session.send(put(name, {"state": _ALLOWED_IN[action]}), doing=doing)
        response = change(session, request, doing=doing, success=202, allow=allowed)
    if response.status == 403 and 403 not in allow:
        deployment = without_credential(session, name, response)
        if deployment is None:
            raise session.refusal(response, doing=doing)
        hint = "destroy_node() ends it, with another credential of its location if there is one."
        raise credential_missing(session, name, deployment, doing, hint)
    if response.status < 400:
        reference(session, response, "location", "job", doing)
    return response


def without_credential(session: Session, name: str, refusal: Response) -> dict[str, Any] | None:
    """Read a deployment whose credential was deleted; the server words that as a missing login."""
    if session.backend.error_detail(refusal) != "credentials required":
        return None
    doing = f"read {name}"
    response = session.send(
        get(name, "id,parent,infrastructure-service"), doing=doing, allow={403, 404}
    )
    if response.status >= 400:
        return None
    deployment = resource(session, response, doing)
    credential = documents.text(deployment, "parent")
    if credential is None:
        return None
    request = get(resource_id(credential, "credential", "credential"), "id")
    is_there = session.send(request, doing=f"read {credential}", allow={404}).status < 400
    return None if is_there else deployment


def credential_missing(
    session: Session, name: str, deployment: Mapping[str, Any], doing: str, hint: str
) -> Forbidden:
    """Make the exception for an action on a deployment whose credential was deleted."""
    return Forbidden(
        f"Cannot {doing}: the credential that it runs with, {deployment.get('parent')}, was"
        " deleted.",
        code=403,
        endpoint=session.endpoint.url,
        hint=f"PUT {{'parent': <another credential>}} to /api/{name} lets it go on. {hint}",
    )


def read_state(session: Session, name: str) -> str:
    """Read the state of a deployment alone."""
    doing = f"read the state of {name}"
    response = session.send(get(name, "id,state"), doing=doing, allow={404})
    if response.status == 404:
        return GONE
    return documents.text(resource(session, response, doing), "state") or ""


def _attainable(state: str, states: frozenset[str]) -> bool:
    if state in states:
        return True
    if state == GONE:
        return False
    return not (state in _UNSTARTABLE and states <= _STARTED)
