"""A closed driver sends nothing and says why; nothing is left open behind it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import LibcloudError

from slipstream import errors
from slipstream.libcloud.errors import BadInput, DriverClosed
from slipstream.sandbox import Sandbox

from .support import DEADLINE, Driver, arguments_of, logins, own_methods, run, together, until

CLOSED = "was closed. Make a new driver"


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> Driver:
    return endpoint.login()


def test_a_closed_driver_sends_nothing_and_every_method_says_so(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node, nodes = endpoint.deploy(driver), driver.ex_iterate_nodes()
    driver.close()
    endpoint.sandbox.journal.clear()
    for name in own_methods():
        method = getattr(driver, name)
        with pytest.raises(DriverClosed, match=CLOSED) as caught:
            method(*arguments_of(method))
        assert caught.value.operation == name
        assert caught.value.endpoint == endpoint.url
        assert all(isinstance(caught.value, cls) for cls in (BadInput, LibcloudError, ValueError))
    for call in (
        *(node.destroy, node.reboot, lambda: driver.wait_until_running([node])),
        *(lambda: next(nodes), driver.__enter__),
    ):
        with pytest.raises(DriverClosed, match=CLOSED):
            call()
    assert len(endpoint.sandbox.journal) == 0


def test_a_closed_driver_can_be_closed_again_and_says_what_it_was(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    driver.close()
    driver.close()
    assert repr(driver).endswith("closed>")
    assert (driver.name, driver.type, driver.ex_endpoint) == (
        *("SlipStream", "slipstream"),
        endpoint.url,
    )


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_a_with_block_closes_the_driver(
    endpoint: LiveEndpoint, error: type[Exception] | None
) -> None:
    with suppress(ZeroDivisionError), endpoint.login() as driver:
        assert driver.list_nodes() == []
        if error:
            raise error
    with pytest.raises(DriverClosed, match=CLOSED):
        driver.list_nodes()


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_the_server_goes_on_with_the_session(family: str, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    with Sandbox(family=family, speed=0) as sandbox:
        where = {"ex_endpoint": sandbox.url}
        with Driver(sandbox.username, sandbox.password, **where) as driver:
            driver.ex_save_cookies(file)
        with Driver(None, ex_cookie_file=file, **where) as driver:
            assert driver.list_nodes() == []
        assert logins(sandbox) == 1
        assert sandbox.journal.entries("DELETE") == []


def test_a_call_under_way_is_answered(endpoint: LiveEndpoint, driver: Driver) -> None:
    endpoint.sandbox.faults.add(path="/(run|api/deployment)", delay=0.4)
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(driver.list_nodes)
        until(lambda: not endpoint.sandbox.faults)
        driver.close()
        assert listing.result(DEADLINE) == []


def test_a_pause_before_another_attempt_is_the_end(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login(retry_delay=0.4)
    endpoint.sandbox.faults.add(path="/(run|api/deployment)", status=503, times=1)
    endpoint.sandbox.journal.clear()
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(driver.list_nodes)
        until(lambda: len(endpoint.sandbox.journal) == 1)
        driver.close()
        with pytest.raises(DriverClosed):
            listing.result(DEADLINE)
    assert len(endpoint.sandbox.journal) == 1


def test_closing_under_many_busy_threads_ends_each_in_order(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    seen: Counter[str] = Counter()
    busy = threading.Event()

    def live(number: int) -> None:
        if number == 0:
            busy.wait(DEADLINE)
            driver.close()
        while True:
            try:
                assert driver.list_nodes() == []
            except DriverClosed:
                seen["closed"] += 1
                return
            seen["answered"] += 1
            if seen["answered"] > 40:
                busy.set()

    together(live, 16)
    assert seen["closed"] == 16


def test_a_session_without_a_driver_says_so_too(driver: Driver) -> None:
    session = driver._session
    assert not session.closed
    session.close()
    assert session.closed
    assert "closed" in repr(session)
    assert "closed" in repr(session.transport)
    with pytest.raises(errors.DriverClosed, match=CLOSED):
        session.log_in()


LEAVES = """
import gc, sys
from concurrent.futures import ThreadPoolExecutor
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

url, key, secret, how = sys.argv[1:]
driver = SlipStreamNodeDriver(key, secret, ex_endpoint=url, ex_login_method="internal")
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: driver.list_sizes(), range(16)))
if how == "closed":
    driver.close()
if how != "kept":
    del driver
    gc.collect()
print("done")
"""


@pytest.mark.parametrize("how", ["closed", "dropped", "kept"])
@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_no_connection_is_left_open(family: str, how: str) -> None:
    options = ("-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning")
    with Sandbox(family=family, speed=0) as sandbox:
        done = run(LEAVES, sandbox.url, sandbox.username, sandbox.password, how, options=options)
    assert (done.stdout, done.stderr) == ("done\n", "")
