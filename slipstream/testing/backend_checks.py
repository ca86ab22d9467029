"""Checks of backends: for ``slipstream conformance``, and for the suite for tests of plugins."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

from libcloud.compute.types import NodeState

from slipstream.conformance import Check, Failed, NotApplicable, Skipped, Subject, check
from slipstream.conformance.changes import node_arguments, temporary_name
from slipstream.conformance.subject import Mask, expect
from slipstream.errors import NodeFailed, NotFound, UnknownName
from slipstream.hookspecs import READY
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.session.session import PLACEHOLDER
from slipstream.testing import hostile
from slipstream.testing.hostile import Call
from slipstream.testing.tap import Tap, tapped
from slipstream.transport.messages import EndpointCookieJar, Request, Response

WAIT: Mapping[str, Any] = {"timeout": 1200}
"""The arguments of the driver's waits, unless the subject has others as ``shared["wait"]``."""

MOST_LOCATIONS = 5
"""Locations whose sizes are looked at."""

Driver = SlipStreamNodeDriver
READS: Mapping[str, Callable[[Driver, str, str], object]] = {
    "list_deployments": lambda driver, _image, _node: driver.list_nodes(),
    "get_deployment": lambda driver, _image, node: driver.ex_get_node(node),
    "get_state": lambda driver, _image, node: driver.ex_wait_node_in_state(
        node, list(driver._backend.states), wait_period=0, timeout=0, ignore_abort=True
    ),
    "list_modules": lambda driver, _image, _node: driver.list_images(),
    "get_module": lambda driver, image, _node: driver.get_image(image),
    "list_connectors": lambda driver, _image, _node: driver.list_locations(),
    "list_service_offers": lambda driver, _image, _node: driver.list_sizes(),
    "list_virtual_machines": lambda driver, _image, _node: driver.ex_list_virtual_machines(),
    "list_ssh_keys": lambda driver, _image, _node: driver.list_key_pairs(),
    "get_parameter": lambda driver, parameter, node: driver.ex_get_node_parameter(node, parameter),
}
"""
A call of the driver for each operation that reads: with the id of an image or the name of a
parameter, and the id of a node.
"""


_OF_A_NODE = {"get_deployment", "get_state", "get_parameter"}
_ANY = Request(method="GET", path="/api/")
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDoHRG5a2bPws5lBEP7wlGJYJc96NSzOVoK6sc4F0vS5"


@contextmanager
def expired(driver: Driver) -> Iterator[Tap]:
    """Let the login expire: requests with its cookies or headers are refused in the block."""
    session, before = driver._session, driver._session.login
    proof = set(session.backend.authorise(_ANY).headers.items())
    json, body = {"Content-Type": "application/json"}, b'{"message": "expired"}'
    refusals = [Response(status=n, headers=json, body=body, url="") for n in (401, 403)]

    def forge(request: Request, cookies: EndpointCookieJar | None) -> Response | None:
        # A server may give the same token once more, and it is a new login all the same.
        is_old = bool(proof) and session.login.data != before.data
        stale = cookies is before.cookies or (is_old and proof <= set(request.headers.items()))
        return refusals[0] if stale else None

    with tapped(driver) as tap:
        tap.forge = forge
        # Servers differ in the status that means an expired login.
        while not session.backend.session_ended(tap.send(_ANY, cookies=before.cookies)):
            del refusals[0]
            if not refusals:
                raise Failed(
                    "The backend takes neither HTTP 401 nor 403 for an expired login."
                    " Let its session_ended() take 401 for one, whatever the body says."
                )
        tap.requests.clear()
        yield tap


BACKEND_CHECKS: list[Check] = []
"""The checks of this module."""
_check = partial(check, point="backend", checks=BACKEND_CHECKS)


def _driver(subject: Subject, *operations: str) -> Driver:
    if not isinstance(subject.driver, SlipStreamNodeDriver):
        raise NotApplicable("The driver is none of this package.")
    for operation in operations:
        if not subject.driver._backend.supports(operation):
            raise NotApplicable(f"The backend has no {operation}.")
    return subject.driver


def _wait(subject: Subject, node: Any, state: str = READY) -> str:
    return _driver(subject).ex_wait_node_in_state(node, state, **subject.shared.get("wait", WAIT))


def _arguments(subject: Subject) -> dict[str, Any]:
    arguments = subject.shared.get("node arguments")
    if arguments is None and "removed" not in subject.shared:
        raise Skipped("No node was created; see node.created.")
    return dict(arguments or node_arguments(subject))


