"""A program that imports nothing of ours finds the drivers under ``slipstream run``."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from slipstream.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.CompletedProcess[str]]
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


@pytest.fixture
def start(start: Start, tmp_path: Path) -> Start:
    """Run a program beside the others, which finds the package and no command."""
    return partial(start, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""})


@pytest.mark.parametrize(("family", "by"), [("slipstream", "path"), ("nuvla", "module")])
def test_run_of_a_program_with_a_name(start: Start, program: Path, family: str, by: str) -> None:
    what = [str(program)] if by == "path" else ["-m", "program"]
    with Sandbox(family=family, speed=0) as sandbox:
        login = [sandbox.url, sandbox.username, sandbox.password]
        done = start("-m", "slipstream", "run", *what, family, *login, "--verbose", "-m")
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith('[["--verbose", "-m"], "beside it", [], ')


def test_without_it_libcloud_does_not_know_the_name(start: Start, program: Path) -> None:
    done = start(str(program), "slipstream", "url", "user", "secret")
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
def test_run_of_a_program_that_fails(
    start: Start, tmp_path: Path, statement: str, error: str
) -> None:
    (tmp_path / "program.py").write_text(statement, "utf-8")
    done = start("-m", "slipstream", "run", "program.py", input="from stdin\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == error
