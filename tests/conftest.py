"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from places import Place, opened

# How long an example takes says more of the machine than of the code.
settings.register_profile("of-the-project", deadline=None)
settings.load_profile("of-the-project")

pytest_plugins = ["slipstream.testing.pytest_plugin", "slipstream.testing.plugins"]


@pytest.fixture(params=["slipstream", "nuvla", "campus"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An endpoint of each kind in turn: of both families, and of a kind that a plugin adds."""
    folder = tmp_path / "installed"
    folder.mkdir()
    with opened(request.param, folder, monkeypatch) as place:
        yield place