def _create(subject: Subject, name: str | None = None) -> str:
    """Create a node that is removed at the end."""
    driver, arguments = _driver(subject, "deploy", "terminate"), _arguments(subject)
    name = name or temporary_name(subject, "node")
    return str(driver.create_node(name=name, **arguments).id)


def _new_node(subject: Subject) -> str:
    """The id of the node of these checks, which may not run yet."""
    if "backend node" not in subject.shared:
        subject.shared["backend node"] = _create(subject)
    return str(subject.shared["backend node"])


def _own_node(subject: Subject) -> str:
    node = _new_node(subject)
    _wait(subject, node)
    return node


def _any_node(subject: Subject) -> str:
    if "backend node" in subject.shared or subject.shared.get("may create"):
        return _new_node(subject)
    return str(subject.listed("nodes")[0].id)


def _read(subject: Subject, name: str) -> Call:
    driver = _driver(subject, name)
    node = _any_node(subject) if name in _OF_A_NODE else ""
    what = ""
    if name == "get_module":
        what = str(subject.choice.image or subject.listed("images")[0].id)
    elif name == "get_parameter":
        if "backend node" in subject.shared:
            _wait(subject, node)  # a node that starts may have none yet
        what = _any_parameter(driver, node)
    return lambda: READS[name](driver, what, node)


def _any_parameter(driver: Driver, node: str) -> str:
    """The name of a parameter of a node, from the error for an unknown one."""
    try:
        driver.ex_get_node_parameter(node, PLACEHOLDER)
    except UnknownName as error:
        return (*error.names, PLACEHOLDER)[0]
    return PLACEHOLDER


# The changes that faults are tried in. Each is carried out once, and undone or waited for.


def _deploying(subject: Subject) -> AbstractContextManager[Call]:
    driver, arguments = _driver(subject, "terminate"), _arguments(subject)
    name = temporary_name(subject, "node")
    return nullcontext(partial(driver.create_node, name=name, **arguments))


@contextmanager
def _changing(
    method: str, subject: Subject, *, stopped: bool = False, after: str | None = READY
) -> Iterator[Call]:
    """Change the state of a node that runs, or was stopped; ``None`` is the end of it."""
    driver, node = _driver(subject, "get_state"), _own_node(subject)
    del subject.shared["backend node"]  # another one is made if this fails
    if stopped:
        driver.stop_node(driver.ex_get_node(node))
        _wait(subject, node, NodeState.STOPPED)
    yield partial(getattr(driver, method), driver.ex_get_node(node))
    if after is not None:
        _wait(subject, node, after)
        subject.shared["backend node"] = node
    if after == NodeState.STOPPED:
        driver.start_node(driver.ex_get_node(node))
        _wait(subject, node)


def _fill(subject: Subject, name: str) -> None:
    """Make sure that a list has an entry."""
    driver = _driver(subject, name)
    if name == "list_deployments":
        _new_node(subject)
    elif name == "list_ssh_keys" and driver._backend.supports("add_ssh_key"):
        with _with_key(subject) as add:
            add()


@contextmanager
def _with_key(subject: Subject, *, delete: bool = False) -> Iterator[Call]:
    driver, name = _driver(subject, "delete_ssh_key"), temporary_name(subject, "key_pair")
    add = partial(driver.import_key_pair_from_string, name, _KEY)
    if not delete:
        yield add
        return
    add()
    yield partial(driver.delete_key_pair, driver.get_key_pair(name))


CHANGES: Mapping[str, Callable[[Subject], AbstractContextManager[Call]]] = {
    "deploy": _deploying,
    "stop_deployment": partial(_changing, "stop_node", after=NodeState.STOPPED),
    "start_deployment": partial(_changing, "start_node", stopped=True),
    "reboot_deployment": partial(_changing, "reboot_node"),
    "update_deployment": partial(_changing, "ex_update_node"),
    "terminate": partial(_changing, "destroy_node", after=None),
    "get_logs": lambda subject: nullcontext(
        partial(_driver(subject).ex_get_node_logs, _own_node(subject))
    ),
    "add_ssh_key": _with_key,
    "delete_ssh_key": partial(_with_key, delete=True),
}
"""A call of the driver for each operation that changes something."""


