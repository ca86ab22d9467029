from __future__ import annotations

from pathlib import Path

from slipstream.testing.scan import scan, scenario_names

TESTS = Path(__file__).parent


def test_no_cassette_holds_what_must_not_be_published() -> None:
    scenarios = scenario_names(TESTS / "scenarios")
    findings = scan(TESTS / "cassettes", scenarios)
    assert not findings, "\n".join(map(str, findings))
