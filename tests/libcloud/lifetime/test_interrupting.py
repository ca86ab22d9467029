"""Whenever Ctrl-C comes, the driver is good for the next call."""

from __future__ import annotations

import gc
import signal
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

import slipstream
from slipstream.sandbox import Sandbox

from .relay import relay_to
from .support import DEADLINE, KEY, LONG, Driver, logins, until

PACKAGE = str(Path(slipstream.__file__).parent)
OURS = (
    *("/session/session.py", "/libcloud/operation.py"),
    *("/transport/client.py", "/transport/messages.py", "/session/login.py"),
)


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
def driver(endpoint: LiveEndpoint) -> Driver:
    return endpoint.login()


@pytest.fixture
def ctrl_c() -> Iterator[CtrlC]:
    made = CtrlC()
    before = signal.signal(signal.SIGUSR1, made.strike)
    yield made
    signal.signal(signal.SIGUSR1, before)


def interrupted(call: Callable[[], object], when: Callable[[], object], ctrl_c: CtrlC) -> None:
    """Make a call in this thread that is interrupted soon after something has come true."""

    def watch() -> None:
        until(when)
        time.sleep(0.05)
        ctrl_c.press()

    with ThreadPoolExecutor(1) as pool:
        with ctrl_c.expected():
            watching = pool.submit(watch)
            call()
        watching.result(DEADLINE)


def answers_everybody(endpoint: LiveEndpoint, driver: Driver) -> bool:
    """Whether this thread and another one are answered."""
    image = endpoint.image(driver)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(driver.get_image, image.id).result(DEADLINE)
    return (driver.get_image(image.id).id, other.id) == (image.id, image.id)


def test_while_an_answer_is_waited_for(
    endpoint: LiveEndpoint, driver: Driver, ctrl_c: CtrlC
) -> None:
    endpoint.sandbox.faults.add(path="/(run|api/deployment)", delay=0.6)
    interrupted(driver.list_nodes, lambda: not endpoint.sandbox.faults, ctrl_c)
    assert driver.list_nodes() == []
    assert answers_everybody(endpoint, driver)
    assert logins(endpoint.sandbox) == 1


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_in_the_middle_of_a_body_whose_rest_nobody_mistakes_for_an_answer(
    family: str, ctrl_c: CtrlC
) -> None:
    with Sandbox(family=family, speed=0) as sandbox, relay_to(sandbox.url) as relay:
        with Driver(sandbox.username, sandbox.password, ex_endpoint=relay.url) as driver:
            images = [image.id for image in driver.list_images()]
            relay.stop_halfway(ctrl_c.press)
            with ctrl_c.expected():
                driver.get_image(images[0])
            relay.released.set()
            assert [driver.get_image(image).id for image in images] == images
        assert logins(sandbox) == 1


def test_while_an_ended_session_is_renewed(
    endpoint: LiveEndpoint, driver: Driver, ctrl_c: CtrlC
) -> None:
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.faults.add("POST", "/api/session", delay=0.6)
    interrupted(driver.list_nodes, lambda: not endpoint.sandbox.faults, ctrl_c)
    assert driver.list_nodes() == []
    assert answers_everybody(endpoint, driver)
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.journal.clear()
    assert answers_everybody(endpoint, driver)
    assert logins(endpoint.sandbox) == 1


def test_while_another_thread_renews_the_session(
    endpoint: LiveEndpoint, driver: Driver, ctrl_c: CtrlC
) -> None:
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.journal.clear()
    endpoint.sandbox.faults.add("POST", "/api/session", delay=0.6)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(driver.list_nodes)
        until(lambda: not endpoint.sandbox.faults)
        interrupted(driver.list_nodes, lambda: True, ctrl_c)
        assert other.result(DEADLINE) == []
    assert answers_everybody(endpoint, driver)
    assert logins(endpoint.sandbox) == 1


def test_while_key_pairs_are_changed(
    endpoint: LiveEndpoint, driver: Driver, ctrl_c: CtrlC
) -> None:
    endpoint.sandbox.faults.add(path="/user/.*|/api/credential", delay=0.6)
    interrupted(
        lambda: driver.import_key_pair_from_string("first", KEY),
        lambda: not endpoint.sandbox.faults,
        ctrl_c,
    )
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(driver.import_key_pair_from_string, "second", KEY)
        assert second.result(DEADLINE).name == "second"


def test_in_the_pause_before_another_attempt(endpoint: LiveEndpoint, ctrl_c: CtrlC) -> None:
    driver = endpoint.login(retry_delay=20)
    endpoint.sandbox.faults.add(path="/(run|api/deployment)", status=503)
    started = time.monotonic()
    interrupted(driver.list_nodes, lambda: not endpoint.sandbox.faults, ctrl_c)
    assert time.monotonic() - started < 8
    assert answers_everybody(endpoint, driver)


class Nth:
    """Interrupts the thread when it makes its n-th call in the modules that keep sessions."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(PACKAGE) and name.endswith(OURS):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a connection just being made
@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_interrupting_any_call_while_a_session_is_renewed(family: str) -> None:
    with Sandbox(family=family, speed=0) as sandbox:
        with Driver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url) as driver:
            images = [image.id for image in driver.list_images()]
            for number in range(1, 1000):
                sandbox.clock.advance(LONG)
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
    gc.collect()
