"""Print resources: as JSON, as a table, or one by its fields."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

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
