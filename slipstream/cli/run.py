"""``slipstream run``: run a program that finds the drivers by their names."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

import slipstream.libcloud  # noqa: F401 - registers the drivers


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-m", "--module", is_flag=True, help="PROGRAM is the name of a module.")
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(module: bool, program: str, arguments: tuple[str, ...]) -> Callable[[], object]:
    """Run a Python program that finds the drivers without importing them."""
    # The caller runs it: click takes some exceptions for its own, and they are the program's.
    sys.argv = [program, *arguments]
    if module:
        sys.path.insert(0, "")
        return partial(runpy.run_module, program, run_name="__main__", alter_sys=True)
    path = Path(program)
    if not path.exists():
        raise click.UsageError(f"There is no program {program!r}.")
    sys.path.insert(0, str(path.resolve().parent))
    return partial(runpy.run_path, program, run_name="__main__")


run.allow_interspersed_args = False
