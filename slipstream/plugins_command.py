"""``slipstream plugins``: which plugins there are, and what became of each."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from slipstream.cli import OneLineParser
from slipstream.errors import PluginError
from slipstream.hookspecs import PROJECT
from slipstream.plugins import Plugins
from slipstream.plugins.loading import PluginInfo, PluginWarning
from slipstream.plugins.named_contributions import Contributions

_COLUMNS = ("NAME", "DISTRIBUTION", "VERSION", "STATUS", "HOOKS", "WHY")
_CELL = 60


def main(arguments: Sequence[str], prog: str) -> int:
    """
    List the plugins that the environment has.

    :param arguments: The command's arguments.
    :param prog: How the command is called.
    :returns: The exit code: 0, or 1 if a plugin is broken or two claim one name.
    """
    options = _parser(prog).parse_args(arguments)
    with warnings.catch_warnings():
        # What the warnings would say is what the list says.
        warnings.simplefilter("ignore", PluginWarning)
        plugins = Plugins(disabled=options.disable)
    found = plugins.list_plugins()
    conflicts = [*_conflicts(plugins.login_methods), *_conflicts(plugins.endpoint_kinds)]
    if options.json:
        print(json.dumps(_document(plugins, conflicts), indent=2))
    else:
        print("\n".join(_table([_COLUMNS, *map(_row, found)])))
        for conflict in conflicts:
            print(f"{prog}: {conflict}", file=sys.stderr)
    return int(bool(conflicts) or any(one.status == "broken" for one in found))


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(prog=prog, description="List the plugins and what became of each.")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--disable", metavar="NAMES", help="leave these out, as SLIPSTREAM_DISABLE_PLUGINS does"
    )
    return parser


def _conflicts(contributions: Contributions[Any]) -> Iterable[str]:
    for name in contributions.names:
        try:
            contributions.get(name)
        except PluginError as error:
            yield str(error)


def _document(plugins: Plugins, conflicts: list[str]) -> dict[str, Any]:
    return {
        "plugins": [
            {
                "name": one.name,
                "distribution": one.distribution,
                "version": one.version,
                "status": one.status,
                "hooks": one.hooks,
                "why": one.reason,
                "built_in": one.built_in,
            }
            for one in plugins.list_plugins()
        ],
        "login_methods": plugins.login_methods.names,
        "endpoint_kinds": plugins.endpoint_kinds.names,
        "conflicts": conflicts,
    }


def _row(one: PluginInfo) -> Sequence[str]:
    hooks = ", ".join(hook.removeprefix(f"{PROJECT}_") for hook in one.hooks)
    return (one.name, one.distribution, one.version, one.status, _short(hooks), one.reason)


def _short(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    lines = [[" ".join(cell.split()) or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
