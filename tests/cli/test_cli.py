"""The command without a subcommand, what it prints when it fails, and ``slipstream record``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import click
import pytest
from click.testing import Result

from slipstream import __main__
from slipstream.cli import ALL, Command, app
from slipstream.testing.recorder import server_recorder

Run = Callable[..., Result]
Start = Callable[..., subprocess.CompletedProcess[Any]]
DUMMY = "libcloud.compute.drivers.dummy"
WRONG: list[tuple[Sequence[str], str]] = [
    (["sandcastle"], "sandcastle"),
    (["--nonsense"], "--nonsense"),
    (["show"], "Missing argument 'NODE'"),
    (["nodes", "--output", "xml"], "'xml' is not one of"),
    (["nodes", "--profile", "nowhere"], "There is no profile 'nowhere'"),
    (["run", "nothing.py"], "There is no program 'nothing.py'."),
    (["sandbox", "--host", ""], "'' is not an address"),
    (["sandbox", "--port", "70000"], "70000 is not in the range"),
    (["sandbox", "--port", "x"], "'x' is not a valid integer"),
    (["sandbox", "--speed", "-1"], "-1 is not from 0 to 1000000."),
    (["sandbox", "--speed", "fast"], "'fast' is not a valid float"),
    (["sandbox", "--speed", "nan"], "nan is not from 0 to 1000000."),
    (["sandbox", "--front", "varnish"], "'varnish' is not 'vendor'"),
    (["sandbox", "--nonsense"], "--nonsense"),
    (["record", "--endpoint", "https://nuv.la"], "--endpoint needs --origin NAME"),
    (["conformance", "--everything"], "--everything"),
    (["conformance", "--provider", "nowhere"], "there is no provider 'nowhere'"),
    (["conformance", "--provider", "dummy", "--class", "a:B"], "exclude each other"),
    (["conformance", "--class", f"{DUMMY}:Nothing"], f"there is no class '{DUMMY}:Nothing'"),
    (["conformance", "--class", "nowhere.at.all:Driver"], "there is no class 'nowhere.at"),
    (["conformance", "--class", "driver"], "there is no class 'driver'"),
    (["conformance", "--class", "json:JSONDecoder"], "is not a class of compute drivers"),
    (["conformance", "--arg", "secret"], "--arg takes a name and a value"),
    (["conformance", "--arg", "=value"], "--arg takes a name and a value"),
    (["conformance", "--arg", "key=a", "--arg", "key=b"], "--arg key is repeated"),
    (["conformance", "--arg", "secret=env:NO_SUCH"], "no environment variable NO_SUCH"),
    (["conformance", "--arg", "secret=file:/no/such/file"], "cannot be read: No such file"),
    (["conformance", "--arg", "ex_endpiont=http://x"], "TypeError: .*ex_endpoint"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=str)
def test_wrong_usage_is_one_line(run: Run, arguments: Sequence[str], words: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    command = f" {arguments[0]}" if arguments[0] in [command.name for command in ALL] else ""
    assert result.stderr.startswith(f"slipstream{command}: error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(words, result.stderr)


def test_help_without_arguments(run: Run) -> None:
    output = run().stdout
    assert all(f"  {command.name} " in output for command in ALL)
    assert run("--help").stdout == output


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_help_of_each_command(run: Run, command: Command) -> None:
    assert run(command.name, "--help").stdout.startswith(f"Usage: slipstream {command.name}")


def test_import_of_the_driver_needs_no_click(start: Start) -> None:
    code = """
