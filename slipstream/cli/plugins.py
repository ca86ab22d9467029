"""``slipstream plugins``: the installed plugins, and the status of each."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import click

from slipstream.errors import PluginFailed
from slipstream.hookspecs import PROJECT
from slipstream.plugins import Plugins
from slipstream.plugins.loading import PluginInfo, PluginWarning
from slipstream.plugins.named_contributions import Contributions

_COLUMNS = ("NAME", "DISTRIBUTION", "VERSION", "STATUS", "HOOKS", "WHY")
_WIDEST = 60


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--disable", metavar="NAMES", help="Leave these out, as SLIPSTREAM_DISABLE_PLUGINS does."
)
@click.pass_context
def plugins(context: click.Context, as_json: bool, disable: str | None) -> int:
    """List the plugins and their status: 1 if one is broken or two claim one name."""
    with warnings.catch_warnings():
        # The list says what the warnings would say.
        warnings.simplefilter("ignore", PluginWarning)
        registry = Plugins(disabled=disable)
    infos = registry.list_plugins()
    conflicts = [
        *_conflicts(registry.login_methods),
        *_conflicts(registry.endpoint_kinds),
        *registry.problems,
    ]
    if as_json:
        document = {
            "plugins": [_document(info) for info in infos],
            "login_methods": registry.login_methods.names,
            "endpoint_kinds": registry.endpoint_kinds.names,
            "conflicts": conflicts,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo("\n".join(_table([_COLUMNS, *map(_row, infos)])))
        for conflict in conflicts:
            click.echo(f"{context.command_path}: {conflict}", err=True)
    return int(bool(conflicts) or any(info.status == "broken" for info in infos))


def _conflicts(contributions: Contributions[Any]) -> Iterable[str]:
    for name in contributions.names:
        try:
            contributions.get(name)
        except PluginFailed as error:
            yield str(error)


def _document(info: PluginInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "distribution": info.distribution,
        "version": info.version,
        "status": info.status,
        "hooks": info.hooks,
        "why": info.reason,
        "built_in": info.built_in,
    }


def _row(info: PluginInfo) -> Sequence[str]:
    hooks = ", ".join(hook.removeprefix(f"{PROJECT}_") for hook in info.hooks)
    if len(hooks) > _WIDEST:
        hooks = f"{hooks[: _WIDEST - 3]}..."
    return (info.name, info.distribution, info.version, info.status, hooks, info.reason)


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    lines = [[" ".join(cell.split()) or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
