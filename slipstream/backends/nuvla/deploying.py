"""
Deploying: create, name and configure, start; and clean up when that fails half-way.

Source: nuvla/api-server, server/resources/deployment.clj. The request that creates drops
everything but the module and the location, without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, refusals
from slipstream.backends.nuvla import lifecycle
from slipstream.backends.nuvla.deployments import SELECT, STATES, deployment
from slipstream.backends.nuvla.locations import check_location, credential_for, find_service
from slipstream.backends.nuvla.modules import CONTENT, SERVICES, get_module, listed_module
from slipstream.backends.nuvla.resources import (
    change,
    check_label,
    get,
    read,
    reference,
    resource,
)
from slipstream.errors import AnswerLost, BadInput, DriverError, UnknownName, shorten
from slipstream.session import Session
from slipstream.session.session import PLACEHOLDER
from slipstream.transport.calls import get_logger
from slipstream.transport.messages import expect
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
        lifecycle.act(session, name, "start")
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
    return attrs.evolve(deployment(document), state=state, phase=STATES[state])


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
            lifecycle.act(session, name, "stop", {"delete": True}, allow={404})
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
