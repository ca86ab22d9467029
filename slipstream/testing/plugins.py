"""
Test plugins: load one without installing it, and put a backend through a suite.

Load the fixture in ``conftest.py``::

    pytest_plugins = ["slipstream.testing.plugins"]

and subclass the suite in a module of tests::

    from slipstream.testing.plugins import BackendSuite, Subject


    class TestMyBackend(BackendSuite):
        @pytest.fixture
        def subject(self):
            with running_service() as service:
                yield Subject(connect=..., image="wordpress", expire=service.expire_tickets)
"""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import pytest
from libcloud.compute.types import NodeState
from requests.cookies import RequestsCookieJar

from slipstream.errors import DriverError, NodeFailed, PluginFailed
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.plugins import default_plugins
from slipstream.plugins.loading import NOT_INSTALLED, PluginWarning
from slipstream.session.dry_run import PLACEHOLDER
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

WRONG_SECRET = "a-wrong-secret-of-the-suite"  # noqa: S105 - that is what it is
"""What the suite logs in with to see that it is refused and not quoted."""

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

Driver = SlipStreamNodeDriver
Call = Callable[[Driver, str, str], object]


@contextmanager
def using_plugin(plugin: object, name: str = "under-test") -> Iterator[object]:
    """
    Load a plugin object, or a module, that is not installed; every driver made within has it.

    :param plugin: The module or object with the hooks.
    :param name: What the plugin is called.
    :raises PluginFailed: If it cannot be loaded.
    """
    NOT_INSTALLED.append((name, plugin))
    default_plugins.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PluginWarning)  # a broken one is an error here
            plugins = default_plugins()
        for info in plugins.list_plugins():
            if info.name == name and info.status == "broken":
                raise PluginFailed(f"The plugin {name!r} is broken: {info.reason}.")
        yield plugin
    finally:
        NOT_INSTALLED.remove((name, plugin))
        default_plugins.cache_clear()


@pytest.fixture
def load_plugin() -> Iterator[Callable[..., object]]:
    """Load a plugin without installing it, for one test: ``load_plugin(plugin, name=...)``."""
    with ExitStack() as stack:

        def load(plugin: object, name: str = "under-test") -> object:
            return stack.enter_context(using_plugin(plugin, name))

        yield load


class Tap(Transport):
    """
    A transport that notes what a session sends, and can answer instead of the server.

    :param transport: The transport that sends.
    """

    def __init__(self, transport: Transport) -> None:
        vars(self).update(vars(transport))
        self._transport = transport
        self.requests: list[Request] = []
        self.forged: tuple[int, str, bytes] | None = None

    def send(self, request: Request, *, cookies: RequestsCookieJar | None = None) -> Response:
        """See :meth:`Transport.send`; ``forged`` is a status, a media type and a body."""
        self.requests.append(request)
        if self.forged is None:
            return self._transport.send(request, cookies=cookies)
        status, kind, body = self.forged
        url = f"{self.endpoint.url}{request.path}"
        return Response(status=status, headers={"Content-Type": kind}, body=body, url=url)


@contextmanager
def tapped(driver: Driver) -> Iterator[Tap]:
    """
    Note what a driver sends within the block.

    :param driver: The driver.
    """
    session = driver._session
    transport = session.transport
    session.transport = tap = Tap(transport)
    try:
        yield tap
    finally:
        session.transport = transport


@attrs.frozen(kw_only=True)
class Subject:
    """
    What the suite needs to know of a backend and its service.

    :param connect: Makes a driver that is logged in; it is called with ``secret`` to log in with
        another one.
    :param image: The id of something that can be deployed.
    :param options: Further arguments of ``create_node``.
    :param expire: Makes the service forget all logins; ``None`` if it cannot.
    :param secrets: Texts that must not show in any log or error.
    :param missing_id: An id that no node has.
    :param wait: Arguments of the driver's waits.
    """

    connect: Callable[..., Driver]
    image: str
    options: Mapping[str, Any] = attrs.field(factory=dict)
    expire: Callable[[], object] | None = None
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    missing_id: str = PLACEHOLDER
    wait: Mapping[str, Any] = attrs.field(factory=lambda: {"wait_period": 0.02, "timeout": 30})


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
"""A call of the driver for each operation that reads."""


