"""Two plugins that claim one thing are an error that names both distributions."""

from __future__ import annotations

import re

import pytest
from plugin_objects import LOGIN, AddPlugin, Connect

from slipstream.libcloud.errors import PluginFailed
from slipstream.plugins import Plugins, PluginWarning
from slipstream.sandbox import Sandbox

KIND = """
@hookimpl
def slipstream_endpoints():
    return [EndpointKind(name="{}", backend=SlipStream3, {})]
"""


def test_login_method_and_kind_of_two_plugins(
    add_plugin: AddPlugin, connect: Connect, sandbox: Sandbox
) -> None:
    add_plugin("token", LOGIN.format("token"), distribution="acme-login", version="1.2")
    add_plugin("token", LOGIN.format("token"), distribution="other-login", version="0.9")
    with pytest.raises(PluginFailed) as caught:
        Plugins().login_methods.get("token")
    assert str(caught.value) == (
        "acme-login 1.2 and other-login 0.9 both contribute the login method 'token'. Switch one"
        " of them off with ex_disable_plugins or SLIPSTREAM_DISABLE_PLUGINS."
    )
    assert Plugins(disabled=["other-login"]).login_methods.get("token")
    for name in ("one", "two"):
        add_plugin(name, KIND.format("campus", ""))
    with pytest.raises(PluginFailed, match=r"dist-of-one 1.0 and dist-of-two 1.0 .*'campus'"):
        Plugins().endpoint_kinds.get("campus")
    assert connect(sandbox.username, sandbox.password).list_locations()


def test_login_method_of_plugin_and_built_in(add_plugin: AddPlugin, as_alice: Connect) -> None:
    add_plugin("thief", LOGIN.format("internal"), version="6.6")
    with pytest.raises(PluginFailed, match=r"dist-of-thief 6.6 and slipstream-libcloud-driver"):
        as_alice()


def test_host_of_two_plugins(add_plugin: AddPlugin, as_alice: Connect, sandbox: Sandbox) -> None:
    for name in ("one", "two"):
        add_plugin(name, KIND.format(name, "hosts='127.0.0.1'"))
    both = r"dist-of-one 1.0 and dist-of-two 1.0 .*127.0.0.1"
    with pytest.warns(PluginWarning, match=both), pytest.raises(PluginFailed, match=both):
        as_alice()
    assert not sandbox.journal


def test_server_recognised_by_two_plugins(
    add_plugin: AddPlugin, as_alice: Connect, sandbox: Sandbox
) -> None:
    add_plugin("one", KIND.format("one", "recognises=lambda _: True"))
    assert as_alice()._session.kind.name == "one"
    add_plugin("two", KIND.format("two", "recognises=lambda _: True"))
    with pytest.raises(PluginFailed, match=f"both contribute .*{re.escape(sandbox.url)}"):
        as_alice(ex_disable_plugins=[])
    assert as_alice(ex_endpoint_kind="slipstream", ex_disable_plugins=[]).list_locations()
