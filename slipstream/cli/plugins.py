"""``slipstream plugins``: the installed plugins, their status, and the files of a new one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path
from typing import Any, cast

import click
from libcloud.compute.providers import DRIVERS

from slipstream.cli.printing import print_fields, print_json, print_table
from slipstream.errors import PluginFailed, UnknownName, shorten
from slipstream.hookspecs import PROJECT, EndpointKind
from slipstream.libcloud import PROVIDERS
from slipstream.plugins import Plugins, default_plugins
from slipstream.plugins.loading import (
    CONTRIBUTIONS,
    Contribution,
    Contributions,
    PluginInfo,
    PluginWarning,
    requirements,
)
from slipstream.version import VERSION

SORTS = ("login", "kind", "backend", "wrapper")
"""What can be written."""

_PROVIDERS = """
[project.entry-points."slipstream.providers"]
{name} = "{module}"
"""
"""What makes ``get_driver`` find the driver of a kind of endpoint."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write(sort: str, name: str, folder: Path) -> Path:
    """Write the distribution of a new plugin."""
    if sort not in SORTS:
        raise click.UsageError(f"Unknown template {sort!r}: use one of {', '.join(SORTS)}.")
    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be the name of a plugin: use lower-case words joined by hyphens."
        )
    plugins = default_plugins()
    contributions: list[Contribution[Any]] = [*plugins.endpoint_kinds, *plugins.login_methods]
    for contribution in contributions:
        if contribution.record.name == name and contribution.plugin.built_in:
            raise click.UsageError(
                f"{name!r} is the name of something that comes with the package."
            )
    module, target = f"slipstream_{name.replace('-', '_')}", folder / f"slipstream-{name}"
    if target.exists():
        raise click.UsageError(f"{target} exists already.")
    class_name = "".join(word.title() for word in name.split("-"))
    words = {"NAME": name, "MODULE": module, "CLASS": class_name, "VERSION": VERSION}
    words |= {"DEPENDENCIES": "", "PROVIDERS": ""}
    if sort == "backend":
        words["DEPENDENCIES"] = ', "attrs"'
        words["PROVIDERS"] = _PROVIDERS.format(name=name, module=module)
    files = {
        "pyproject.toml": "pyproject.toml",
        f"{module}.py": f"{sort}.py",
        "tests/conftest.py": "conftest.py",
        f"tests/test_{module}.py": f"test_{sort}.py",
    }
    templates = resources.files("slipstream.cli") / "templates"
    for path, template in files.items():
        text = (templates / f"{template}.txt").read_text("utf-8")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        filled = re.sub("|".join(words), lambda match: words[match[0]], text)
        (target / path).write_text(filled, "utf-8")
    return target


_COLUMNS = ("NAME", "DISTRIBUTION", "VERSION", "STATUS", "HOOKS", "WHY")
_WIDEST = 60


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--disable", metavar="NAMES", help="Leave these out, as SLIPSTREAM_DISABLE_PLUGINS does."
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where 'new' writes; here when left out.",
)
@click.argument("words", nargs=-1, metavar="[NAME | new login|kind|backend|wrapper NAME]")
@click.pass_context
def plugins(
    context: click.Context,
    as_json: bool,
    disable: str | None,
    directory: Path,
    words: tuple[str, ...],
) -> int:
    """
    List the plugins and their status: 1 if one is broken or two claim one name.

    With NAME, show all of that plugin: what it contributes, answers, wraps and requires. With
    'new', write a distribution with a plugin and its tests.
    """
    if words[:1] == ("new",):
        if len(words) != 3:
            raise click.UsageError(f"Write: plugins new {'|'.join(SORTS)} NAME")
        click.echo(f"Wrote {write(words[1], words[2], directory)}; run pytest there.")
        return 0
    if len(words) > 1:
        raise click.UsageError("Give one NAME.")
    with warnings.catch_warnings():
        # The list says what the warnings would say.
        warnings.simplefilter("ignore", PluginWarning)
        registry = Plugins(disabled=disable)
    infos = registry.list_plugins()
    if words:
        infos = tuple(i for i in infos if words[0] in {i.name, i.distribution})
        if not infos:
            names = [info.name for info in registry.list_plugins()]
            raise click.UsageError(UnknownName("plugin", words[0], names).summary)
    conflicts = [
        *_conflicts(registry.login_methods),
        *_conflicts(registry.endpoint_kinds),
        *registry.problems,
    ]
    if as_json:
        fields = ("name", "distribution", "version", "status", "hooks", "built_in")
        document = {
            "plugins": [
                {name: getattr(info, name) for name in fields}
                | {"why": info.reason, **(_details(registry, info) if words else {})}
                for info in infos
            ],
            "login_methods": registry.login_methods.names,
            "endpoint_kinds": registry.endpoint_kinds.names,
            "conflicts": conflicts,
        }
        print_json(document)
    elif words:
        for info in infos:
            _print_details(info, _details(registry, info))
    else:
        print_table(_COLUMNS, map(_row, infos))
        for conflict in conflicts:
            click.echo(f"{context.command_path}: {conflict}", err=True)
    return int(bool(conflicts) or any(info.status == "broken" for info in infos))


