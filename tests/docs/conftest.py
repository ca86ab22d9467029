"""What the tests of the documents share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from families import Families, Family

from slipstream.sandbox import Sandbox


@pytest.fixture(scope="module")
def families() -> Iterator[Families]:
    """A sandbox of each family, with a node that runs."""
    with Sandbox(speed=0) as old, Sandbox(family="nuvla", speed=0) as new:
        yield {sandbox.family: Family(sandbox) for sandbox in (old, new)}
