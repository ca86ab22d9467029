"""The command ``slipstream``: one module for each subcommand, with its arguments and printing."""

from slipstream.cli.app import ALL, Command, main, slipstream

__all__ = ["ALL", "Command", "main", "slipstream"]
