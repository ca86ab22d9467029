"""The files of a new plugin: a distribution with tests that pass at once."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import click

from slipstream.plugins import default_plugins
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
        raise click.UsageError(f"There is no template {sort!r}: use one of {', '.join(SORTS)}.")
    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be the name of a plugin: use lower-case words joined by hyphens."
        )
    plugins = default_plugins()
    for contribution in (*plugins.endpoint_kinds, *plugins.login_methods):
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