class BackendSuite:
    """
    What a backend must do for its users; subclass it and override :meth:`subject`.

    A test of an operation that the backend does not have is skipped.
    """

    @pytest.fixture
    def subject(self) -> Subject:
        """The backend to test."""
        raise NotImplementedError("Override the fixture 'subject'.")

    @pytest.fixture
    def driver(self, subject: Subject) -> Iterator[Driver]:
        """A driver, logged in."""
        driver = subject.connect()
        yield driver
        driver.close()

    @pytest.fixture
    def node(self, subject: Subject, driver: Driver) -> str:
        """The id of a node that runs."""
        node = self._create(subject, driver)
        driver.ex_wait_node_in_state(node, NodeState.RUNNING, **subject.wait)
        return str(node.id)

    def test_the_default_wait_reaches_the_words_of_libcloud_and_of_the_server(
        self, subject: Subject, driver: Driver
    ) -> None:
        """A node is waited for from its creation until it is gone."""
        node = self._create(subject, driver)
        states = driver._backend.states
        running = driver.ex_wait_node_in_state(node, **subject.wait)
        assert running in states
        assert driver.ex_wait_node_in_state(node, NodeState.RUNNING, **subject.wait) == running
        assert driver.ex_wait_node_in_state(node, running.upper(), **subject.wait) == running
        assert driver.destroy_node(node)
        driver.ex_wait_node_in_state(node, NodeState.TERMINATED, **subject.wait)
        with pytest.raises(NodeFailed):
            driver.wait_until_running([node], **subject.wait)

    def test_a_node_is_stopped_and_started(
        self, subject: Subject, driver: Driver, node: str
    ) -> None:
        """Where the backend stops and starts, the waits see it."""
        _need(driver, "stop_deployment")
        _need(driver, "start_deployment")
        whole = driver.ex_get_node(node)
        assert driver.stop_node(whole)
        driver.ex_wait_node_in_state(node, NodeState.STOPPED, **subject.wait)
        assert driver.start_node(whole)
        driver.ex_wait_node_in_state(node, NodeState.RUNNING, **subject.wait)

    @pytest.mark.parametrize("name", READS)
    def test_a_read_goes_on_when_the_login_has_expired(
        self, subject: Subject, driver: Driver, node: str, name: str
    ) -> None:
        """The session logs in again in the middle of every operation."""
        _need(driver, name)
        before = self._expire(subject, driver)
        with tapped(driver) as tap:
            READS[name](driver, subject.image, node)
        assert not tap.requests or driver._session.login is not before

    def test_changes_go_on_when_the_login_has_expired(
        self, subject: Subject, driver: Driver
    ) -> None:
        """So it does where something is changed."""
        self._expire(subject, driver)
        node = self._create(subject, driver)
        driver.ex_wait_node_in_state(node, NodeState.RUNNING, **subject.wait)
        self._expire(subject, driver)
        assert driver.destroy_node(node)

    def test_explain_sends_no_change_and_names_those_that_the_call_sends(
        self, subject: Subject, driver: Driver
    ) -> None:
        """The changes that a dry run collects are those of the call, in order."""
        image = driver.get_image(subject.image)
        with tapped(driver) as tap:
            explanation = driver.ex_explain(driver.create_node, image=image, **subject.options)
            assert not [request for request in tap.requests if not request.reads]
        assert not explanation.refusals
        with tapped(driver) as tap:
            driver.create_node(image=image, **subject.options)
        # In a dry run even a read of what was not made is not sent.
        sent = [(r.method, r.path) for r in tap.requests if not r.reads]
        planned = [
            (request.method, request.url.removeprefix(driver.ex_endpoint))
            for request in explanation.requests
            if not request.done and request.method != "GET"
        ]
        assert planned
        if explanation.complete:
            assert len(planned) == len(sent)
        for (method, path), (sent_method, sent_path) in zip(planned, sent, strict=False):
            assert method == sent_method
            assert PLACEHOLDER in path or path.partition("?")[0] == sent_path

    def test_no_secret_shows_in_logs(
        self, subject: Subject, node: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Every read is logged with all that is sent and received."""
        caplog.set_level(logging.DEBUG, "slipstream")
        driver = subject.connect()
        for name, read in READS.items():
            if driver._backend.supports(name):
                read(driver, subject.image, node)
        assert driver.ex_endpoint in caplog.text
        for secret in subject.secrets:
            assert secret not in caplog.text
        driver.close()

    def test_a_refused_login_is_an_error_that_quotes_no_secret(self, subject: Subject) -> None:
        """A wrong secret is refused, and not shown in the traceback either."""
        with pytest.raises(DriverError) as caught:
            subject.connect(secret=WRONG_SECRET)
        assert not isinstance(caught.value, PluginFailed)
        assert WRONG_SECRET not in str(caught.value)
        causes = [caught.value, caught.value.__cause__, caught.value.__context__]
        lines = [traceback.format_exception_only(error) for error in causes if error is not None]
        assert WRONG_SECRET not in str(lines)

    def test_a_node_that_is_not_there_is_not_found(self, subject: Subject, driver: Driver) -> None:
        """It is an error of the driver that names the endpoint, and no fault of the backend."""
        with pytest.raises(DriverError) as caught:
            driver.ex_get_node(subject.missing_id)
        assert not isinstance(caught.value, PluginFailed)
        with pytest.raises(NodeFailed):
            driver.wait_until_running([subject.missing_id], **subject.wait)

    @pytest.mark.parametrize("name", READS)
    def test_a_hostile_response_is_an_error_of_the_driver(
        self, subject: Subject, driver: Driver, node: str, name: str
    ) -> None:
        """Whatever comes instead of a document, users get a result or a plain error."""
        _need(driver, name)
        with tapped(driver) as tap:
            for status in (200, 404, 500):
                for kind, body in HOSTILE_BODIES:
                    tap.forged = (status, kind, body)
                    try:
                        READS[name](driver, subject.image, node)
                    except PluginFailed as error:
                        pytest.fail(f"{name} broke on HTTP {status} with {body!r}: {error}")
                    except DriverError:
                        pass

    def _create(self, subject: Subject, driver: Driver) -> Any:
        image = driver.get_image(subject.image)
        return driver.create_node("made-by-the-suite", image=image, **subject.options)

    def _expire(self, subject: Subject, driver: Driver) -> object:
        if subject.expire is None:
            pytest.skip("The service cannot forget its logins.")
        login = driver._session.login
        subject.expire()
        return login


def _need(driver: Driver, operation: str) -> None:
    if not driver._backend.supports(operation):
        pytest.skip(f"The backend has no {operation}.")
