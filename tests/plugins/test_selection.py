"""Plugins are switched off by environment variable and by argument, before their import."""

from __future__ import annotations

import re
import sys
import warnings

import pytest

from slipstream.plugins import Plugins, PluginWarning
from slipstream.testing.plugins import using_plugin

PLUGIN = """
@hookimpl
def slipstream_login_methods():
    return [LoginMethod(name="{}", authenticate=print)]
"""


@pytest.fixture
def modules(add_plugin):
    """The modules of two plugins by the plugins' names."""
    return {name: add_plugin(name, PLUGIN.format(name)) for name in ("first", "second")}


def test_a_plugin_that_a_test_loads_is_not_loaded_again_where_it_is_installed(modules):
    from importlib import import_module

    with using_plugin(import_module(modules["first"])):
        plugins = Plugins()
        assert plugins.login_methods.get("first")
    status = {info.name: (info.status, info.reason) for info in plugins.list_plugins()}
    assert status["first"] == ("disabled", "a test loads it itself")
    assert status["under-test"] == status["second"] == ("active", "")


def loaded(modules):
    return {name for name, module in modules.items() if module in sys.modules}


def test_plugins_are_loaded_when_nobody_objects(modules):
    Plugins()
    assert loaded(modules) == {"first", "second"}


@pytest.mark.parametrize(
    "name", ["first", "dist-of-first", "Dist_of.First", " second, first ", "FIRST", ",first,,"]
)
def test_a_plugin_that_the_environment_disables_is_never_imported(modules, name, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", name)
    plugins = Plugins()
    assert "first" not in loaded(modules)
    assert "first" not in plugins.login_methods


@pytest.mark.parametrize("disabled", [["first"], "first", ("dist-of-first",), " first ,"])
def test_a_plugin_that_the_argument_disables_is_never_imported(modules, disabled):
    plugins = Plugins(disabled=disabled)
    assert loaded(modules) == {"second"}
    assert "second" in plugins.login_methods


def test_the_argument_wins_over_the_environment(modules, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", "first")
    Plugins(disabled=["second"])
    assert loaded(modules) == {"first"}


def test_an_empty_argument_enables_what_the_environment_disables(modules, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", "first,second")
    Plugins(disabled=[])
    assert loaded(modules) == {"first", "second"}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("first", {"first"}), ("dist-of-second", {"second"}), ("", set()), ("third", set())],
)
def test_the_allow_list_lets_nothing_else_in(modules, variable, expected, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_LOAD_PLUGINS", variable)
    Plugins()
    assert loaded(modules) == expected


def test_the_allow_list_as_an_argument_wins_over_the_environment(modules, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_LOAD_PLUGINS", "first")
    Plugins(allowed=["second"])
    assert loaded(modules) == {"second"}


def test_what_is_both_allowed_and_disabled_is_disabled(modules):
    Plugins(allowed=["first", "second"], disabled=["first"])
    assert loaded(modules) == {"second"}


def test_built_in_plugins_are_there_whatever_is_allowed(modules):
    assert {"internal", "api-key", "cookie-file"} <= set(Plugins(allowed=[]).login_methods.names)


def test_the_list_tells_why_a_plugin_is_not_active(modules):
    plugins = Plugins(disabled=["first"], allowed=[])
    statuses = {info.name: (info.status, info.reason) for info in plugins.list_plugins()}
    assert statuses["first"] == ("disabled", "switched off")
    assert statuses["second"] == ("disabled", "not among the plugins to load")


def test_the_driver_takes_the_names_to_disable(modules, as_alice):
    as_alice(ex_disable_plugins=["first"])
    assert loaded(modules) == {"second"}


def test_a_driver_follows_the_environment(modules, as_alice, monkeypatch):
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", "second")
    as_alice()
    assert loaded(modules) == {"first"}


def test_the_leftovers_of_a_removed_distribution_are_reported_as_broken(tmp_path, monkeypatch):
    folder = tmp_path / "gone-1.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[slipstream]\ngone = module_that_is_gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(RuntimeWarning, match="'gone' of an unknown distribution is left out"):
        Plugins()


def test_a_name_to_leave_out_that_no_plugin_has_is_warned_of(modules):
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
def test_a_requirement_that_is_not_met_is_warned_of(add_plugin, tmp_path, requirement, problem):
    add_plugin("old", PLUGIN.format("old"), distribution="dist-of-old")
    metadata = tmp_path / "dist-of-old" / "dist_of_old-1.0.dist-info" / "METADATA"
    metadata.write_text(f"{metadata.read_text()}Requires-Dist: {requirement}\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plugins = Plugins()
    assert [str(warning.message) for warning in caught] == list(plugins.problems)
    assert [bool(re.search(problem or "", text)) for text in plugins.problems] == (
        [True] if problem else []
    )


def test_a_host_that_two_kinds_claim_is_warned_of(add_plugin):
    for name in ("east", "west"):
        add_plugin(
            name,
            f"""
            @hookimpl
            def slipstream_endpoints():
                return [EndpointKind(name="{name}", backend=SlipStream3, hosts={{"x.example"}})]
            """,
        )
    with pytest.warns(PluginWarning, match=r"east 1.0 and .* both claim the host x.example"):
        Plugins()
