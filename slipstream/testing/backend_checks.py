"""
What a backend must do for its users: checks of ``slipstream conformance``, and of the suite for
tests of plugins.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from libcloud.compute.types import NodeState
from requests.cookies import RequestsCookieJar

from slipstream.conformance import Check, Failed, NotApplicable, Skipped, Subject, check
from slipstream.conformance.changes import node_arguments
from slipstream.conformance.subject import Mask
from slipstream.errors import DriverError, NodeFailed, NotFound, PluginFailed
from slipstream.hookspecs import READY
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.session.dry_run import PLACEHOLDER
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

HOSTILE_BODIES: tuple[tuple[str, bytes], ...] = (
    ("text/html", b"<html><body>Sign in</body></html>"),
    ("application/json", b""),
    ("application/json", b"null"),
    ("application/json", b"[]"),
    ("application/json", b"{}"),
    ("application/json", b"[1, null]"),
    ("application/json", b"[{}]"),
    ("application/json", b'{"resources": [{"id": 1}], "count": "x", "id": 7, "state": []}'),
    ("application/json", b'{"broken": '),
    ("application/xml", b"<a><b c='d'/></a>"),
)
"""Bodies, with their media types, that a server of no kind should send."""

WAIT: Mapping[str, Any] = {"timeout": 1200}
"""The arguments of the driver's waits, unless the subject has others as ``shared["wait"]``."""

Driver = SlipStreamNodeDriver
Call = Callable[[Driver, str, str], object]
READS: Mapping[str, Call] = {
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
}
"""A call of the driver for each operation that reads: with the ids of an image and a node."""


_ANY = Request(method="GET", path="/api/")


class Tap(Transport):
    """
    A transport that notes what a session sends, and can answer instead of the server.

    :param transport: The transport that sends.
    """

    def __init__(self, transport: Transport) -> None:
        vars(self).update(vars(transport))
        self._transport = transport
        self.requests: list[Request] = []
        self.forge: Callable[[Request, RequestsCookieJar | None], Forged | None] = _forge_nothing

    def send(self, request: Request, *, cookies: RequestsCookieJar | None = None) -> Response:
        """See :meth:`Transport.send`; what ``forge`` returns is the response."""
        self.requests.append(request)
        forged = self.forge(request, cookies)
        if forged is None:
            return self._transport.send(request, cookies=cookies)
        status, kind, body = forged
        url = f"{self.endpoint.url}{request.path}"
        return Response(status=status, headers={"Content-Type": kind}, body=body, url=url)


Forged = tuple[int, str, bytes]
"""The status, the media type and the body of a response."""


def _forge_nothing(_request: Request, _cookies: RequestsCookieJar | None) -> None:
    return None


def _always(forged: Forged) -> Callable[..., Forged]:
    return lambda *_: forged


@contextmanager
def tapped(driver: Driver) -> Iterator[Tap]:
    """Note what a driver sends within the block."""
    session = driver._session
    transport = session.transport
    session.transport = tap = Tap(transport)
    try:
        yield tap
    finally:
        session.transport = transport


@contextmanager
def expired(driver: Driver) -> Iterator[Tap]:
    """Let the login expire: within the block, what proves it is refused."""
    session, before = driver._session, driver._session.login
    proof = set(_proof(driver).items())
    refusals = [(status, "application/json", b'{"message": "expired"}') for status in (401, 403)]

    def forge(request: Request, cookies: RequestsCookieJar | None) -> Forged | None:
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


def _proof(driver: Driver) -> Mapping[str, str]:
    """The headers that the backend adds to a request."""
    return driver._session.backend.authorise(_ANY).headers


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
    if arguments is None and not subject.shared.get("destroyed"):
        raise Skipped("No node was created; see node.created.")
    return dict(arguments or node_arguments(subject))


def _create(subject: Subject, name: str | None = None) -> str:
    """Create a node that is removed at the end, whatever happens."""
    driver = _driver(subject, "deploy", "terminate")
    name = name or f"conformance-{secrets.token_hex(4)}"
    subject.at_end(f"The node {name}", lambda: _remove(driver, name))
    return str(driver.create_node(name=name, **_arguments(subject)).id)


def _remove(driver: Driver, name: str) -> None:
    for node in driver.list_nodes():
        if node.name == name:
            driver.destroy_node(node)


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


def _any_image(subject: Subject) -> str:
    return str(subject.choice.image or subject.listed("images")[0].id)


def _read(subject: Subject, name: str) -> Callable[[], object]:
    driver = _driver(subject, name)
    image = _any_image(subject) if name == "get_module" else ""
    node = _any_node(subject) if name in {"get_deployment", "get_state"} else ""
    return lambda: READS[name](driver, image, node)


