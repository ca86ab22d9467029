"""A program that imports nothing of ours finds the drivers under ``slipstream run``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slipstream.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
import helper
from libcloud.compute.providers import get_driver

if __name__ == "__main__":
    provider, endpoint, user, secret = sys.argv[1:5]
    driver = get_driver(provider)(user, secret, ex_endpoint=endpoint)
    print(json.dumps([sys.argv[5:], helper.NAME, driver.list_nodes(), len(driver.list_images())]))
    sys.exit(7)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "helper.py").write_text("NAME = 'beside it'\n", "utf-8")
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, "utf-8")
    return path


def start(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        check=False,
    )


@pytest.mark.parametrize(("family", "by"), [("slipstream", "path"), ("nuvla", "module")])
def test_a_program_that_only_knows_the_name_finds_the_driver(
    program: Path, family: str, by: str
) -> None:
    what = [str(program)] if by == "path" else ["-m", "program"]
    with Sandbox(family=family, speed=0) as sandbox:
        login = [sandbox.url, sandbox.username, sandbox.password]
        done = start(
            "-m", "slipstream", "run", *what, family, *login, "--verbose", "-m", cwd=program.parent
        )
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith('[["--verbose", "-m"], "beside it", [], ')


def test_without_it_libcloud_does_not_know_the_name(program: Path) -> None:
    done = start(str(program), "slipstream", "url", "user", "secret", cwd=program.parent)
    assert done.returncode == 1
    assert "slipstream" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("raise BrokenPipeError(32, 'Broken pipe')", "BrokenPipeError: [Errno 32] Broken pipe"),
        ("raise EOFError('the end')", "EOFError: the end"),
        ("import click; raise click.UsageError('mine')", "click.exceptions.UsageError: mine"),
        ("raise ValueError(input())", "ValueError: from stdin"),
    ],
)
def test_a_program_that_fails_shows_its_own_exception(
    tmp_path: Path, statement: str, error: str
) -> None:
    (tmp_path / "program.py").write_text(statement, "utf-8")
    done = start("-m", "slipstream", "run", "program.py", cwd=tmp_path, stdin="from stdin\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == error


def test_a_missing_program_is_a_wrong_usage(tmp_path: Path) -> None:
    done = start("-m", "slipstream", "run", "nothing.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "slipstream run: error: There is no program 'nothing.py'.\n"
