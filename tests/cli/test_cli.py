"""The command without a subcommand, and what it prints when it fails."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from slipstream import __main__, cli
from slipstream.cli import app

ERROR = "slipstream: error: "


def test_without_arguments_it_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    output = capsys.readouterr().out
    assert all(f"  {command.name} " in output for command in cli.ALL)
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("arguments", [["sandcastle"], ["--nonsense"]])
def test_a_wrong_command_is_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(ERROR)
    assert errors.count("\n") == 1
    assert arguments[0] in errors


@pytest.mark.parametrize("command", cli.ALL, ids=lambda command: command.name)
def test_every_command_has_a_help(
    command: cli.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command.name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: slipstream {command.name}")


def test_click_is_needed_by_the_command_alone() -> None:
    code = """
import sys, slipstream.libcloud.compute_driver, slipstream.__main__
print([name for name in ("click", "rich", "platformdirs") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_click_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("slipstream.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("slipstream.cli", raising=False)
    monkeypatch.setitem(sys.modules, "click", None)
    assert __main__.main([]) == 2
    assert capsys.readouterr().err == (
        f"{ERROR}click is not installed. Run pip install '.[cli]' in a checkout of slipstream.\n"
    )


def test_a_module_missing_from_the_package_itself_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = cli.Command("sandbox", "", "slipstream.no_such_module:x", "sandbox")
    monkeypatch.setattr(app, "ALL", (broken,))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["sandbox"])


def test_an_interruption_is_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Command, "load", lambda _: click.Command("x", callback=interrupted))
    assert cli.main(["plugins"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_closed_pipe_ends_it_quietly() -> None:
    command = f"{sys.executable} -m slipstream plugins --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{", "")


def test_what_a_stream_cannot_print_is_escaped() -> None:
    code = """
import click, slipstream.cli
slipstream.cli.Command.load = lambda _: click.Command("x", callback=lambda: click.echo("\u2192"))
slipstream.cli.main(["plugins"])
"""
    environment = {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == (rb"\u2192" + b"\n", b"")


def test_names_are_completed_without_importing_commands() -> None:
    words = {"COMP_WORDS": "slipstream rec", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from slipstream.cli import main; main([])"],
        capture_output=True,
        text=True,
        check=False,
        env={"_SLIPSTREAM_COMPLETE": "bash_complete", **words},
    )
    assert done.stdout == "plain,record\n"