@_check("backend.explain", needs=("create_node", "ex_explain"), changes=True)
def explain_names_what_the_call_sends(subject: Subject) -> str:
    """A dry run sends no change, and names the changes of the call in order."""
    driver, arguments = _driver(subject, "deploy", "terminate"), _arguments(subject)
    name = temporary_name(subject, "node")
    with tapped(driver) as tap:
        explanation = driver.ex_explain(driver.create_node, name=name, **arguments)
    sent = [request for request in tap.requests if not request.reads]
    if sent:
        raise Failed(f"ex_explain() sends {sent[0].method} {sent[0].path}.")
    if explanation.refusals:
        raise Failed(f"ex_explain() is refused: {explanation.refusals[0]}")
    with tapped(driver) as tap:
        subject.shared["backend node"] = _create(subject, name)
    # In a dry run even a read of what was not made is not sent.
    changes = [(r.method, r.path) for r in tap.requests if not r.reads]
    planned = [
        (request.method, request.url.removeprefix(driver.ex_endpoint).partition("?")[0])
        for request in explanation.requests
        if not request.done and request.method != "GET"
    ]
    same = all(
        method == other and (path == other_path or PLACEHOLDER in path)
        for (method, path), (other, other_path) in zip(planned, changes, strict=False)
    )
    if not (planned and same and (len(planned) == len(changes) or not explanation.complete)):
        raise Failed(
            f"ex_explain() names {_listed(planned)}, and the call sends {_listed(changes)}."
        )
    return f"ex_explain() names what create_node() sends: {_listed(planned)}."


def _listed(requests: list[tuple[str, str]]) -> str:
    return ", ".join(" ".join(request) for request in requests) or "no change"


@_check("backend.wait", needs=("create_node",), changes=True)
def a_node_is_waited_for_until_it_runs(subject: Subject) -> str:
    """The waits accept the words of libcloud and of the server."""
    states, node = _driver(subject, "get_state")._backend.states, _new_node(subject)
    running = _wait(subject, node)
    if running not in states:
        raise Failed(f"It ends with {running!r}; the backend's states are {', '.join(states)}.")
    for word in (NodeState.RUNNING, running.upper()):
        if (state := _wait(subject, node, word)) != running:
            raise Failed(
                f"A wait for {word} ends with {state}, and one for nothing with {running}."
            )
    state = _driver(subject).ex_get_node(node).state
    expect(state == NodeState.RUNNING, f"The node is waited for and its state is {state}.")
    return f"Waits end with {running!r}, by whatever word."


@_check("backend.stop-and-start", needs=("stop_node", "start_node"), changes=True)
def a_node_is_stopped_and_started(subject: Subject) -> str:
    """If the backend can stop and start, the waits see it."""
    _driver(subject, "stop_deployment", "start_deployment")
    with CHANGES["stop_deployment"](subject) as stop:
        stop()
    return "The node was stopped and started, and runs again."


@_check("backend.reboot", needs=("reboot_node",), changes=True)
def a_node_is_rebooted(subject: Subject) -> str:
    """If the backend can reboot, the node runs again."""
    _driver(subject, "reboot_deployment")
    with CHANGES["reboot_deployment"](subject) as reboot:
        reboot()
    return "The node runs again."


@_check("backend.renewal", each=tuple(READS))
def a_read_goes_on_when_the_login_has_expired(subject: Subject, name: str) -> str:
    """The session logs in again in the middle of every operation."""
    read, driver = _read(subject, name), _driver(subject)
    before = driver._session.login
    with expired(driver) as tap:
        read()
    renewed = not tap.requests or driver._session.login is not before
    expect(renewed, "The login that the server refuses is still in use.")
    return "The login was renewed." if tap.requests else "No request was sent."


@_check("backend.renewal-in-changes", needs=("create_node",), changes=True)
def changes_go_on_when_the_login_has_expired(subject: Subject) -> str:
    """The session logs in again in the middle of every change."""
    driver = _driver(subject, "deploy", "terminate")
    with expired(driver):
        node = _create(subject)
    _wait(subject, node)
    with expired(driver):
        driver.destroy_node(driver.ex_get_node(node))
    return "A node was made and destroyed with a login that had expired."


@_check("backend.secrets")
def no_secret_shows_in_logs(subject: Subject) -> str:
    """The log of a login and of every read has no secret."""
    driver, log = _driver(subject), io.StringIO()
    with hostile.log_level(logging.DEBUG, logging.StreamHandler(log)):
        _log_in(driver)
        for name in READS:
            with suppress(NotApplicable):
                _read(subject, name)()
    login = driver._session.login
    values = [*_texts(login.data), *(cookie.value for cookie in login.cookies)]
    mask = Mask([*subject.secrets, *(text for text in values if text)])
    lines = log.getvalue().splitlines()
    for line in lines:
        if mask.finds(line):
            raise Failed(f"A secret shows in the log: {mask(line)[:200]}")
    return f"{len(lines)} lines of the log hold no secret."


