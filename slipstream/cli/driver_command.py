"""The options, errors and look-ups of commands with a driver, and printing."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from libcloud.compute.base import Node
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from slipstream.cli.app import FAILED, WRONG_USAGE
from slipstream.errors import (
    BadInput,
    DriverError,
    InvalidCredentials,
    NotFound,
    UnknownName,
    WaitTimeout,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.values.plain import safe_text

ATTRIBUTES = (
    *("id", "name", "state", "public_ips", "private_ips", "ram", "disk", "price", "country"),
    *("fingerprint", "public_key", "created_at", "extra"),
)
"""The attributes of libcloud's classes that JSON has; a private key is not among them."""

_WIDE = 10_000


def document(resource: Any) -> dict[str, Any]:
    """A resource as a document for JSON."""
    return {name: getattr(resource, name) for name in ATTRIBUTES if hasattr(resource, name)}


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def print_table(
    columns: Sequence[str], rows: Iterable[Iterable[object]], *, unfolded: int = 0
) -> None:
    """Print a table that fits a terminal, with one column whole; a pipe gets whole rows."""
    headers = [Column(name, overflow="fold") for name in columns]
    headers[unfolded].no_wrap = True
    table = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(safe_text(_cell(value))) for value in row))
    _print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, without those that are empty."""
    table = Table(Column(style="bold"), Column(overflow="fold"), box=None, pad_edge=False)
    table.show_header = False
    for name, value in fields.items():
        if _cell(value):
            table.add_row(name.replace("_", " "), Text(safe_text(_cell(value))))
    _print(table)


def _print(table: Table) -> None:
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    console = Console(width=None if is_terminal else _WIDE)
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" if text else name for name, text in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else str(value)


_EXIT_CODES: dict[type[DriverError], int] = {
    BadInput: WRONG_USAGE,
    InvalidCredentials: 3,
    WaitTimeout: 4,
    DriverError: FAILED,
}


def driver_command(function: Callable[..., None]) -> click.Command:
    """Make a command of a function that takes a driver, and whether to print JSON."""

    @click.option("--profile", metavar="NAME", help="A profile of the configuration file.")
    @click.option("--endpoint", metavar="URL", help="Another server than that of the profile.")
    @click.option(
        "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
    )
    @functools.wraps(function)
    def run(profile: str | None, endpoint: str | None, output: str, **arguments: Any) -> None:
        options = {} if endpoint is None else {"ex_endpoint": endpoint}
        try:
            with Driver.ex_from_profile(profile, **options) as driver:
                function(driver, output == "json", **arguments)
        except DriverError as error:
            failure = click.UsageError(str(error), click.get_current_context())
            codes = (code for cls, code in _EXIT_CODES.items() if isinstance(error, cls))
            failure.exit_code = next(codes)  # type: ignore[misc]  # click's are fixed for a class
            raise failure from None

    return click.command()(run)


def find_node(driver: Driver, text: str) -> Node:
    """Find a node by its id, or an active one by its name."""
    try:
        return driver.ex_get_node(text)
    except (NotFound, BadInput):
        return driver.ex_find_node(text)


def short_id(resource: Any) -> str:
    """The id without the kind before it, which is the same for all in a list."""
    return str(resource.id).rpartition("/")[2]


def find(resources: Iterable[Any], what: str, text: str | None) -> Any:
    """Find a resource by its name, its id, or the last part of the id, as in tables."""
    if text is None:
        return None
    listed = list(resources)
    for resource in listed:
        if text in {resource.name, resource.id, short_id(resource)}:
            return resource
    raise UnknownName(what, text, [str(resource.name) for resource in listed])
