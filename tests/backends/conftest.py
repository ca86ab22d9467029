"""Drivers on a sandbox of one family."""

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
    """Make drivers: for the main user, a user of the sandbox, or with a key and secret."""
    with ExitStack() as stack:

        def make(
            key: str | None = None, secret: str | None = "of the user", **options: object
        ) -> SlipStreamNodeDriver:
            if key is None and not {"ex_cookie_file", "ex_login_method"} & options.keys():
                key = sandbox.username
            if secret == "of the user":
                secret = sandbox.users[key].password if key in sandbox.users else None
            options = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **options}
            driver = SlipStreamNodeDriver(key, secret, **options)  # type: ignore[arg-type]
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
def bob(login: Login, sandbox: Sandbox) -> SlipStreamNodeDriver:
    """A driver for another user; the journal starts after its login."""
    driver = login("bob")
    sandbox.journal.clear()
    return driver


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let pauses move the sandbox's clock and take no time."""
    fake = FakeTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake
