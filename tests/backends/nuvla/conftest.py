from __future__ import annotations

from collections.abc import Iterator

import pytest
from libcloud.compute.base import Node

from slipstream.sandbox import Sandbox

from .support import Driver, deploy


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the other family, whose clock moves when it is told to."""
    with Sandbox(family="nuvla", speed=0) as running:
        yield running


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment that was just asked for."""
    created = deploy(driver, name="blog")
    sandbox.journal.clear()
    return created


@pytest.fixture
def running(driver: Driver, node: Node, sandbox: Sandbox) -> Node:
    """A deployment that runs, as it was read then."""
    sandbox.clock.advance(300)
    read = driver.ex_get_node(node.id)
    assert read.extra["state"] == "STARTED"
    sandbox.journal.clear()
    return read
