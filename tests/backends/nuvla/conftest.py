from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoints_under_test import LiveEndpoint, serve
from libcloud.compute.base import Node

from slipstream.sandbox import Sandbox

from .support import Driver, deploy


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveEndpoint]:
    """An endpoint of Nuvla."""
    with serve("nuvla", tmp_path, monkeypatch) as endpoint:
        yield endpoint


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment that was just created."""
    created = deploy(driver, name="blog")
    sandbox.journal.clear()
    return created


@pytest.fixture
def running(driver: Driver, node: Node, sandbox: Sandbox) -> Node:
    """A deployment that runs, as it was read then."""
    sandbox.clock.advance(300)
    read = driver.ex_get_node(node)
    assert read.extra["state"] == "STARTED"
    sandbox.journal.clear()
    return read
