"""An endpoint as a program for any cloud finds it: with a region, where one is needed."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    """A driver whose constructor got libcloud's own arguments, and where the endpoint is."""
    return endpoint.login(region="swarm-lausanne" if endpoint.family == "nuvla" else None)
