"""The layout of the package: which folder may know which, no circle, and nothing optional."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "slipstream"
LONGEST = 700
WHOLE = {"slipstream.libcloud.driver"}
"""A driver is one class in one file, most of it the documentation of its methods."""
ALLOWED: Mapping[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "environment": set(),
    "filters": set(),
    "conformance": set(),
    "values": {"errors"},
    "redaction": {"errors", "values"},
    "transport": {"errors", "values", "redaction", "version"},
    "session": {"errors", "values", "redaction", "transport"},
    "hookspecs": {"errors", "values", "transport", "session"},
    "plugins": {"errors", "values", "version", "transport", "session", "hookspecs"},
    "backends": {"errors", "values", "filters", "transport", "session", "hookspecs"},
    "libcloud": {
        *("errors", "version", "environment", "values", "transport"),
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
    "": {"environment", "version", "values", "transport", "session", "hookspecs"},
}
"""What each folder, and each module beside the folders, may know of the package."""
EXCEPTIONS = {"libcloud.common.exceptions", "libcloud.common.types", "libcloud.compute.types"}
OPTIONAL = {
    "cli": {"click", "rich", "pytest"},
    "sandbox": {"flask", "jwt", "pyotp", "werkzeug", "yaml"},
    "testing": {"pytest", "vcr", "yaml", "hypothesis", "_pytest", "pyotp"},
}
"""What only one folder may need."""
SERVER_WORDS = re.compile(
    r"""(^|[\s"'(])/(run|api|module|user|appstore|vms|auth|session)\b
    |^(parameter--|cloudservice|service-offer|refqname|bypass-ssh-check|max-provisioning-failures
       |ss:|machine:|General\.|\$filter|activeOnly|ignoreabort|keep-running$|mutable$)""",
    re.VERBOSE,
)

Modules = Mapping[str, Path]


def read_modules(package: Path) -> Modules:
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


parse = cache(ast.parse)


@cache
def imports_of(source: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import of {node.module}"
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return names


def imports(path: Path) -> list[str]:
    """The names that a module imports, when it is loaded, later, or for types only."""
    return imports_of(path.read_text("utf-8"))


def graph(modules: Modules) -> dict[str, set[str]]:
    """The modules of the package that each of them imports."""
    arrows: dict[str, set[str]] = {}
    for name, path in modules.items():
        arrows[name] = set()
        for imported in imports(path):
            module = imported
            while module and module not in modules:
                module = module.rpartition(".")[0]
            if module and module != name:
                arrows[name].add(module)
    return arrows


def folder(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def forbidden_imports(modules: Modules) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, arrows in graph(modules).items()
        for imported in arrows
        if folder(imported) not in {folder(name), *ALLOWED[folder(name)]}
    ]


def circle(modules: Modules) -> list[str]:
    try:
        TopologicalSorter(graph(modules)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


MODULES = read_modules(PACKAGE)


def test_imports_flow_one_way_between_the_folders() -> None:
    assert forbidden_imports(MODULES) == []


def test_no_module_imports_itself_on_a_detour() -> None:
    assert circle(MODULES) == []


@pytest.mark.parametrize(
    "line",
    ["from slipstream.hookspecs import Backend", "import slipstream.libcloud.compute_driver"],
)
def test_a_forbidden_import_is_found(line: str, tmp_path: Path) -> None:
    package = tmp_path / "slipstream"
    for name, path in MODULES.items():
        copy = package / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        extra = f"\n{line}\n" if name == "slipstream.transport.messages" else ""
        copy.write_text(path.read_text("utf-8") + extra, "utf-8")
    modules = read_modules(package)
    assert any(
        "slipstream.transport.messages imports" in text for text in forbidden_imports(modules)
    )
    assert circle(modules) != []


def test_below_the_driver_nothing_of_libcloud_is_known_but_its_exceptions() -> None:
    others = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if folder(name) not in {"libcloud", "cli", "conformance"}
        for imported in imports(path)
        if imported.startswith("libcloud.")
        and not imported.startswith(tuple(f"{module}." for module in EXCEPTIONS))
        # The replay kit keeps libcloud's own pauses from taking time.
        and name != "slipstream.testing.offline"
    ]
    assert others == []


def test_server_families_know_nothing_of_each_other() -> None:
    families = ("slipstream.backends.slipstream", "slipstream.backends.nuvla")
    for family, other in (families, families[::-1]):
        paths = [path for name, path in MODULES.items() if name.startswith(family)]
        assert not [name for path in paths for name in imports(path) if name.startswith(other)]


@pytest.mark.parametrize("part", OPTIONAL)
def test_nothing_that_users_import_needs_an_extra(part: str) -> None:
    assert not [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if folder(name) not in OPTIONAL
        for imported in imports(path)
        if imported.partition(".")[0] in OPTIONAL[part]
    ]


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that are no documentation."""
    tree = parse(path.read_text("utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str):
            yield node.value


def test_the_driver_names_no_path_and_no_parameter_of_a_server() -> None:
    assert not [
        f"{name}: {text!r}"
        for name, path in MODULES.items()
        if folder(name) == "libcloud"
        for text in texts(path)
        if SERVER_WORDS.search(text)
    ]


def test_only_the_plugins_folder_touches_the_hooks_of_a_plugin_manager() -> None:
    assert not [
        name
        for name, path in MODULES.items()
        if folder(name) != "plugins" and re.search(r"_manager\.hook\b", path.read_text("utf-8"))
    ]


def test_a_module_says_what_it_is_for_and_can_be_read_in_one_sitting() -> None:
    for name, path in MODULES.items():
        source = path.read_text("utf-8")
        assert len(source.splitlines()) <= LONGEST or name in WHOLE, name
        assert not source or ast.get_docstring(parse(source)), name
