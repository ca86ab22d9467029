"""
The command line: finds the subcommand and leaves the rest to it.

A subcommand is a module with a function ``main(arguments, prog) -> exit code``. It is imported
only when it runs, so that one subcommand's needs are never another one's.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

import attrs

DISTRIBUTION = "slipstream-libcloud-driver"


@attrs.frozen
class Command:
    """
    A subcommand.

    :param name: What is typed.
    :param help: A few words for the list of subcommands.
    :param module: The module that has its ``main``.
    :param extra: The extra of the distribution that installs what it needs, if any.
    """

    name: str
    help: str
    module: str
    extra: str | None = None


COMMANDS = (
    Command(
        "sandbox", "run a local server to try things on", "slipstream.sandbox.command", "sandbox"
    ),
    Command("plugins", "list the plugins and what became of each", "slipstream.plugins_command"),
    Command("record", "record the scenarios of the tests", "slipstream.testing.command"),
    Command(
        "conformance",
        "check a libcloud driver against libcloud's contract",
        "slipstream.conformance.command",
    ),
)


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """
        Report a mistake and leave with exit code 2.

        :param message: What is wrong.
        """
        self.exit(2, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="slipstream", description="Tools for SlipStream and Nuvla.")
    parser.add_argument("--version", action="version", version=version(DISTRIBUTION))
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        choices.add_parser(command.name, help=command.help, add_help=False)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a subcommand.

    :param arguments: What follows the program's name; that of this process, if left out.
    :returns: The exit code.
    """
    chosen, rest = _parser().parse_known_args(arguments)
    command = next(one for one in COMMANDS if one.name == chosen.command)
    prog = f"slipstream {command.name}"
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if command.extra is None or missing in {"", "slipstream"}:
            raise
        install = f"pip install '{DISTRIBUTION}[{command.extra}]'"
        print(f"{prog} needs {missing}, which is not installed: {install}", file=sys.stderr)
        return 2
    return int(module.main(rest, prog))
