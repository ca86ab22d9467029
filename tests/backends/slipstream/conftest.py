from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoints_under_test import LiveEndpoint, serve


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveEndpoint]:
    """An endpoint of SlipStream."""
    with serve("slipstream", tmp_path, monkeypatch) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def shared_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEndpoint]:
    """One endpoint for the modules whose tests change nothing in it but its faults."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        serve("slipstream", tmp_path_factory.mktemp("shared"), monkeypatch) as endpoint,
    ):
        yield endpoint


@pytest.fixture
def reused_endpoint(shared_endpoint: LiveEndpoint) -> Iterator[LiveEndpoint]:
    """The shared endpoint, put back afterwards."""
    sandbox = shared_endpoint.sandbox
    sandbox.journal.clear()
    yield shared_endpoint
    shared_endpoint.close()
    sandbox.faults.clear()
    sandbox.world.runs.clear()
