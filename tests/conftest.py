"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from places import Place, opened

pytest_plugins = ["slipstream.testing.pytest_plugin"]


@pytest.fixture(params=["slipstream", "nuvla", "campus"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An endpoint of each kind in turn: of both families, and of a kind that a plugin adds."""
    folder = tmp_path / "installed"
    folder.mkdir()
    with opened(request.param, folder, monkeypatch) as place:
        yield place
