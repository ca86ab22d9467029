"""A closed driver sends nothing and says why; nothing is left open behind it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import LibcloudError

from slipstream.libcloud.errors import BadInput, DriverClosed
from slipstream.sandbox import Sandbox

from .support import DEADLINE, Driver, logins, methods_of, run, together, until

CLOSED = "was closed. Make a new driver"
LISTING = "/(run|api/deployment)"


def test_close_lets_nothing_more_be_sent(endpoint: LiveEndpoint, driver: Driver) -> None:
    node, nodes, session = endpoint.deploy(driver), driver.ex_iterate_nodes(), driver._session
    assert not session.closed
    driver.close()
    endpoint.sandbox.journal.clear()
    for name, call in methods_of(driver).items():
        with pytest.raises(DriverClosed, match=CLOSED) as caught:
            call()
        assert caught.value.operation == name
        assert caught.value.endpoint == endpoint.url
        assert all(isinstance(caught.value, cls) for cls in (BadInput, LibcloudError, ValueError))
    for call in (
        *(node.destroy, node.reboot, lambda: driver.wait_until_running([node])),
        *(lambda: next(nodes), driver.__enter__, session.log_in),
    ):
        with pytest.raises(DriverClosed, match=CLOSED):
            call()
    assert len(endpoint.sandbox.journal) == 0
    driver.close()
    assert session.closed
    assert all("closed" in repr(item) for item in (driver, session, session.transport))
    assert (driver.name, driver.type) == ("SlipStream", "slipstream")
    assert driver.ex_endpoint == endpoint.url


@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_with_block_closes_the_driver_and_leaves_the_session_to_the_server(
    endpoint: LiveEndpoint, tmp_path: Path
) -> None:
    file = tmp_path / "cookies.txt"
    with endpoint.login() as driver:
        driver.ex_save_cookies(file)
    with suppress(ZeroDivisionError), endpoint.login(ex_cookie_file=file) as failing:
        assert failing.list_nodes() == []
        raise ZeroDivisionError
    for closed in (driver, failing):
        with pytest.raises(DriverClosed, match=CLOSED):
            closed.list_nodes()
    assert logins(endpoint.sandbox) == 1
    assert endpoint.sandbox.journal.entries("DELETE") == []


@pytest.mark.parametrize("fault", [{"delay": 0.4}, {"status": 503}], ids=["answered", "refused"])
def test_close_while_a_response_is_awaited_or_before_another_attempt(
    endpoint: LiveEndpoint, fault: Any
) -> None:
    driver = endpoint.login(retry_delay=0.4)
    endpoint.sandbox.faults.add(path=LISTING, **fault)
    endpoint.sandbox.journal.clear()
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(driver.list_nodes)
        until(lambda: not endpoint.sandbox.faults)
        until(lambda: "delay" in fault or endpoint.sandbox.journal)
        driver.close()
        if "delay" in fault:
            assert listing.result(DEADLINE) == []
        else:
            with pytest.raises(DriverClosed):
                listing.result(DEADLINE)
    assert len(endpoint.sandbox.journal) == 1


def test_close_while_many_threads_are_busy(endpoint: LiveEndpoint, driver: Driver) -> None:
    responses, busy = [], threading.Event()

    def work(number: int) -> str:
        if number == 0:
            busy.wait(DEADLINE)
            driver.close()
        while True:
            try:
                responses.append(driver.list_nodes())
            except DriverClosed:
                return "closed"
            if len(responses) > 40:
                busy.set()

    assert together(work) == ["closed"] * 16
    assert not any(responses)


PROGRAM = """
import gc, sys
from concurrent.futures import ThreadPoolExecutor
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

url, key, secret, how = sys.argv[1:]
driver = SlipStreamNodeDriver(key, secret, ex_endpoint=url, ex_login_method="internal")
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: driver.list_sizes(), range(16)))
if how == "closed":
    driver.close()
if how != "referenced":
    del driver
    gc.collect()
print("done")
"""


@pytest.mark.parametrize("how", ["closed", "dropped", "referenced"])
def test_no_connection_is_left_open(how: str) -> None:
    options = ("-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning")
    with Sandbox(speed=0) as sandbox:
        login = (sandbox.url, sandbox.username, sandbox.password)
        assert run(PROGRAM, *login, how, options=options) == ("done\n", "")