def _texts(data: object) -> Iterator[str]:
    """The texts in the data of a login that are long enough to be a secret."""
    if isinstance(data, Mapping):
        data = list(data.values())
    for value in data if isinstance(data, list | tuple) else [data]:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            yield value


_SHORTEST = 8


@_check("backend.hostile", each=(*READS, "refusal"))
def a_hostile_response_is_an_error_of_the_driver(subject: Subject, name: str) -> str:
    """With any response, users get a right result or a plain error."""
    if name == "refusal":
        driver = _driver(subject, "get_deployment")
        return hostile.try_faults(
            driver, lambda: driver.ex_get_node(_missing_id(subject)), is_refused=True
        )
    if subject.shared.get("may create"):
        _fill(subject, name)
    return hostile.try_faults(_driver(subject), _read(subject, name))


@_check("backend.hostile-changes", each=tuple(CHANGES), needs=("create_node",), changes=True)
def a_hostile_response_to_a_change_leaves_it_open(subject: Subject, name: str) -> str:
    """Only a confirmation counts; the error for another response has ``may_have_happened``."""
    driver = _driver(subject, name)
    with CHANGES[name](subject) as call:
        # Where logs can be read without a change, that is better.
        return hostile.try_faults(driver, call, is_change=name != "get_logs")


@_check("backend.hostile-login")
def a_hostile_response_to_a_login_is_an_error_of_the_driver(subject: Subject) -> str:
    """With any response to a login, users get a login or a plain error."""
    driver = _driver(subject)
    try:
        return hostile.try_faults(driver, partial(_log_in, driver), is_login=True)
    finally:
        _log_in(driver)


def _log_in(driver: Driver) -> None:
    driver._session.renew(driver._session.login)


@_check("backend.offers", needs=("list_locations", "list_sizes"))
def the_sizes_of_a_location_are_offered_there(subject: Subject) -> str:
    """Sizes that name their locations are listed for these alone."""
    driver = _driver(subject, "list_connectors", "list_service_offers")
    locations = driver.list_locations()[:MOST_LOCATIONS]
    for location in locations:
        for size in driver.list_sizes(location):
            names = size.extra["locations"] or [location.name]
            text = f"list_sizes({location.name!r}) gives {size.name!r} of {', '.join(names)}."
            expect(location.name in names, text)
    return f"So it is for {len(locations)} locations."


@_check("backend.gone")
def what_is_not_there_is_not_found(subject: Subject) -> str:
    """An unknown id is an error that names it, and no fault of the backend."""
    driver = _driver(subject, "get_deployment")
    missing = _missing_id(subject)
    try:
        driver.ex_get_node(missing)
    except NotFound:
        pass
    else:
        raise Failed(f"ex_get_node({missing!r}) finds something.")
    _expect_end(subject, missing)
    return "It is NotFound, and waiting for it to run is NodeFailed."


@_check("backend.destroyed", needs=("create_node", "destroy_node"), changes=True)
def a_node_is_waited_for_until_it_is_gone(subject: Subject) -> str:
    """A destroyed node is waited for, and waiting for it to run again ends at once."""
    driver, node = _driver(subject, "terminate", "get_state"), _own_node(subject)
    del subject.shared["backend node"]
    if driver.destroy_node(driver.ex_get_node(node)) is not True:
        raise Failed("destroy_node() does not return True.")
    try:
        state = _wait(subject, node, NodeState.TERMINATED)
    except NotFound:
        raise Failed(
            "get_state() raises NotFound while the end is waited for; on a 404 let it return"
            " super().get_state(deployment_id, states)."
        ) from None
    _expect_end(subject, node)
    return f"The node is {state!r}."


def _missing_id(subject: Subject) -> str:
    return str(subject.shared.get("missing id", PLACEHOLDER))


def _expect_end(subject: Subject, node: str) -> None:
    wait = {**WAIT, "wait_period": 1, **subject.shared.get("wait", {})}
    try:
        _driver(subject).wait_until_running([node], **wait)
    except NodeFailed:
        return
    raise Failed("wait_until_running() returns a node that is gone.")
