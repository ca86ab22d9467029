"""Only the project's own checks are made: pages of the documents add others to the list."""

from __future__ import annotations

import pytest

from slipstream.conformance import CHECKS


@pytest.fixture(autouse=True)
def _own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [one for one in CHECKS if one.examine.__module__.startswith("slipstream.")]
    others = [one for one in CHECKS if one not in own]
    monkeypatch.setattr("slipstream.conformance.running.CHECKS", own)
    assert not any(one.name in {mine.name for mine in own} for one in others)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipstream.conformance.changes.PAUSE", 0)
