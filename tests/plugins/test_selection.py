"""Plugins are switched off by environment variable and by argument, before their import."""

from __future__ import annotations

import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from plugin_objects import LOGIN, AddPlugin, Connect

from slipstream.plugins import Plugins, PluginWarning
from slipstream.testing.plugins import using_plugin

BOTH = {"first", "second"}


@pytest.fixture
def modules(add_plugin: AddPlugin) -> dict[str, str]:
    """The modules of two plugins by the plugins' names."""
    return {name: add_plugin(name, LOGIN.format(name)) for name in ("first", "second")}


def loaded(modules: dict[str, str]) -> set[str]:
    return {name for name, module in modules.items() if module in sys.modules}


def test_installed_plugin_under_test_is_loaded_once(modules: dict[str, str]) -> None:
    with using_plugin(import_module(modules["first"])):
        plugins = Plugins()
        assert plugins.login_methods.get("first")
    status = {info.name: (info.status, info.reason) for info in plugins.list_plugins()}
    assert status["first"] == ("disabled", "a test loads it itself")
    assert status["under-test"] == status["second"] == ("active", "")


FIRST_IN_TEXT = ("first", "dist-of-first", "Dist_of.First", "FIRST", ",first,,", " first")
FIRST = (["first"], "first", ("dist-of-first",), " first ,")


@pytest.mark.parametrize(
    ("disable", "allow", "arguments", "expected"),
    [
        (None, None, {}, BOTH),
        *((names, None, {}, {"second"}) for names in FIRST_IN_TEXT),
        (" second, first ", None, {}, set()),
        *((None, None, {"disabled": names}, {"second"}) for names in FIRST),
        ("first", None, {"disabled": ["second"]}, {"first"}),
        ("first,second", None, {"disabled": []}, BOTH),
        (None, "first", {}, {"first"}),
        (None, "dist-of-second", {}, {"second"}),
        (None, "", {}, set()),
        (None, "third", {}, set()),
        (None, "first", {"allowed": ["second"]}, {"second"}),
        (None, None, {"disabled": ["first"], "allowed": ["first", "second"]}, {"second"}),
    ],
)
def test_disabled_plugins_are_not_imported(
    modules: Any, monkeypatch: Any, disable: Any, allow: Any, arguments: Any, expected: set[str]
) -> None:
    for variable, text in (("DISABLE", disable), ("LOAD", allow)):
        if text is not None:
            monkeypatch.setenv(f"SLIPSTREAM_{variable}_PLUGINS", text)
    plugins = Plugins(**arguments)
    assert loaded(modules) == BOTH & set(plugins.login_methods.names) == expected


def test_list_plugins_with_disabled(modules: dict[str, str]) -> None:
    plugins = Plugins(disabled=["first"], allowed=[])
    assert {"internal", "api-key", "cookie-file"} <= set(plugins.login_methods.names)
    statuses = {info.name: (info.status, info.reason) for info in plugins.list_plugins()}
    assert statuses["first"] == ("disabled", "switched off")
    assert statuses["second"] == ("disabled", "not among the plugins to load")


@pytest.mark.parametrize(
    ("variable", "arguments", "expected"),
    [("", {"ex_disable_plugins": ["first"]}, {"second"}), ("second", {}, {"first"})],
)
def test_ex_disable_plugins(
    modules: Any, as_alice: Connect, monkeypatch: Any, variable: str, arguments: Any, expected: Any
) -> None:
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", variable)
    as_alice(**arguments)
    assert loaded(modules) == expected


def test_leftovers_of_removed_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone-1.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[slipstream]\ngone = module_that_is_gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(RuntimeWarning, match="'gone' of an unknown distribution is left out"):
        Plugins()


def test_unknown_name_to_disable(modules: dict[str, str]) -> None:
    with pytest.warns(PluginWarning, match="no plugin 'frist' to leave out; did you mean 'first'"):
        plugins = Plugins(disabled=["frist"])
    assert len(plugins.problems) == 1


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("slipstream_libcloud_driver<0.2", r"'old' of dist-of-old 1.0 needs .*<0.2, and 1\."),
        ("SlipStream.libcloud-driver>=99", r"'old' of dist-of-old 1.0 needs .*>=99, and 1\."),
        ("slipstream-libcloud-driver<0.2; extra == 'old'", None),
        ("slipstream-libcloud-driver>=0.2", None),
        ("slipstream-libcloud-driver (>=1.0", None),  # it cannot be read
    ],
)
def test_unmet_requirement(
    add_plugin: AddPlugin, tmp_path: Path, requirement: str, problem: str | None
) -> None:
    add_plugin("old", LOGIN.format("old"), distribution="dist-of-old")
    metadata = tmp_path / "dist-of-old" / "dist_of_old-1.0.dist-info" / "METADATA"
    metadata.write_text(f"{metadata.read_text()}Requires-Dist: {requirement}\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plugins = Plugins()
    assert [str(warning.message) for warning in caught] == list(plugins.problems)
    assert [bool(re.search(problem or "", text)) for text in plugins.problems] == (
        [True] if problem else []
    )
