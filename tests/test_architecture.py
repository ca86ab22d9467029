from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "slipstream"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 700
WHOLE = {"slipstream.libcloud.compute_driver"}
"""A driver is one class in one file, most of it the documentation of its methods."""
OPTIONAL = {
    "slipstream/cli": {"click", "rich", "pytest"},
    "slipstream/sandbox": {"flask", "jwt", "pyotp", "werkzeug", "yaml"},
    "slipstream/testing": {"pytest", "vcr", "yaml", "hypothesis", "_pytest"},
}
SERVER_WORDS = re.compile(
    r"""(^|[\s"'(])/(run|api|module|user|appstore|vms|auth|session)\b
    |^(parameter--|cloudservice|service-offer|refqname|bypass-ssh-check|max-provisioning-failures
       |ss:|machine:|General\.|\$filter|activeOnly|ignoreabort|keep-running$|mutable$)""",
    re.VERBOSE,
)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports, when it is loaded or later."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(folder: str) -> list[Path]:
    return [path for path in MODULES if name_of(path).startswith(f"slipstream.{folder}")]


def inside(name: str, *packages: str) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def wrong(paths: list[Path], *forbidden: str, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name_of(path)} imports {name}"
        for path in paths
        for name in imports(path)
        if inside(name, *forbidden) and not inside(name, *but)
    ]


CORE = [
    path
    for path in MODULES
    if not inside(
        name_of(path),
        *(
            f"slipstream.{part}"
            for part in ("libcloud", "conformance", "sandbox", "testing", "cli")
        ),
    )
]


EXCEPTIONS = {
    "libcloud.common.exceptions": ("BaseHTTPError", "RateLimitReachedError"),
    "libcloud.common.types": (
        "InvalidCredsError",
        "LibcloudError",
        "MalformedResponseError",
        "ProviderError",
        "ServiceUnavailableError",
    ),
    "libcloud.compute.types": ("DeploymentError", "KeyPairDoesNotExistError", "KeyPairError"),
}


def test_below_the_driver_only_the_exceptions_know_libcloud() -> None:
    allowed = tuple(f"{module}.{name}" for module in EXCEPTIONS for name in EXCEPTIONS[module])
    exceptions = [path for path in CORE if name_of(path) == "slipstream.errors"]
    assert wrong(exceptions, "libcloud", "slipstream.libcloud", but=allowed) == []
    others = [path for path in CORE if path not in exceptions]
    assert wrong(others, "libcloud", "slipstream.libcloud") == []


def test_the_driver_knows_no_server_family() -> None:
    assert wrong(below("libcloud"), "slipstream.backends") == []


def test_the_core_knows_no_server_family() -> None:
    core = [path for path in CORE if not inside(name_of(path), "slipstream.backends")]
    assert wrong(core, "slipstream.backends") == []


def test_server_families_know_nothing_of_each_other() -> None:
    families = {"slipstream", "nuvla"}
    for family in families:
        others = [f"slipstream.backends.{other}" for other in families - {family}]
        assert wrong(below(f"backends.{family}"), *others) == []


LOWEST: dict[str, tuple[str, ...]] = {
    "transport": ("values", "errors", "forking", "redaction"),
    "redaction": ("values", "errors"),
    "values": ("errors",),
    "forking": (),
    "errors": (),
}
"""The modules and folders at the bottom, and what else of the package each may know."""


@pytest.mark.parametrize("part", LOWEST)
def test_the_lowest_parts_know_no_resource_and_no_plugin(part: str) -> None:
    known = [f"slipstream.{other}" for other in (part, *LOWEST[part], "version", "VERSION")]
    paths = [path for path in MODULES if inside(name_of(path), f"slipstream.{part}")]
    assert paths
    assert wrong(paths, "slipstream", but=tuple(known)) == []


@pytest.mark.parametrize("part", ["cli", "sandbox", "testing"])
def test_nothing_that_users_import_needs_an_extra(part: str) -> None:
    extra = OPTIONAL[f"slipstream/{part}"]
    for path in MODULES:
        folder = "/".join(path.relative_to(PACKAGE.parent).parts[:2])
        if folder != f"slipstream/{part}":
            assert wrong([path], *(extra - OPTIONAL.get(folder, set()))) == []


def test_the_driver_does_not_import_the_sandbox_or_the_testing_kit() -> None:
    above = ("slipstream.cli", "slipstream.sandbox", "slipstream.testing")
    paths = [path for path in MODULES if not inside(name_of(path), *above)]
    assert wrong(paths, "slipstream.sandbox", "slipstream.testing") == []


def test_nothing_imports_the_command() -> None:
    paths = [path for path in MODULES if not inside(name_of(path), "slipstream.cli")]
    assert wrong(paths, "slipstream.cli") == ["slipstream.__main__ imports slipstream.cli"]


def test_the_sandbox_does_not_lean_on_what_it_is_there_to_try() -> None:
    tried = ["slipstream.libcloud", "slipstream.backends", "slipstream.session", "libcloud"]
    assert wrong(below("sandbox"), *tried, "slipstream.transport", "requests") == []


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that are no documentation."""
    tree = ast.parse(path.read_text("utf-8"))
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
    found = [
        f"{name_of(path)}: {text!r}"
        for path in below("libcloud")
        for text in texts(path)
        if SERVER_WORDS.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_one_reason_to_exist_and_says_it(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= LONGEST or name_of(path) in WHOLE
    assert not source or ast.get_docstring(ast.parse(source))
