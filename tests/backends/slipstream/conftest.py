from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipstream.sandbox import Sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """One sandbox for the modules whose tests change nothing in it but its faults."""
    with Sandbox(speed=0) as running:
        yield running
