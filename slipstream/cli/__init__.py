"""The command ``slipstream``: one module for each subcommand, with its arguments and printing."""

from slipstream.cli.app import COMMANDS, Command, main, slipstream

__all__ = ["COMMANDS", "Command", "main", "slipstream"]
