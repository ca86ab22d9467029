"""
The life of deployments: creating, starting, stopping, updating and terminating them.

The request that creates drops everything but the module and the location, without a word, so that
a deployment is created, configured and started, and deleted again when that fails half-way.

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
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import attrs

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, is_id, refusals
from slipstream.backends.nuvla import deployments
from slipstream.backends.nuvla.deployments import GONE, SELECT, STATES, read_state
from slipstream.backends.nuvla.locations import (
    SERVICE,
    check_location,
    credential_for,
    credentials_of,
    find_service,
)
from slipstream.backends.nuvla.modules import CONTENT, SERVICES, get_module, listed_module
from slipstream.backends.nuvla.resources import (
    Expected,
    change,
    check_label,
    find,
    get,
    node_id,
    read,
    reference,
    resource,
)
from slipstream.errors import (
    AnswerLost,
    BadInput,
    Conflict,
    DriverError,
    Forbidden,
    NotFound,
    UnknownName,
    shorten,
)
from slipstream.session import Session
from slipstream.session.polling import Wait, poll
from slipstream.session.session import PLACEHOLDER
from slipstream.transport.calls import get_logger
from slipstream.transport.messages import Response, expect
from slipstream.values import (
    Deployment,
    DeploymentRequest,
    Module,
    ModuleKind,
    ModuleParameter,
    Role,
    ServiceOffer,
)

log = get_logger(__name__)

SIZE = "default"
"""The only size: an application takes what its compose file or manifest says."""

_MOVED = {"PENDING", "STARTING", "STARTED"}
_NEW = {"id": f"deployment/{PLACEHOLDER}", "state": "CREATED"}
_LOOK = (
    "A deployment may have been created and not started; the request was not repeated. Look for"
    " one in state CREATED with list_nodes() before you try once more."
)
_MEANINGLESS: dict[Role | str, tuple[str, str]] = {
    Role.MULTIPLICITY: (
        "ex_multiplicity has no meaning here.",
        "Write the number of replicas in the application's compose file or manifest.",
    ),
    Role.TOLERATED_FAILURES: (
        "ex_tolerate_failures has no meaning here.",
        "Describe restarts in the application's compose file or manifest.",
    ),
    "keep_running": (
        "ex_keep_running has no meaning here: a deployment runs until it is stopped.",
        "Leave it out, and call stop_node() or destroy_node().",
    ),
    "scalable": (
        "ex_scalable has no meaning here: replicas belong to the application.",
        "Change the application, then call ex_update_node().",
    ),
    "check_ssh_key": (
        "ex_check_ssh_key has no meaning here: SSH keys are not put into deployments.",
        "Leave it out.",
    ),
}
"""Parameters and attributes of a request without effect here, and what to do instead."""

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


def list_service_offers(
    backend: CimiBackend,
    connector: str | None,
    usable_only: bool,  # noqa: ARG001 - it is the same everywhere
) -> tuple[ServiceOffer, ...]:
    """List the only size, which has no effect."""
    if connector is not None:
        check_location(backend, connector)
    return (ServiceOffer(id=SIZE, name=SIZE),)


def deploy(backend: CimiBackend, request: DeploymentRequest) -> Deployment:
    """
    Create, configure and start a deployment, after the module and the location were checked.

    When the second or the third request fails, what the first one made is deleted again.
    """
    session = backend.session
    for refusal in _meaningless(request):
        raise refusal
    module = _module(backend, request)
    for refusal in _impossible(request, module):
        raise refusal
    credential = _credential(backend, request, module)
    doing = f"deploy {shorten(request.module_id)}"
    name = _create(session, module, credential, doing)
    try:
        document = _configure(session, name, _changes(request, module), doing)
        if document.get("state") == "CREATED":
            return _start(session, name, document, doing)
    except BaseException as error:
        # A user who interrupts the call does not know of the new deployment yet.
        _clean_up(session, name, error)
        raise
    # It is no new one, so it is neither started nor deleted.
    raise AnswerLost(
        f"Cannot {doing}: the server returned {name} as the new deployment, which is in state"
        f" {documents.text(document, 'state')}.",
        hint=_LOOK,
    )


def preflight(backend: CimiBackend, request: DeploymentRequest) -> Iterator[DriverError]:
    """Find every refusal that can be known before deploying, which stops at the first."""
    yield from _meaningless(request)
    module = _module(backend, request)
    yield from _impossible(request, module)
    yield from refusals(lambda request: _credential(backend, request, module), [request])


def deployment_locations(
    backend: CimiBackend, request: DeploymentRequest
) -> dict[str | None, str | None]:
    """The id of the service that an application would run on."""
    subtype = ""
    if _location(request) is None:
        subtype = _service(get_module(backend, request.module_id))
    return {None: find_service(backend, _location(request), subtype)}


def _module(backend: CimiBackend, request: DeploymentRequest) -> Module:
    listed = listed_module(request.raw, request.module_id)
    return listed or get_module(backend, request.module_id)


def _meaningless(request: DeploymentRequest) -> Iterator[BadInput]:
    if any(size.value != SIZE or size.node for size in request.decides(Role.SIZE)):
        yield BadInput(
            f"The only size here is {SIZE!r}; leave size out.",
            hint="The location decides what an application can use.",
        )
    for what, (problem, hint) in _MEANINGLESS.items():
        if request.decides(what) if isinstance(what, Role) else getattr(request, what):
            yield BadInput(problem, hint=hint)
    if any(location.node is not None for location in request.decides(Role.LOCATION)):
        yield BadInput(
            "An application runs on one location here; ex_cloud cannot be a dict.",
            hint="Pass location, or ex_cloud as text.",
        )
    labels = [("name", request.name or ""), *(("tag", tag) for tag in request.tags)]
    yield from refusals(lambda label: check_label(*label), labels)


def _impossible(request: DeploymentRequest, module: Module) -> Iterator[BadInput]:
    """What the module cannot be deployed with."""
    if module.kind is not ModuleKind.APPLICATION:
        yield BadInput(
            f"{module.path} is a {module.kind.value}; only applications can be deployed.",
            hint="See list_images().",
        )
    inputs, settable = request.decides(Role.INPUT), _settable(module)
    if any(parameter.node is not None for parameter in inputs):
        yield BadInput(
            f"{module.path} has no nodes: ex_parameters is one dict of names and values."
        )
    for parameter in inputs:
        if parameter.node is None and parameter.name not in settable:
            yield UnknownName("parameter", parameter.name, settable, f"of {module.path}")
    values = {parameter.name: parameter.value for parameter in inputs}
    missing = sorted(
        p.name for p in module.parameters if p.mandatory and not values.get(p.name, p.value)
    )
    if missing:
        yield BadInput(
            f"{module.path} needs a value for {', '.join(missing)}.",
            hint="Pass it in ex_parameters.",
        )


def _location(request: DeploymentRequest) -> str | None:
    locations = request.decides(Role.LOCATION)
    return locations[0].value if locations else request.region


def _service(module: Module) -> str:
    return SERVICES.get(module.raw.get("subtype") or "", "swarm")


def _credential(backend: CimiBackend, request: DeploymentRequest, module: Module) -> str:
    return credential_for(backend, _location(request), _service(module), request.raw)


def _settable(module: Module) -> dict[str, ModuleParameter]:
    return {p.name: p for p in module.parameters if p.category != "output"}


def _changes(request: DeploymentRequest, module: Module) -> dict[str, Any]:
    """What the second request sets."""
    settable = _settable(module)
    content: dict[str, Any] = {}
    for parameter in request.decides(Role.INPUT):
        key, name, value = CONTENT[settable[parameter.name].category]
        content.setdefault(key, []).append({name: parameter.name, value: parameter.value})
    changes: dict[str, Any] = {"module": {"content": content}} if content else {}
    if request.name:
        changes["name"] = request.name
    if request.tags:
        changes["tags"] = list(request.tags)
    return changes


def _create(session: Session, module: Module, credential: str, doing: str) -> str:
    document = {"module": {"href": module.id}, "parent": credential}
    try:
        response = change(session, "POST", "deployment", document, doing=doing, success=201)
        return reference(response, "resource-id", "deployment", doing)
    except DriverError as error:
        if error.may_have_happened:
            error.hint = _LOOK
        raise
    except BaseException as error:  # the user interrupts
        error.add_note(_LOOK)
        raise


def _configure(session: Session, name: str, changes: dict[str, Any], doing: str) -> dict[str, Any]:
    # In a dry run there is nothing to read yet, so that a response is expected for it as well.
    expects = expect(200, json.dumps(_NEW).encode())
    if changes:
        response = change(session, "PUT", name, changes, doing=doing, expects=expects)
    else:
        response = session.send(get(name, SELECT, expects=expects), doing=doing)
    return resource(response, doing, name)


def _start(session: Session, name: str, document: dict[str, Any], doing: str) -> Deployment:
    try:
        act(session, name, "start")
    except DriverError as error:
        if not error.may_have_happened:
            raise
        current: dict[str, Any] = {}
        with suppress(DriverError):
            current = read(session, name, "id,state", doing=doing)
        if current.get("state") not in _MOVED:
            raise
    pulled = documents.text(document, "execution-mode") == "pull"
    state = "PENDING" if pulled else "STARTING"
    return attrs.evolve(deployments.deployment(document), state=state, phase=STATES[state])


def _clean_up(session: Session, name: str, error: BaseException) -> None:
    """Delete the new deployment after an error, which stays the user's error."""
    refused = isinstance(error, DriverError) and not error.may_have_happened
    doing = f"delete {name}"
    try:
        response = change(session, "DELETE", name, doing=doing, allow={404, 409})
        if response.status == 409 and refused:
            # The server writes the new state before it refuses; nothing runs that could be left.
            change(session, "POST", f"{name}/force-delete", doing=doing, allow={404})
        elif response.status == 409:
            act(session, name, "stop", {"delete": True}, allow={404})
    except BaseException as second:
        log.warning("%s was created and cannot be deleted again: %s", name, second)
        note = f"{name} was created and could not be deleted again; destroy it."
        if isinstance(error, DriverError):
            error.may_have_happened = True
            error.hint = f"{error.hint} {note}" if error.hint else note
        else:
            error.add_note(note)
        if not isinstance(second, DriverError):  # the user interrupts the cleaning up
            second.add_note(note)
            raise
    else:
        is_there = response.status != 404 or response.is_repeat
        if not isinstance(error, DriverError):
            error.add_note(f"{name} was created, and was deleted again or will be soon.")
        elif is_there:
            error.may_have_happened = False
        else:  # so it is not what was created
            error.may_have_happened, error.hint = True, _LOOK


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
            wait.until(lambda: deployments.get_state(backend, name, states))
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
            raise _conflict(
                name, f"its stop failed: {deployments.read_failure(session, name)}", _FORCE
            )
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
    if not deployments.is_at_work(session, name):
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
