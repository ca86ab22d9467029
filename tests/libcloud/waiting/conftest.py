"""Endpoints of each kind, on which waiting takes no time and moves the sandbox's clock."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.fixture
def waiting(endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let waiting for a deployment move the sandbox's clock and take no time."""
    fake = FakeTime(endpoint.sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    """A driver for the main user."""
    return endpoint.login()