@_check("backend.explain", needs=("create_node", "ex_explain"), changes=True)
def explain_names_what_the_call_sends(subject: Subject) -> str:
    """A dry run sends no change, and names the changes of the call in order."""
    driver, name = _driver(subject, "deploy"), f"conformance-{secrets.token_hex(4)}"
    arguments = _arguments(subject)
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
    """The default wait knows the words of libcloud and of the server."""
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
    if state != NodeState.RUNNING:
        raise Failed(f"The node is waited for and its state is {state}.")
    return f"Waits end with {running!r}, by whatever word."


@_check("backend.stop-and-start", needs=("stop_node", "start_node"), changes=True)
def a_node_is_stopped_and_started(subject: Subject) -> str:
    """Where the backend stops and starts, the waits see it."""
    driver = _driver(subject, "stop_deployment", "start_deployment")
    node = driver.ex_get_node(_own_node(subject))
    driver.stop_node(node)
    stopped = _wait(subject, node.id, NodeState.STOPPED)
    driver.start_node(node)
    return f"The node was {stopped!r}, and then {_wait(subject, node.id)!r}."


@_check("backend.reboot", needs=("reboot_node",), changes=True)
def a_node_is_rebooted(subject: Subject) -> str:
    """Where the backend reboots, the node runs again."""
    driver = _driver(subject, "reboot_deployment")
    node = driver.ex_get_node(_own_node(subject))
    driver.reboot_node(node)
    return f"The node is {_wait(subject, node.id)!r} again."


@_check("backend.renewal", each=tuple(READS))
def a_read_goes_on_when_the_login_has_expired(subject: Subject, name: str) -> str:
    """The session logs in again in the middle of every operation."""
    read, driver = _read(subject, name), _driver(subject)
    before = driver._session.login
    with expired(driver) as tap:
        read()
    if tap.requests and driver._session.login is before:
        raise Failed("The login that the server refuses is still in use.")
    return "The login was renewed." if tap.requests else "No request was sent."


@_check("backend.renewal-in-changes", needs=("create_node",), changes=True)
def changes_go_on_when_the_login_has_expired(subject: Subject) -> str:
    """So it does where something is changed."""
    driver = _driver(subject, "deploy", "terminate")
    with expired(driver):
        node = _create(subject)
    _wait(subject, node)
    with expired(driver):
        driver.destroy_node(driver.ex_get_node(node))
    return "A node was made and destroyed with a login that had expired."


@_check("backend.secrets")
def no_secret_shows_in_logs(subject: Subject) -> str:
    """A login and every read are logged with all that is sent and received."""
    driver, handler = _driver(subject), _Lines()
    logger = logging.getLogger("slipstream")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        driver._session.renew(driver._session.login)
        for name in READS:
            try:
                _read(subject, name)()
            except NotApplicable:
                continue
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    login = driver._session.login
    values = [*_texts(login.data), *(cookie.value for cookie in login.cookies)]
    mask = Mask([*subject.secrets, *(text for text in values if text)])
    for line in handler.lines:
        if mask.finds(line):
            raise Failed(f"A secret shows in the log: {mask(line)[:200]}")
    return f"{len(handler.lines)} lines of the log hold no secret."


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _texts(data: object) -> Iterator[str]:
    """The texts in what a login keeps that are long enough to be a secret."""
    if isinstance(data, Mapping):
        data = list(data.values())
    for value in data if isinstance(data, list | tuple) else [data]:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            yield value


_SHORTEST = 8


@_check("backend.hostile", each=tuple(READS))
def a_hostile_response_is_an_error_of_the_driver(subject: Subject, name: str) -> str:
    """Whatever comes instead of a document, users get a result or a plain error."""
    read, count = _read(subject, name), 0
    with tapped(_driver(subject)) as tap:
        for status in (200, 404, 500):
            for kind, body in HOSTILE_BODIES:
                tap.forge = _always((status, kind, body))
                count += 1
                try:
                    read()
                except PluginFailed as error:
                    raise Failed(f"It broke on HTTP {status} with {body!r}: {error}") from None
                except DriverError:
                    pass
    return f"{count} responses gave a result or a plain error."


@_check("backend.gone")
def what_is_not_there_is_not_found(subject: Subject) -> str:
    """An id that nothing has is an error that names it, and no fault of the backend."""
    driver = _driver(subject, "get_deployment")
    missing = subject.shared.get("missing id", PLACEHOLDER)
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
    state = _wait(subject, node, NodeState.TERMINATED)
    _expect_end(subject, node)
    return f"The node is {state!r}."


def _expect_end(subject: Subject, node: str) -> None:
    wait = {**WAIT, "wait_period": 1, **subject.shared.get("wait", {})}
    try:
        _driver(subject).wait_until_running([node], **wait)
    except NodeFailed:
        return
    raise Failed("wait_until_running() returns a node that is gone.")
