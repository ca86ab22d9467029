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
