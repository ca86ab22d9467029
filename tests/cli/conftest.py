"""The command, in this process and in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from slipstream.cli import main
from slipstream.libcloud.profiles import PROFILE_VARIABLE, VARIABLES

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with arguments, and with no login in the environment but a test's own."""
    for variable in (*VARIABLES.values(), PROFILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)

    def invoke(*arguments: str, **options: Any) -> Result:
        command = click.Command("any", callback=lambda: sys.exit(main(arguments)))
        return CliRunner(catch_exceptions=False).invoke(command, [], **options)

    return invoke


@pytest.fixture
def start() -> Callable[..., subprocess.CompletedProcess[Any]]:
    """Run a Python program in a process of its own."""

    def call(*arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        options = {"capture_output": True, "text": True, **options}
        return subprocess.run([sys.executable, *arguments], check=False, **options)

    return call
