"""Drivers on an endpoint of each kind; the folders below narrow it to one family."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime, StoppedTime

from slipstream.sandbox import Sandbox

from .support import Driver, Login


@pytest.fixture
def sandbox(endpoint: LiveEndpoint) -> Sandbox:
    """The server of the endpoint, whose clock moves when a test moves it."""
    return endpoint.sandbox


@pytest.fixture
def login(endpoint: LiveEndpoint) -> Login:
    """Make drivers: for the main user, a user of the sandbox, or with a key and secret."""
    return endpoint.login


@pytest.fixture
def driver(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for the main user; the journal starts after its login."""
    driver = login()
    sandbox.journal.clear()
    return driver


@pytest.fixture
def bob(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for another user; the journal starts after its login."""
    driver = login("bob")
    sandbox.journal.clear()
    return driver


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let pauses move the sandbox's clock and take no time."""
    fake = StoppedTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake
