from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fake_time import FakeTime

from slipstream.sandbox import Sandbox

from .support import Driver, Login


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def kept_sandbox() -> Iterator[Sandbox]:
    """One sandbox for the modules whose tests change nothing in it but its faults."""
    with Sandbox(speed=0) as running:
        yield running


@pytest.fixture
def login(sandbox: Sandbox) -> Iterator[Login]:
    """Make drivers: for the sandbox's main user, unless told otherwise."""
    with ExitStack() as stack:

        def make(key: str | None = None, secret: str | None = None, **options: object) -> Driver:
            if key is None and "ex_cookie_file" not in options:
                key, secret = sandbox.username, sandbox.password
            given = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **options}
            driver = Driver(key, secret, **given)  # type: ignore[arg-type]
            stack.callback(driver.close)
            return driver

        yield make


@pytest.fixture
def driver(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for the main user; the journal forgets how it logged in."""
    made = login()
    sandbox.journal.clear()
    return made


@pytest.fixture
def bob(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for another user."""
    made = login("bob", sandbox.users["bob"].password)
    sandbox.journal.clear()
    return made


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let waiting for a deployment move the sandbox's clock and take no time."""
    fake = FakeTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake


@pytest.fixture
def pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the pauses before requests that are repeated, and take none."""
    if "waiting" in request.fixturenames:
        waiting: FakeTime = request.getfixturevalue("waiting")
        return waiting.slept
    fake = FakeTime()
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake.slept
