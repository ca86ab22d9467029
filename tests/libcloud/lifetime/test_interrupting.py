"""Whenever Ctrl-C comes, the driver is good for the next call."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from servers import listening

import slipstream
from slipstream.transport import Transport
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint

from .support import DEADLINE, KEY, LONG, Driver, logins, until

PACKAGE = str(Path(slipstream.__file__).parent)
WATCHED = (
    *("/session/session.py", "/libcloud/operation.py"),
    *("/transport/client.py", "/transport/messages.py", "/session/login.py"),
)
LISTING = "/(run|api/deployment)"


class CtrlC:
    """Does from any thread what Ctrl-C does to the main one, where that is expected."""

    def __init__(self) -> None:
        self._main = threading.main_thread().ident
        self._expected = False

    def strike(self, *_: object) -> None:
        if self._expected:
            raise KeyboardInterrupt

    def press(self) -> None:
        assert self._main is not None
        signal.pthread_kill(self._main, signal.SIGUSR1)

    @contextmanager
    def expected(self) -> Iterator[None]:
        self._expected = True
        try:
            yield
        except KeyboardInterrupt:
            return
        finally:
            self._expected = False
        pytest.fail("it was not interrupted")


@pytest.fixture
def ctrl_c() -> Iterator[CtrlC]:
    ctrl_c = CtrlC()
    before = signal.signal(signal.SIGUSR1, ctrl_c.strike)
    yield ctrl_c
    signal.signal(signal.SIGUSR1, before)


Interrupt = Callable[..., None]


@pytest.fixture
def interrupt(endpoint: LiveEndpoint, ctrl_c: CtrlC) -> Interrupt:
    """Make a call in this thread that is interrupted once a fault was met, or at once."""

    def interrupt(call: Callable[[], object], *, at_once: bool = False) -> None:
        def press() -> None:
            until(lambda: at_once or not endpoint.sandbox.faults)
            time.sleep(0.05)
            ctrl_c.press()

        with ThreadPoolExecutor(1) as pool:
            with ctrl_c.expected():
                pressed = pool.submit(press)
                call()
            pressed.result(DEADLINE)

    return interrupt


def works_in_two_threads(endpoint: LiveEndpoint, driver: Driver) -> bool:
    image = endpoint.image(driver)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(driver.get_image, image.id).result(DEADLINE)
    return (driver.get_image(image.id).id, other.id) == (image.id, image.id)


@pytest.mark.parametrize("call", ["list_nodes", "import_key_pair_from_string"])
def test_interrupt_while_a_response_is_awaited(
    endpoint: LiveEndpoint, driver: Driver, interrupt: Interrupt, call: str
) -> None:
    endpoint.sandbox.faults.add(path=f"{LISTING}|/user/.*|/api/credential", delay=0.6)
    interrupt(lambda: getattr(driver, call)(*(("x", KEY) if call.startswith("import") else ())))
    assert driver.list_nodes() == []
    assert driver.import_key_pair_from_string("second", KEY).name == "second"
    assert works_in_two_threads(endpoint, driver)
    assert logins(endpoint.sandbox) == 0


def test_interrupt_in_the_middle_of_a_body(ctrl_c: CtrlC) -> None:
    released, letters = threading.Event(), iter(b"ab")

    def serve(connection: socket.socket) -> None:
        while connection.recv(65536):
            half = bytes([next(letters)]) * 50
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + half)
            if half.startswith(b"a"):
                ctrl_c.press()
                released.wait(DEADLINE)
            connection.sendall(half)

    request = Request(method="GET", path="/")
    with listening(serve) as port:
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"))
        with ctrl_c.expected():
            transport.send(request)
        released.set()
        assert transport.send(request).body == b"b" * 100
        transport.close()


@pytest.mark.parametrize("by", ["this thread", "another thread"])
def test_interrupt_while_an_ended_session_is_renewed(
    endpoint: LiveEndpoint, driver: Driver, interrupt: Interrupt, by: str
) -> None:
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.faults.add("POST", "/api/session", delay=0.6)
    if by == "this thread":
        interrupt(driver.list_nodes)
        assert driver.list_nodes() == []
        assert works_in_two_threads(endpoint, driver)
        endpoint.sandbox.clock.advance(LONG)
        endpoint.sandbox.journal.clear()
    else:
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(driver.list_nodes)
            until(lambda: not endpoint.sandbox.faults)
            interrupt(driver.list_nodes, at_once=True)
            assert other.result(DEADLINE) == []
    assert works_in_two_threads(endpoint, driver)
    assert logins(endpoint.sandbox) == 1


class Nth:
    """Interrupts the thread when it makes its n-th call in the modules that hold sessions."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(PACKAGE) and name.endswith(WATCHED):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a connection just being made
@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
def test_interrupt_of_any_call_of_a_renewal(endpoint: LiveEndpoint, driver: Driver) -> None:
    images = [image.id for image in driver.list_images()]
    for number in range(1, 1000):
        endpoint.sandbox.clock.advance(LONG)
        sys.setprofile(nth := Nth(number))
        try:
            driver.get_image(images[0])
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(None)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(driver.get_image, images[1])
            assert other.result(DEADLINE).id == images[1], number
        assert driver.get_image(images[2]).id == images[2], number
        if nth.left > 0:
            break
    assert 40 < number < 999
    driver.close()
    gc.collect()
