"""Two plugins that claim one thing are an error that names both distributions."""

from __future__ import annotations

import re

import pytest

from slipstream.libcloud.errors import PluginFailed
from slipstream.plugins import Plugins, PluginWarning

LOGIN = """
@hookimpl
def slipstream_login_methods():
    return [LoginMethod(name="{}", authenticate=print)]
"""
KIND = """
@hookimpl
def slipstream_endpoints():
    return [EndpointKind(name="{}", backend=SlipStream3, {})]
"""


def test_two_login_methods_of_one_name_name_both_distributions(add_plugin):
    add_plugin("token", LOGIN.format("token"), distribution="acme-login", version="1.2")
    add_plugin("token", LOGIN.format("token"), distribution="other-login", version="0.9")
    with pytest.raises(PluginFailed) as caught:
        Plugins().login_methods.get("token")
    assert str(caught.value) == (
        "acme-login 1.2 and other-login 0.9 both contribute the login method 'token'. Switch one"
        " of them off with ex_disable_plugins or SLIPSTREAM_DISABLE_PLUGINS."
    )


def test_switching_one_distribution_off_settles_the_dispute(add_plugin):
    add_plugin("token", LOGIN.format("token"), distribution="acme-login")
    add_plugin("token", LOGIN.format("token"), distribution="other-login")
    assert Plugins(disabled=["other-login"]).login_methods.get("token")


def test_a_plugin_cannot_quietly_replace_a_built_in_login(add_plugin, as_alice):
    add_plugin("thief", LOGIN.format("internal"), version="6.6")
    with pytest.raises(PluginFailed, match=r"dist-of-thief 6.6 and slipstream-libcloud-driver"):
        as_alice()


def test_a_dispute_over_one_name_leaves_every_other_in_use(add_plugin, connect, sandbox):
    add_plugin("one", LOGIN.format("token"))
    add_plugin("two", LOGIN.format("token"))
    assert connect(sandbox.username, sandbox.password).list_locations()


def test_two_kinds_of_one_name_name_both_distributions(add_plugin):
    add_plugin("one", KIND.format("campus", ""))
    add_plugin("two", KIND.format("campus", ""))
    with pytest.raises(PluginFailed, match=r"dist-of-one 1.0 and dist-of-two 1.0 .*'campus'"):
        Plugins().endpoint_kinds.get("campus")


def test_two_kinds_that_claim_one_host_name_both_distributions(add_plugin, as_alice, sandbox):
    add_plugin("one", KIND.format("one", "hosts='127.0.0.1'"))
    add_plugin("two", KIND.format("two", "hosts='127.0.0.1'"))
    both = r"dist-of-one 1.0 and dist-of-two 1.0 .*127.0.0.1"
    with pytest.warns(PluginWarning, match=both), pytest.raises(PluginFailed, match=both):
        as_alice()
    assert not sandbox.journal


def test_two_kinds_that_recognise_one_server_name_both_distributions(
    add_plugin, as_alice, sandbox
):
    add_plugin("one", KIND.format("one", "recognises=lambda _: True"))
    add_plugin("two", KIND.format("two", "recognises=lambda _: True"))
    with pytest.raises(PluginFailed, match=f"both contribute .*{re.escape(sandbox.url)}"):
        as_alice()
    assert as_alice(ex_endpoint_kind="slipstream").list_locations()


def test_a_plugin_that_recognises_a_server_goes_before_the_built_in_kind(add_plugin, as_alice):
    add_plugin("one", KIND.format("one", "recognises=lambda _: True"))
    assert as_alice()._session.kind.name == "one"
