"""The layout of the package: which folder may know which, no circle, and nothing optional."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "slipstream"
LONGEST = 700
WHOLE = {"slipstream.libcloud.driver"}
"""A driver is one class in one file, most of it the documentation of its methods."""
BELOW_BACKENDS = {"errors", "values", "filters", "transport", "session", "hookspecs"}
ALLOWED: Mapping[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "filters": set(),
    "conformance": set(),
    "values": {"errors"},
    "redaction": {"errors", "values"},
    "transport": {"errors", "values", "redaction", "version"},
    "session": {"errors", "values", "redaction", "transport"},
    "hookspecs": {"errors", "values", "transport", "session"},
    "plugins": {"errors", "values", "version", "transport", "session", "hookspecs"},
    "backends": {*BELOW_BACKENDS, "backends.slipstream", "backends.nuvla"},
    "backends.slipstream": {*BELOW_BACKENDS, "backends"},
    "backends.nuvla": {*BELOW_BACKENDS, "backends"},
    "libcloud": {
        *("errors", "version", "values", "transport"),
        *("session", "hookspecs", "plugins"),
    },
    "sandbox": {"values", "filters"},
    "testing": {
        *("errors", "values", "redaction", "transport", "session", "hookspecs", "plugins"),
        *("libcloud", "conformance", "sandbox"),
    },
    "cli": {
        *("errors", "version", "values", "hookspecs", "plugins", "libcloud"),
        *("conformance", "sandbox", "testing"),
    },
    "__main__": {"cli", "version"},
    "": {"version", "values", "transport", "session", "hookspecs"},
}
"""What each folder, and each module beside the folders, may know; the families are two folders."""
FOR_TESTS = {"conformance", "sandbox", "testing"}
"""The folders that are beside the others in the picture."""
REGISTERED = {("plugins", f"backends{family}") for family in ("", ".slipstream", ".nuvla")}
"""Folders that know another one by the names of its modules alone."""
OPTIONAL: Mapping[str, set[str]] = {
    "cli": {"click", "pytest", "rich"},
    "sandbox": {"flask", "jinja2", "jwt", "markupsafe", "pyotp", "werkzeug", "yaml"},
    "testing": {"pyotp", "pytest", "vcr", "yaml"},
}
"""What an extra installs, and the folder that may need it."""
LIBCLOUD = {"libcloud", "cli", "conformance", "testing"}
"""The folders that know libcloud; the others know its exceptions."""
SERVER_WORDS = re.compile(
    r"""(^|[\s"'(])/?(run|api|module|user|appstore|vms|auth|session)/
    |(^|[\s"'(])/(run|api|module|user|appstore|vms|auth|session)\b
    |^(parameter--|cloudservice|service-offer|refqname|bypass-ssh-check|max-provisioning-failures
       |ss:|machine:|General\.|\$filter|activeOnly|ignoreabort|keep-running$|mutable$)""",
    re.VERBOSE,
)

Sources = Mapping[str, str]
"""The text of each module, by its name."""
Check = Callable[[Sources], list[str]]


def read_sources() -> Sources:
    sources = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text("utf-8")
    return sources


SOURCES = read_sources()
parse = cache(ast.parse)


@cache
def imports(source: str) -> tuple[str, ...]:
    """The names that a module imports: when it is loaded, later, or for types only."""
    names: list[str] = []
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import of {node.module}"
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


@cache
def texts(source: str) -> tuple[str, ...]:
    """The texts of a module that are no documentation."""
    tree = parse(source)
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    constants = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in documentation
    )
    return tuple(
        value.decode("latin-1") if isinstance(value, bytes) else value
        for value in constants
        if isinstance(value, str | bytes)
    )


def folder(module: str) -> str:
    parts = module.split(".")[1:3]
    return ".".join(parts) if ".".join(parts) in ALLOWED else "".join(parts[:1])


def graph(sources: Sources) -> dict[str, set[str]]:
    """The modules of the package that each of them imports."""
    arrows: dict[str, set[str]] = {}
    for name, source in sources.items():
        arrows[name] = set()
        for imported in imports(source):
            module = imported
            while module and module not in sources:
                module = module.rpartition(".")[0]
            if module and module != name:
                arrows[name].add(module)
    return arrows


def forbidden_imports(sources: Sources) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, arrows in graph(sources).items()
        for imported in arrows
        if folder(imported) not in {folder(name), *ALLOWED[folder(name)]}
    ]


def forbidden_names(sources: Sources) -> list[str]:
    """Modules named in texts, by which they could be imported."""
    return [
        f"{name} names {module}"
        for name, source in sources.items()
        for text in texts(source)
        if (module := text.partition(":")[0]) in sources.keys() - {"slipstream"}
        and folder(module) not in {folder(name), *ALLOWED[folder(name)]}
        and (folder(name), folder(module)) not in REGISTERED
    ]


def circles(sources: Sources) -> list[str]:
    try:
        TopologicalSorter(graph(sources)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@cache
def required() -> set[str]:
    """What is installed with the package, by the names to import."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = (re.split(r"[<>=]", line)[0] for line in project["dependencies"])
    return {name.removeprefix("apache-") for name in names}


def forbidden_packages(sources: Sources) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, source in sources.items()
        for imported in imports(source)
        if (package := imported.partition(".")[0])
        not in {"slipstream", *sys.stdlib_module_names, *required()}
        and package not in OPTIONAL.get(folder(name), ())
    ]


@cache
def is_exception(imported: str) -> bool:
    module, _, name = imported.rpartition(".")
    cls = getattr(import_module(module), name, None) if module else None
    return isinstance(cls, type) and issubclass(cls, Exception)


def libcloud_below_the_driver(sources: Sources) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, source in sources.items()
        if folder(name) not in LIBCLOUD
        for imported in imports(source)
        if imported.partition(".")[0] == "libcloud" and not is_exception(imported)
    ]


def servers_words_in_the_driver(sources: Sources) -> list[str]:
    return [
        f"{name}: {text!r}"
        for name, source in sources.items()
        if folder(name) == "libcloud"
        for text in texts(source)
        if SERVER_WORDS.search(text)
    ]


def hooks_called_outside_of_plugins(sources: Sources) -> list[str]:
    return [
        name
        for name, source in sources.items()
        # pytest's own hooks are no plugin's of ours.
        if folder(name) not in {"plugins", "testing"} and re.search(r"\.hook\b", source)
    ]


CHECKS: tuple[Check, ...] = (
    forbidden_imports,
    forbidden_names,
    circles,
    forbidden_packages,
    libcloud_below_the_driver,
    servers_words_in_the_driver,
    hooks_called_outside_of_plugins,
)


@pytest.mark.parametrize("check", CHECKS)
def test_the_package_keeps_to_its_layout(check: Check) -> None:
    assert check(SOURCES) == []


TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from slipstream."
VIOLATIONS: list[tuple[Check, str, str]] = [
    (forbidden_imports, "libcloud.convert", "from slipstream.backends.nuvla.backend import Nuvla"),
    (forbidden_imports, "libcloud.convert", "def f():\n    import slipstream.backends.cimi"),
    (forbidden_imports, "values.fields", "from slipstream.transport import Transport"),
    (forbidden_imports, "values.fields", "from slipstream import Session"),
    (forbidden_imports, "sandbox.store", "from slipstream.session import Session"),
    (forbidden_imports, "conformance.methods", "import slipstream.libcloud.compute_driver"),
    (forbidden_names, "libcloud.convert", "MODULE = 'slipstream.backends.nuvla.backend:Nuvla'"),
    (circles, "libcloud.convert", "from slipstream.libcloud.arguments import tags"),
    (circles, "transport.calls", f"{TYPES}transport.client import Transport"),
    (circles, "backends.cimi", f"{TYPES}backends.nuvla import Nuvla"),
    (forbidden_packages, "libcloud.progress", "from rich.console import Console"),
    (forbidden_packages, "cli.nodes", "def f():\n    import flask"),
    (forbidden_packages, "libcloud.ssh_setup", "import paramiko"),
    (forbidden_packages, "values.fields", "import numpy"),
    (libcloud_below_the_driver, "session.session", "import libcloud"),
    (libcloud_below_the_driver, "session.session", "from libcloud.compute.types import NodeState"),
    (forbidden_imports, "backends.nuvla.modules", "import slipstream.backends.slipstream.runs"),
    (servers_words_in_the_driver, "libcloud.convert", "PATH = f'/run/{PATH}'"),
    (servers_words_in_the_driver, "libcloud.convert", "PATH = 'api/session'"),
    (servers_words_in_the_driver, "libcloud.convert", "PATH = b'/module'"),
    (hooks_called_outside_of_plugins, "libcloud.driver", "manager.hook.slipstream_deploy()"),
]


@pytest.mark.parametrize(("check", "module", "line"), VIOLATIONS)
def test_a_violation_of_the_layout_is_found(check: Check, module: str, line: str) -> None:
    name = f"slipstream.{module}"
    violations = check({**SOURCES, name: f"{SOURCES[name]}\n{line}\n"})
    assert any(name in violation for violation in violations)


def test_the_picture_has_every_folder_above_those_that_it_may_know() -> None:
    assert {folder(name) for name in SOURCES} == ALLOWED.keys()
    folders = {name for name in ALLOWED if "." not in name}
    picture = (ROOT / "docs/explanation/architecture.svg").read_text("utf-8")
    boxes = re.findall(r'y="(\d+)" class="name">(\w+)', picture)
    heights = {name: int(y) for y, name in boxes}
    assert heights.keys() == folders - {"", "__main__", "version"}
    for name in heights.keys() - FOR_TESTS:
        for other in ALLOWED[name] & heights.keys():
            assert heights[other] >= heights[name], f"{name} may import {other}"


def test_a_module_says_what_it_is_for_and_can_be_read_in_one_sitting() -> None:
    for name, source in SOURCES.items():
        assert len(source.splitlines()) <= LONGEST or name in WHOLE, name
        assert not source or ast.get_docstring(parse(source)), name
