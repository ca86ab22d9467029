"""What the tests of the documents share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from families import Families, Family

from slipstream.sandbox import Sandbox


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Families]:
    """A sandbox of each family, with a node that runs."""
    folder = tmp_path_factory.mktemp("families")
    with Sandbox(speed=0) as old, Sandbox(family="nuvla", speed=0) as new:
        yield {sandbox.family: Family(sandbox, folder) for sandbox in (old, new)}
