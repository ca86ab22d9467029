"""What libcloud's contract is tried on: a driver of each kind of endpoint."""

from __future__ import annotations

import pytest
from places import Place

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.fixture
def driver(place: Place) -> SlipStreamNodeDriver:
    """A driver for the main user; the journal forgets how it logged in."""
    made = place.login()
    place.sandbox.journal.clear()
    return made
