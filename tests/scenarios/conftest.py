"""The driver that scenarios use, logged in with what the recording has."""

from __future__ import annotations

import pytest


@pytest.fixture
def driver(scenario):
    from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

    given = scenario.credentials
    login = (given.username, given.password) if given.username else (given.key, given.secret)
    return SlipStreamNodeDriver(*login, ex_endpoint=scenario.endpoint)
