"""``slipstream record``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from click.testing import Result

from slipstream.testing.recorder import server_recorder

SERVER = ["--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71"]
Run = Callable[..., Result]
Started = list[list[str]]


@pytest.fixture
def run(run: Run) -> Run:
    """Run the subcommand."""
    return partial(run, "record")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    calls: Started = []

    def start(arguments: list[str]) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(pytest, "main", start)
    return calls


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "USERNAME, SLIPSTREAM_PASSWORD, SLIPSTREAM_KEY, SLIPSTREAM_SECRET"),
        ({"USERNAME": "alice", "PASSWORD": "hunter2", "KEY": "credential/1"}, "SECRET"),
    ],
)
def test_record_without_credentials(
    run: Run,
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    missing: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SLIPSTREAM_{name}", value)
    result = run(*SERVER)
    expected = f"slipstream record: error: set SLIPSTREAM_{missing} to record a server\n"
    assert (result.exit_code, result.stderr) == (2, expected)
    assert started == []


def test_sandbox_is_recorded_without_an_endpoint(run: Run, started: Started) -> None:
    result = run()
    assert result.exit_code == 0
    assert "every scenario from a sandbox of its own" in result.stdout
    [arguments] = started
    assert arguments[:2] == ["tests/scenarios", "--record"]
    assert "--endpoint" not in arguments


def test_record_scenarios_of_a_server(run: Run, started: Started, monkeypatch: Any) -> None:
    monkeypatch.setenv("SLIPSTREAM_KEY", "credential/1")
    monkeypatch.setenv("SLIPSTREAM_SECRET", "hunter2")
    assert run(*SERVER, "nodes.deploy", "keys.list").exit_code == 0
    scenarios = ["--scenario", "nodes.deploy", "--scenario", "keys.list"]
    assert started[0][-8:] == [*SERVER, *scenarios]


def test_record_of_a_sandbox_by_its_address(sandbox: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
    recorder = server_recorder(tmp_path, sandbox.url, "elsewhere-3.71")
    assert recorder.sandbox
    assert recorder.kind.title.lower() == sandbox.family
