"""The order in which plugins are found never changes a result."""

from __future__ import annotations

from importlib import metadata
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream import EndpointKind, LoginMethod, hookimpl
from slipstream.backends import SlipStream3
from slipstream.errors import DriverError, PluginFailed
from slipstream.plugins import Plugins

NAMES = ["amber", "beryl", "coral"]


class Plugin:
    """A plugin made of what Hypothesis draws."""

    def __init__(self, logins, kinds):
        self.logins, self.kinds = logins, kinds

    @hookimpl
    def slipstream_login_methods(self):
        return [LoginMethod(name=name, authenticate=print) for name in self.logins]

    @hookimpl
    def slipstream_endpoints(self):
        return [EndpointKind(name=name, backend=SlipStream3) for name in self.kinds]


def entry_point(index, plugin):
    entry = mock.Mock(spec=metadata.EntryPoint)
    entry.name = f"plugin-{index}"
    entry.load = lambda: plugin
    entry.dist.metadata = {"Name": f"dist-{index}", "Version": "1.0"}
    return entry


def outcome(entry_points):
    """What plugins found in this order contribute, and what their names give."""
    with mock.patch.object(metadata, "entry_points", return_value=entry_points):
        plugins = Plugins(disabled=[])
    outcomes = [list(plugins.list_plugins())]
    for contributions in (plugins.login_methods, plugins.endpoint_kinds):
        outcomes.append(contributions.names)
        outcomes.append([claim.plugin.key for claim in contributions])
        outcomes.extend(lookup(contributions, name) for name in [*NAMES, "internal"])
    return outcomes


def lookup(contributions, name):
    try:
        return contributions.get(name)
    except DriverError as error:
        return type(error), str(error)


names = st.lists(st.sampled_from([*NAMES, "internal"]), max_size=3)
contents = st.lists(st.tuples(names, names), max_size=5)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), contents=contents)
def test_any_order_of_discovery_gives_the_same_plugins_and_the_same_errors(data, contents):
    entries = [entry_point(index, Plugin(*content)) for index, content in enumerate(contents)]
    shuffled = data.draw(st.permutations(entries))
    assert outcome(shuffled) == outcome(entries)


def wrapping(name, trail):
    class Wrapper:
        @hookimpl(wrapper=True)
        def slipstream_list_connectors(self):
            trail.append(name)
            return (yield)

    return Wrapper()


def test_wrappers_run_in_an_order_that_discovery_does_not_decide(as_alice):
    trails = []
    for order in ([0, 1, 2], [2, 0, 1]):
        trail = []
        entries = [entry_point(index, wrapping(index, trail)) for index in order]
        with mock.patch.object(metadata, "entry_points", return_value=entries):
            as_alice(ex_disable_plugins=[]).list_locations()
        trails.append(trail)
    assert trails[0] == trails[1]
    assert sorted(trails[0]) == [0, 1, 2]


def test_a_name_that_two_plugins_claim_is_a_dispute_in_either_order():
    entries = [entry_point(index, Plugin(["amber"], [])) for index in (1, 0)]
    assert outcome(entries)[3][0] is PluginFailed