def _details(registry: Plugins, info: PluginInfo) -> dict[str, Any]:
    """The details of one plugin."""
    methods = [c.record for c in registry.login_methods if c.plugin == info]
    kinds = [c.record for c in registry.endpoint_kinds if c.plugin == info]
    return {
        "login_methods": {method.name: method.description for method in methods},
        "endpoint_kinds": {kind.name: kind.description for kind in kinds},
        "backends": {
            kind.name: f"{kind.backend.__module__}.{kind.backend.__qualname__}" for kind in kinds
        },
        "drivers": {kind.name: _driver(kind, info) for kind in kinds},
        "hosts": sorted(host for kind in kinds for host in kind.hosts),
        "answers": [_short(hook) for hook in info.hooks if hook in CONTRIBUTIONS],
        "wraps": {
            _short(hook): [wrapper.name for wrapper in registry.wrappers(hook)]
            for hook in info.hooks
            if hook not in CONTRIBUTIONS
        },
        "requires": {
            str(requirement): "met" if met else f"not met by {VERSION}"
            for requirement, met in requirements(info)
        },
    }


def _driver(kind: EndpointKind, info: PluginInfo) -> str:
    """Whether libcloud finds a driver by the name of a kind."""
    driver = cast(dict[str, tuple[str, str]], DRIVERS).get(kind.name)
    if driver is not None and not driver[0].startswith("slipstream.libcloud."):
        return "get_driver finds another one of this name"
    if info.built_in:
        return "get_driver finds it" if driver else "none"
    if kind.name not in {point.name for point in metadata.entry_points(group=PROVIDERS)}:
        return f"none (no entry point in {PROVIDERS})"
    return "get_driver finds it" if kind.endpoint else "get_driver finds it, and needs ex_endpoint"


def _print_details(info: PluginInfo, details: dict[str, Any]) -> None:
    source = f"{info.distribution} {info.version}".strip()
    click.echo(f"{info.name}, by {source}: {info.status}")
    wraps = {
        f"{hook} (outermost first: {', '.join(names)})": ""
        for hook, names in details["wraps"].items()
    }
    print_fields({"why": info.reason, **details, "wraps": wraps})


def _short(hook: str) -> str:
    return hook.removeprefix(f"{PROJECT}_")


def _conflicts(contributions: Contributions[Any]) -> Iterable[str]:
    for name in contributions.names:
        try:
            contributions.get(name)
        except PluginFailed as error:
            yield str(error)


def _row(info: PluginInfo) -> Iterable[str]:
    hooks = shorten(", ".join(map(_short, info.hooks)), _WIDEST)
    cells = (info.name, info.distribution, info.version, info.status, hooks, info.reason)
    return (" ".join(cell.split()) or "-" for cell in cells)
