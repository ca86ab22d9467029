"""Drivers on sandboxes of SlipStream; waiting takes no time and moves the sandbox's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fake_time import FakeTime

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

Login = Callable[..., SlipStreamNodeDriver]


@pytest.fixture
def login(sandbox: Sandbox) -> Iterator[Login]:
    """Make drivers, for the sandbox's main user or another one."""
    with ExitStack() as stack:

        def make(user: str = "alice", **options: object) -> SlipStreamNodeDriver:
            account = sandbox.users[user]
            options = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **options}
            driver = SlipStreamNodeDriver(account.username, account.password, **options)  # type: ignore[arg-type]
            stack.callback(driver.close)
            return driver

        yield make


@pytest.fixture
def driver(login: Login, sandbox: Sandbox) -> SlipStreamNodeDriver:
    """A driver for the main user; the journal starts after its login."""
    driver = login()
    sandbox.journal.clear()
    return driver


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let pauses move the sandbox's clock and take no time."""
    fake = FakeTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake
