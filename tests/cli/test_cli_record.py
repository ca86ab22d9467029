from __future__ import annotations

import pytest

from slipstream import cli
from slipstream.testing.recorder import server_recorder


@pytest.fixture
def run(monkeypatch):
    for name in ("USERNAME", "PASSWORD", "KEY", "SECRET"):
        monkeypatch.delenv(f"SLIPSTREAM_{name}", raising=False)

    def call(*arguments):
        return cli.main(["record", *arguments])

    return call


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr(pytest, "main", lambda arguments: calls.append(arguments) or 0)
    return calls


def test_missing_variables_are_named_in_one_line_and_nothing_starts(run, started, capsys):
    assert run("--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71") == 2
    assert capsys.readouterr().err == (
        "slipstream record: error: set SLIPSTREAM_USERNAME, SLIPSTREAM_PASSWORD, SLIPSTREAM_KEY, "
        "SLIPSTREAM_SECRET to record a server\n"
    )
    assert started == []


def test_half_an_api_key_is_not_enough(run, started, monkeypatch, capsys):
    monkeypatch.setenv("SLIPSTREAM_USERNAME", "alice")
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", "hunter2")
    monkeypatch.setenv("SLIPSTREAM_KEY", "credential/1")
    assert run("--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71") == 2
    assert "set SLIPSTREAM_SECRET to record" in capsys.readouterr().err
    assert started == []


def test_a_foreign_server_needs_a_name_for_its_folder(run, started, capsys):
    assert run("--endpoint", "https://nuv.la") == 2
    assert "--endpoint needs --origin NAME" in capsys.readouterr().err


def test_without_endpoint_the_sandbox_is_recorded(run, started, capsys):
    assert run() == 0
    assert "every scenario from a sandbox of its own" in capsys.readouterr().out
    [arguments] = started
    assert arguments[:2] == ["tests/scenarios", "--record"]
    assert "--endpoint" not in arguments


def test_chosen_scenarios_of_a_server_are_recorded(run, started, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_KEY", "credential/1")
    monkeypatch.setenv("SLIPSTREAM_SECRET", "hunter2")
    options = ["--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71"]
    assert run(*options, "nodes.deploy", "keys.list") == 0
    [arguments] = started
    assert arguments[-8:] == [
        *options,
        *("--scenario", "nodes.deploy"),
        *("--scenario", "keys.list"),
    ]


def test_a_recording_of_a_sandbox_is_never_called_one_of_a_real_server(
    sandbox, tmp_path, monkeypatch
):
    monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)

    recorder = server_recorder(tmp_path, sandbox.url, "elsewhere-3.71")

    assert recorder.sandbox
    assert recorder.kind.title.lower() == sandbox.family
