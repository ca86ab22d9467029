from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.sandbox import Sandbox

from .support import Driver, Login, deploy


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the other family, whose clock moves when it is told to."""
    with Sandbox(family="nuvla", speed=0) as running:
        yield running


@pytest.fixture
def login(sandbox: Sandbox) -> Iterator[Login]:
    """Make drivers: for the sandbox's main user, unless told otherwise."""
    with ExitStack() as stack:

        def make(key: str | None = None, secret: str | None = None, **options: object) -> Driver:
            if key is None and not {"ex_cookie_file", "ex_login_method"} & options.keys():
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
    """A driver for a user who has no place to run anything."""
    made = login("bob", sandbox.users["bob"].password)
    sandbox.journal.clear()
    return made


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let every kind of waiting move the sandbox's clock and take no time."""
    fake = FakeTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment that was just asked for."""
    made = deploy(driver, name="blog")
    sandbox.journal.clear()
    return made


@pytest.fixture
def running(driver: Driver, node: Node, sandbox: Sandbox) -> Node:
    """A deployment that runs, as it was read then."""
    sandbox.clock.advance(300)
    read = driver.ex_get_node(node.id)
    assert read.extra["state"] == "STARTED"
    sandbox.journal.clear()
    return read