import sys, slipstream.libcloud.compute_driver, slipstream.__main__
print([name for name in ("click", "rich", "platformdirs") if name in sys.modules])
"""
    assert start("-c", code).stdout == "[]\n"


@pytest.mark.parametrize(
    ("package", "loaded", "arguments", "extra"),
    [
        ("click", "slipstream.cli", (), "cli"),
        ("flask", "slipstream.sandbox", ("sandbox",), "sandbox"),
    ],
)
def test_missing_package_names_its_extra(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: str,
    loaded: str,
    arguments: Sequence[str],
    extra: str,
) -> None:
    for name in [name for name in sys.modules if name.startswith((loaded, "slipstream.cli"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("slipstream.cli", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    assert __main__.main(arguments) == 2
    assert capsys.readouterr().err == (
        f"{' '.join(('slipstream', *arguments))}: error: {package} is not installed."
        f" Run pip install '.[{extra}]' in a checkout of slipstream.\n"
    )


def test_missing_module_of_the_package_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Command("sandbox", "", "slipstream.no_such_module:x", "sandbox")
    monkeypatch.setattr(app, "ALL", (broken,))
    with pytest.raises(ModuleNotFoundError):
        run("sandbox")


def test_interruption_is_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    command = click.Command("x", callback=interrupted)
    monkeypatch.setattr(app, "resolve_name", lambda _: command)
    result = run("plugins")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


def test_closed_pipe_ends_it_quietly() -> None:
    command = f"{sys.executable} -m slipstream plugins --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{", "")


def test_character_that_a_stream_cannot_print_is_escaped(start: Start) -> None:
    code = """
import click, slipstream.cli.app as app
app.resolve_name = lambda _: click.Command("x", callback=lambda: click.echo("\u2192"))
app.main(["plugins"])
"""
    done = start("-c", code, text=False, env={"PYTHONIOENCODING": "latin-1"})
    assert (done.stdout, done.stderr) == (rb"\u2192" + b"\n", b"")


def test_completion_imports_no_command(start: Start) -> None:
    words = {"COMP_WORDS": "slipstream rec", "COMP_CWORD": "1"}
    code = "from slipstream.cli import main; main([])"
    done = start("-c", code, env={"_SLIPSTREAM_COMPLETE": "bash_complete", **words})
    assert done.stdout == "plain,record\n"


SERVER = ["--endpoint", "https://nuv.la", "--origin", "nuv.la-3.71"]


@pytest.fixture
def start_pytest(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Stands in for a run of pytest."""
    monkeypatch.setattr(pytest, "main", start := mock.Mock(return_value=0))
    return start


ALICE = {"USERNAME": "alice", "PASSWORD": "hunter2", "KEY": "credential/1"}
MISSING = [({}, "USERNAME, SLIPSTREAM_PASSWORD, SLIPSTREAM_KEY, SLIPSTREAM_SECRET"),
           (ALICE, "SECRET")]  # fmt: skip


@pytest.mark.parametrize(("variables", "missing"), MISSING)
def test_record_without_credentials(
    run: Run, start_pytest: mock.Mock, monkeypatch: Any, variables: dict[str, str], missing: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SLIPSTREAM_{name}", value)
    result = run("record", *SERVER)
    expected = f"slipstream record: error: set SLIPSTREAM_{missing} to record a server\n"
    assert (result.exit_code, result.stderr) == (2, expected)
    assert not start_pytest.called


def test_record(run: Run, start_pytest: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("record")
    assert result.exit_code == 0
    assert "every scenario from a sandbox of its own" in result.stdout
    (arguments,) = start_pytest.call_args.args
    assert arguments[:2] == ["tests/scenarios", "--record"]
    assert "--endpoint" not in arguments
    monkeypatch.setenv("SLIPSTREAM_KEY", "credential/1")
    monkeypatch.setenv("SLIPSTREAM_SECRET", "hunter2")
    assert run("record", *SERVER, "nodes.deploy", "keys.list").exit_code == 0
    scenarios = ["--scenario", "nodes.deploy", "--scenario", "keys.list"]
    assert start_pytest.call_args.args[0][-8:] == [*SERVER, *scenarios]


def test_record_of_a_sandbox_by_its_address(sandbox: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
    recorder = server_recorder(tmp_path, sandbox.url, "elsewhere-3.71")
    assert recorder.sandbox
    assert recorder.kind.title.lower() == sandbox.family
