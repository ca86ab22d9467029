"""The order in which plugins are found never changes a result."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from plugin_objects import kind, plugin, wrapper

from slipstream import LoginMethod
from slipstream.errors import DriverError
from slipstream.plugins import Plugins

WRAPPER = wrapper("return (yield)")
NAMES = ["amber", "beryl", "coral", "internal"]


def contributing(logins: list[str], kinds: list[str]) -> object:
    never: Any = print
    methods = [LoginMethod(name=name, authenticate=never) for name in logins]
    return plugin([kind(name) for name in kinds], methods, slipstream_list_connectors=WRAPPER)


def entry_point(index: int, plugin: object) -> Any:
    entry = mock.Mock(spec=metadata.EntryPoint)
    entry.name = f"plugin-{index}"
    entry.load = lambda: plugin
    entry.dist.metadata = {"Name": f"dist-{index}", "Version": "1.0"}
    return entry


def outcome(entry_points: list[Any]) -> list[Any]:
    """What plugins found in this order contribute, and what their names give."""
    with mock.patch.object(metadata, "entry_points", return_value=entry_points):
        plugins = Plugins(disabled=[])
    outcomes: list[Any] = [plugins.list_plugins(), plugins.wrappers("slipstream_list_connectors")]
    for contributions in (plugins.login_methods, plugins.endpoint_kinds):
        outcomes.append(contributions.names)
        outcomes.append([item.plugin.key for item in contributions])
        outcomes.extend(look_up(contributions.get, name) for name in NAMES)
    return outcomes


def look_up(get: Callable[[str], object], name: str) -> object:
    try:
        return get(name)
    except DriverError as error:
        return repr(error)


names = st.lists(st.sampled_from(NAMES), max_size=3)
contents = st.lists(st.tuples(names, names), max_size=5)


@given(data=st.data(), contents=contents)
def test_order_of_discovery(
    data: st.DataObject, contents: list[tuple[list[str], list[str]]]
) -> None:
    entries = [entry_point(index, contributing(*names)) for index, names in enumerate(contents)]
    shuffled = data.draw(st.permutations(entries))
    assert outcome(shuffled) == outcome(entries)
