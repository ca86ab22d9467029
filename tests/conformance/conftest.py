"""Only the project's own checks run: pages of the documentation add others to the list."""

from __future__ import annotations

import pytest

from slipstream.conformance import CHECKS

OWN = [check for check in CHECKS if check.function.__module__.startswith("slipstream.")]


@pytest.fixture(autouse=True)
def _own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipstream.conformance.report.CHECKS", OWN)
    monkeypatch.setattr("slipstream.conformance.changes.PAUSE", 0)
    monkeypatch.setattr("slipstream.conformance.changes.TIMEOUT", 5)
