"""What libcloud's contract is tried on: a driver of each kind of endpoint."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    """A driver for the main user; the journal forgets how it logged in."""
    made = endpoint.login()
    endpoint.sandbox.journal.clear()
    return made
