"""``slipstream record``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipstream import cli
from slipstream.sandbox import Sandbox
from slipstream.testing.recorder import server_recorder

SERVER = ["--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71"]
Run = Callable[..., int]
Started = list[list[str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("USERNAME", "PASSWORD", "KEY", "SECRET"):
        monkeypatch.delenv(f"SLIPSTREAM_{name}", raising=False)
    return lambda *arguments: cli.main(["record", *arguments])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    calls: Started = []
    monkeypatch.setattr(pytest, "main", lambda arguments: calls.append(arguments) or 0)
    return calls


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "USERNAME, SLIPSTREAM_PASSWORD, SLIPSTREAM_KEY, SLIPSTREAM_SECRET"),
        ({"USERNAME": "alice", "PASSWORD": "hunter2", "KEY": "credential/1"}, "SECRET"),
    ],
)
def test_missing_variables_are_named_in_one_line_and_nothing_starts(
    run: Run,
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    missing: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SLIPSTREAM_{name}", value)
    assert run(*SERVER) == 2
    expected = f"slipstream record: error: set SLIPSTREAM_{missing} to record a server\n"
    assert capsys.readouterr().err == expected
    assert started == []


def test_a_foreign_server_needs_a_name_for_its_folder(
    run: Run, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--endpoint", "https://nuv.la") == 2
    assert "--endpoint needs --origin NAME" in capsys.readouterr().err


def test_without_endpoint_the_sandbox_is_recorded(
    run: Run, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert "every scenario from a sandbox of its own" in capsys.readouterr().out
    [arguments] = started
    assert arguments[:2] == ["tests/scenarios", "--record"]
    assert "--endpoint" not in arguments


def test_chosen_scenarios_of_a_server_are_recorded(
    run: Run, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPSTREAM_KEY", "credential/1")
    monkeypatch.setenv("SLIPSTREAM_SECRET", "hunter2")
    assert run(*SERVER, "nodes.deploy", "keys.list") == 0
    scenarios = ["--scenario", "nodes.deploy", "--scenario", "keys.list"]
    assert started[0][-8:] == [*SERVER, *scenarios]


def test_a_recording_of_a_sandbox_is_never_called_one_of_a_real_server(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
    recorder = server_recorder(tmp_path, sandbox.url, "elsewhere-3.71")
    assert recorder.sandbox
    assert recorder.kind.title.lower() == sandbox.family
