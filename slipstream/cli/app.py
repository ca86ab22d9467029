"""
The command: its subcommands, and its error messages.

A subcommand is imported when it runs, so that what it needs is never needed by another one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem
from click.types import FloatParamType

from slipstream.version import VERSION, install_hint

NAME = "slipstream"
FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


class Command(NamedTuple):
    """A subcommand: where it is, and the extra that installs what it needs."""

    name: str
    help: str
    path: str
    extra: str | None = None


COMMANDS = (
    Command("login", "Check the credentials.", "slipstream.cli.nodes:login", "cli"),
    Command("images", "List what can be deployed.", "slipstream.cli.nodes:images", "cli"),
    Command("sizes", "List the sizes of machines.", "slipstream.cli.nodes:sizes", "cli"),
    Command("locations", "List the clouds to deploy on.", "slipstream.cli.nodes:locations", "cli"),
    Command("keys", "List the SSH keys.", "slipstream.cli.nodes:keys", "cli"),
    Command("deploy", "Deploy an image.", "slipstream.cli.nodes:deploy", "cli"),
    Command("nodes", "List the deployments.", "slipstream.cli.nodes:nodes", "cli"),
    Command("show", "Show a node and its machines.", "slipstream.cli.nodes:show", "cli"),
    Command("wait", "Wait until a node runs.", "slipstream.cli.nodes:wait", "cli"),
    Command("logs", "Print the logs of a node.", "slipstream.cli.nodes:logs", "cli"),
    Command("destroy", "Destroy a node.", "slipstream.cli.nodes:destroy", "cli"),
)
DEVELOPER_COMMANDS = (
    Command("sandbox", "Run a local server.", "slipstream.cli.sandbox:sandbox", "sandbox"),
    Command("run", "Run a program that knows a driver by name.", "slipstream.cli.run:run"),
    Command("plugins", "List the plugins and their status.", "slipstream.cli.plugins:plugins"),
    Command("record", "Record the scenarios of tests.", "slipstream.cli.record:record"),
    Command("conformance", "Check a libcloud driver.", "slipstream.cli.conformance:conformance"),
)
ALL = (*COMMANDS, *DEVELOPER_COMMANDS)


class Number(FloatParamType):
    """A number from 0 to a limit."""

    def __init__(self, most: float) -> None:
        self.most = most

    def convert(self, value: Any, *context: Any) -> float:
        """Read the number."""
        number: float = super().convert(value, *context)
        if not 0 <= number <= self.most:  # NaN is not
            self.fail(f"{number:g} is not from 0 to {self.most:.0f}.", *context)
        return number


class Commands(click.Group):
    """The subcommands, imported when one is needed."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        command = next((command for command in ALL if command.name == cmd_name), None)
        if command is None:
            return None
        try:
            loaded: click.Command = resolve_name(command.path)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if command.extra is None or missing in {"", "slipstream"}:
                raise
            raise click.UsageError(
                f"{missing} is not installed. {install_hint(command.extra)}",
                click.Context(click.Command(cmd_name), parent=ctx, info_name=cmd_name),
            ) from None
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without importing them."""
        sections = {"Commands": COMMANDS, "Developer commands": DEVELOPER_COMMANDS}
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl([(command.name, command.help) for command in commands])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a subcommand without importing any."""
        commands = [command for command in ALL if command.name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(item.name, help=item.help) for item in commands), *options]


@click.group(NAME, cls=Commands, no_args_is_help=False, invoke_without_command=True)
@click.version_option(VERSION, message="%(version)s")
@click.pass_context
def slipstream(context: click.Context) -> None:
    """Deploy on SlipStream and Nuvla, and tools to develop with them."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    # What a terminal or a pipe cannot print is escaped: printing never ends a command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code: Any = slipstream.main(
            None if arguments is None else list(arguments), prog_name=NAME, standalone_mode=False
        )
    except click.Abort:
        click.echo("", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else NAME
        click.echo(f"{path}: error: {error.format_message()}", err=True)
        return error.exit_code
    except OSError as error:
        # Flushing at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # The reader of a pipe, such as head, has had enough.
        if not isinstance(error, BrokenPipeError):
            with suppress(OSError):
                click.echo(f"{NAME}: error: {error.strerror}", err=True)
        return FAILED
    if callable(code):
        code()
        return 0
    return int(code or 0)
