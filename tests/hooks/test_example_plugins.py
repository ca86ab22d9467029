"""The three distributions under tests/plugins, used as their users would."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from slipstream.libcloud.errors import BadInput, InvalidCredentials

MODULES = sorted((Path(__file__).parents[1] / "plugins").glob("*/*.py"))
PUBLIC = {"slipstream", "slipstream.backends", "slipstream.errors", "slipstream.values"}
ENTRY_POINT = "/api/cloud-entry-point"


def test_the_login_plugin_logs_in_with_a_token(installed, sandbox, connect):
    driver = connect(None, sandbox.token, ex_login_method="mitreid-token")
    [login] = sandbox.journal.entries("POST", "/api/session")
    assert login.json["sessionTemplate"] == {
        "href": "session-template/mitreid-token",
        "token": sandbox.token,
    }
    assert driver.list_locations()


def test_the_login_plugin_recognises_a_token_without_being_named(installed, sandbox, connect):
    connect(None, sandbox.token)
    [login] = sandbox.journal.entries("POST", "/api/session")
    assert login.json["sessionTemplate"]["href"] == "session-template/mitreid-token"


def test_a_session_of_the_login_plugin_is_renewed_when_it_has_expired(installed, sandbox, connect):
    driver = connect(None, sandbox.token)
    sandbox.clock.advance(7 * 24 * 3600)
    assert driver.list_locations()
    assert len(sandbox.journal.entries("POST", "/api/session")) == 2


def test_a_token_that_the_server_refuses_is_an_invalid_credential(installed, connect):
    with pytest.raises(InvalidCredentials) as caught:
        connect(None, "provider.mallory.1", ex_login_method="mitreid-token")
    assert "mallory" not in str(caught.value)


def test_without_the_login_plugin_a_lone_secret_is_no_login(sandbox, connect):
    with pytest.raises(BadInput):
        connect(None, sandbox.token)


def test_the_endpoint_plugin_knows_its_host_without_asking_it(installed, sandbox, connect):
    url = sandbox.url.replace("127.0.0.1", "localhost")
    driver = connect(sandbox.key, sandbox.secret, ex_endpoint=url)
    assert driver.list_images()
    assert driver._session.kind.name == "campus"
    assert sandbox.journal.entries("POST", "/api/session")
    assert not sandbox.journal.entries(path=ENTRY_POINT)


def test_without_the_endpoint_plugin_the_host_is_asked_what_it_is(sandbox, connect):
    url = sandbox.url.replace("127.0.0.1", "localhost")
    driver = connect(sandbox.key, sandbox.secret, ex_endpoint=url)
    assert driver._session.kind.name == "slipstream"
    assert sandbox.journal.entries(path=ENTRY_POINT)


def test_the_endpoint_plugin_brings_a_default_login_of_its_own(installed, sandbox, connect):
    bare = sandbox.key.removeprefix("credential/")
    connect(bare, sandbox.secret, ex_endpoint_kind="campus")
    [login] = sandbox.journal.entries("POST", "/api/session")
    assert login.json["sessionTemplate"]["href"] == "session-template/api-key"


def test_the_endpoint_plugin_refuses_login_methods_that_its_server_lacks(installed, connect):
    with pytest.raises(BadInput, match=r"campus endpoints do not take .*'mitreid-token'"):
        connect(None, "t", ex_login_method="mitreid-token", ex_endpoint_kind="campus")


def test_the_policy_plugin_refuses_its_location_and_sends_nothing(installed, sandbox, as_alice):
    driver = as_alice()
    image = driver.get_image("apps/WordPress/wordpress")
    location = next(one for one in driver.list_locations() if one.name == "ec2-eu-west")
    for forbidden in ({"location": location}, {"ex_cloud": "ec2-eu-west"}):
        with pytest.raises(BadInput, match="Nothing may be deployed on ec2-eu-west"):
            driver.create_node(image=image, **forbidden)
    assert not sandbox.journal.entries("POST", "/run")


def test_without_the_policy_plugin_that_location_is_as_good_as_any(installed, as_alice):
    driver = as_alice(ex_disable_plugins=["policy"])
    image = driver.get_image("apps/WordPress/wordpress")
    assert driver.create_node(image=image, ex_cloud="ec2-eu-west")


def test_the_policy_plugin_lets_other_locations_pass(installed, sandbox, as_alice):
    driver = as_alice()
    image = driver.get_image("apps/WordPress/wordpress")
    node = driver.create_node(image=image, ex_cloud="exoscale-ch-gva")
    assert node.id in {one.id for one in driver.list_nodes()}


def test_a_fresh_process_finds_the_plugins_by_their_entry_points(site):
    found = subprocess.run(
        [sys.executable, "-m", "slipstream", "plugins", "--json"],
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert {
        (one["distribution"], one["name"], one["status"])
        for one in json.loads(found.stdout)["plugins"]
        if not one["built_in"]
    } == {
        ("example-slipstream-endpoint", "campus", "active"),
        ("example-slipstream-login", "mitreid-token", "active"),
        ("example-slipstream-policy", "policy", "active"),
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_an_example_plugin_imports_public_names_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not [one.name for one in node.names if one.name.startswith("slipstream")]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slipstream"):
            module = import_module(node.module)
            assert node.module in PUBLIC
            assert {one.name for one in node.names} <= _public(module)


def _public(module):
    listed = getattr(module, "__all__", None)
    own = {name for name, value in vars(module).items() if _defined_in(module, value)}
    return set(listed or own)


def _defined_in(module, value):
    return getattr(value, "__module__", None) == module.__name__


def test_there_are_three_example_plugins():
    assert [path.parent.name for path in MODULES] == ["endpoint", "login", "policy"]
