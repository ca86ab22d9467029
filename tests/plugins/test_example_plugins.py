"""The distributions under examples/plugins: built, installed together and used."""

from __future__ import annotations

import ast
import importlib
import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask, request
from libcloud.compute.base import NodeImage
from libcloud.compute.providers import DRIVERS, get_driver
from libcloud.compute.types import NodeState, Provider
from werkzeug.serving import make_server

from slipstream.errors import MalformedAnswer, NotSupported
from slipstream.libcloud import _kinds, register
from slipstream.libcloud.errors import BadInput, InvalidCredentials, UnknownName
from slipstream.plugins import Plugins

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
MODULES = sorted(EXAMPLES.glob("*/example_*.py"))
PUBLIC = {
    "slipstream",
    "slipstream.backends",
    "slipstream.errors",
    "slipstream.hookspecs",
    "slipstream.values",
}
ENTRY_POINT = "/api/cloud-entry-point"
SYSTEM = "examples/tutorials/service-testing/system"
BLOG = "apps/WordPress/wordpress"
ALLOWED = "exoscale-ch-gva"
NAMES = {
    "audit": "audit",
    "device-login": "device-code",
    "endpoint": "campus",
    "metrics": "metrics",
    "minicloud": "minicloud",
    "policy": "policy",
    "size-cache": "size-cache",
}


class Identity:
    """An identity provider that gives tokens of the sandbox by device codes."""

    def __init__(self, token):
        self.token, self.grants, self.polls = token, [], 0
        self.refused = False

    def device(self):
        return {
            "device_code": "a-device-code",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://login.example/device",
            "expires_in": 60,
            "interval": 0.01,
        }

    def grant(self):
        self.grants.append(request.form["grant_type"])
        if self.refused:
            return {"error": "access_denied"}, 400
        self.polls += 1
        if self.polls == 1:
            return {"error": "authorization_pending"}, 400
        return {"access_token": self.token, "refresh_token": "a-refresh-token"}


@pytest.fixture
def identity(sandbox):
    provider, app = Identity(sandbox.token), Flask("identity")
    app.add_url_rule("/device", view_func=provider.device, methods=["POST"])
    app.add_url_rule("/token", view_func=provider.grant, methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.port}"
    yield provider
    server.shutdown()


def by_device(connect, url, **parameters):
    parameters = {"provider": url, **parameters}
    return connect(None, None, ex_login_method="device-code", ex_login_parameters=parameters)


def test_a_device_code_logs_in_once_it_was_typed(installed, sandbox, identity, connect, capsys):
    assert by_device(connect, identity.url).list_locations()
    assert "Open https://login.example/device and type ABCD-EFGH." in capsys.readouterr().err
    assert len(identity.grants) == 2


def test_a_device_code_login_is_renewed_without_the_user(installed, sandbox, identity, connect):
    driver = by_device(connect, identity.url)
    sandbox.clock.advance(7 * 24 * 3600)
    assert driver.list_locations()
    assert identity.grants[-1] == "refresh_token"
    assert len(sandbox.journal.entries("POST", "/api/session")) == 2


def test_what_the_identity_provider_answers_is_masked_in_the_log(
    installed, sandbox, identity, connect, caplog
):
    caplog.set_level(logging.DEBUG)
    by_device(connect, identity.url)
    assert "/device" in caplog.text
    for secret in (sandbox.token, "a-device-code", "a-refresh-token"):
        assert secret not in caplog.text


def test_a_refused_device_code_is_an_invalid_credential(installed, identity, connect):
    identity.refused = True
    with pytest.raises(InvalidCredentials, match="refused in the browser"):
        by_device(connect, identity.url)


def test_an_identity_provider_that_answers_no_json_is_named(installed, sandbox, connect):
    sandbox.faults.add("POST", "/device", status=200, body="<html>Welcome</html>")
    with pytest.raises(MalformedAnswer, match=r"Cannot get a code .*/device gives HTTP"):
        by_device(connect, sandbox.url)


def test_a_parameter_that_the_login_method_does_not_know_is_refused(installed, connect, sandbox):
    with pytest.raises(UnknownName, match="'providr' of the login method device-code; did you"):
        connect(None, None, ex_login_method="device-code", ex_login_parameters={"providr": "x"})
    assert not sandbox.journal.entries("POST")


def test_a_refusal_names_the_login_method_of_the_plugin(installed, identity, connect):
    identity.token = "provider.mallory.1"
    with pytest.raises(InvalidCredentials, match="Cannot log in by 'device-code'") as caught:
        by_device(connect, identity.url)
    assert "mallory" not in str(caught.value)


def test_the_endpoint_plugin_knows_its_host_without_a_request(installed, sandbox, connect):
    url = sandbox.url.replace("127.0.0.1", "localhost")
    driver = connect(sandbox.key, sandbox.secret, ex_endpoint=url)
    assert driver.list_images()
    assert driver._session.kind.name == "campus"
    assert sandbox.journal.entries("POST", "/api/session")
    assert not sandbox.journal.entries(path=ENTRY_POINT)


def test_without_the_endpoint_plugin_the_entry_point_is_read(sandbox, connect):
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
    with pytest.raises(BadInput, match=r"campus endpoints do not take .*'device-code'"):
        connect(None, "t", ex_login_method="device-code", ex_endpoint_kind="campus")


def location(driver, name):
    return {"location": next(x for x in driver.list_locations() if x.name == name)}


def size(driver, name):
    return {"size": next(x for x in driver.list_sizes() if x.extra["location"] == name)}


# Every way to name a location, and what the policy says where it is none of those allowed.
ON_ONE_MACHINE = [
    lambda _, name: {"ex_cloud": name},
    lambda _, name: {"ex_cloud": f"connector/{name}"},
    lambda _, name: {"ex_parameters": {"cloudservice": name}},
    location,
    size,
]


@pytest.mark.parametrize("arguments", ON_ONE_MACHINE)
def test_the_policy_holds_for_every_way_to_name_a_location(
    installed, sandbox, as_alice, arguments
):
    driver = as_alice()
    image = driver.get_image(BLOG)
    with pytest.raises(BadInput, match="may not be deployed on ec2-eu-west"):
        driver.create_node(image=image, **arguments(driver, "ec2-eu-west"))
    with pytest.raises(BadInput, match="may not be deployed on a location that"):
        driver.create_node(image=image)
    assert not sandbox.journal.entries("POST", "/run")
    assert driver.create_node(image=image, **arguments(driver, ALLOWED))


def test_a_dry_run_shows_what_the_policy_refuses(installed, as_alice):
    driver = as_alice()
    image = driver.get_image(BLOG)
    explanation = driver.ex_explain(driver.create_node, image=image, ex_cloud="ec2-eu-west")
    assert "may not be deployed on ec2-eu-west" in str(explanation)
    assert not driver.ex_explain(driver.create_node, image=image, ex_cloud=ALLOWED).refusals


def test_the_policy_holds_for_each_node_of_an_application(installed, sandbox, as_alice):
    driver = as_alice()
    image = driver.get_image(SYSTEM)
    module = driver._backend.get_module(image.id)
    first, *others = [node.name for node in module.nodes]
    allowed = dict.fromkeys(others, ALLOWED)
    elsewhere = {"cloudservice": ALLOWED, first: {"cloudservice": "ec2-eu-west"}}
    for options in (
        {"ex_cloud": allowed},
        {"ex_cloud": allowed | {first: "ec2-eu-west"}},
        {"ex_parameters": elsewhere},
    ):
        with pytest.raises(BadInput, match=f"{first} may not be deployed on"):
            driver.create_node(image=image, **options)
    assert not sandbox.journal.entries("POST", "/run")
    assert driver.create_node(image=image, ex_cloud=allowed | {first: ALLOWED})


def test_without_the_policy_plugin_every_location_is_allowed(installed, as_alice):
    driver = as_alice(ex_disable_plugins=["policy"])
    assert driver.create_node(image=driver.get_image(BLOG), ex_cloud="ec2-eu-west")


def test_the_audit_logs_changes_and_nothing_else(installed, as_alice, caplog):
    caplog.set_level("INFO", "example_slipstream_audit")
    driver = as_alice()
    image = driver.get_image(BLOG)
    driver.ex_explain(driver.create_node, image=image, ex_cloud=ALLOWED)
    driver.create_node(image=image, ex_cloud=ALLOWED)
    with pytest.raises(BadInput):
        driver.create_node(image=image, ex_cloud="ec2-eu-west")
    lines = [r.getMessage() for r in caplog.records if r.name == "example_slipstream_audit"]
    assert lines == ["deploy by alice: done", "deploy by alice: failed"]


def test_the_size_cache_reads_the_list_once_for_each_session(installed, sandbox, as_alice):
    driver = as_alice()
    first = driver.list_sizes()
    assert [size.id for size in driver.list_sizes()] == [size.id for size in first]
    assert len(sandbox.journal.entries(path="/api/service-offer")) == 1
    as_alice().list_sizes()
    assert len(sandbox.journal.entries(path="/api/service-offer")) == 2


def test_the_metrics_count_calls_and_seconds(installed, as_alice):
    driver = as_alice()
    metrics = import_module("example_slipstream_metrics")
    metrics.calls.clear()
    driver.get_image(BLOG)
    driver.list_sizes()
    driver.list_sizes()
    assert metrics.calls == {"get_module": 1, "list_service_offers": 2}
    assert metrics.seconds["get_module"] > 0


@pytest.fixture
def minicloud(installed):
    service = import_module("minicloud_service")
    with service.running({"ada": "lovelace"}) as (server, url):
        server.url = url
        yield server


def on_minicloud(connect, minicloud, **options):
    options = {"ex_disable_plugins": ["policy"], "ex_endpoint": minicloud.url, **options}
    return connect("ada", "lovelace", **options)


def test_a_service_of_neither_family_is_recognised_by_its_own_probe(connect, minicloud):
    driver = on_minicloud(connect, minicloud)
    assert driver._session.kind.name == "minicloud"
    assert driver._session.login.user_name == "ada"


def test_without_its_plugin_the_installed_kinds_are_named(connect, minicloud):
    with pytest.raises(MalformedAnswer, match="is no SlipStream or Nuvla server") as caught:
        on_minicloud(connect, minicloud, ex_disable_plugins=["minicloud"])
    assert "campus" in str(caught.value)
    assert "ex_endpoint_kind" in str(caught.value)


def test_a_life_of_a_node_on_the_example_backend(connect, minicloud):
    driver = on_minicloud(connect, minicloud)
    [image] = [image for image in driver.list_images() if image.id == "wordpress"]
    [location] = [entry for entry in driver.list_locations() if entry.name == "south"]
    [size] = driver.list_sizes(location)
    node = driver.create_node("blog", size=size, image=image, location=location)
    assert driver.ex_wait_node_in_state(node, NodeState.RUNNING, wait_period=0.01)
    [(same, addresses)] = driver.wait_until_running([node])
    assert (same.id, addresses) == (node.id, ["203.0.113.7"])
    assert driver.stop_node(node)
    assert driver.ex_wait_node_in_state(node, "halted", wait_period=0.01)
    assert driver.start_node(node)
    assert driver.ex_wait_node_in_state(node, "up", wait_period=0.01)
    assert driver.destroy_node(node)
    assert driver.ex_wait_node_in_state(node, "terminated", wait_period=0.01)
    with pytest.raises(NotSupported, match=r"Call stop_node\(\)"):
        driver.reboot_node(node)


def test_a_dry_run_goes_on_when_the_login_has_expired(connect, minicloud):
    driver = on_minicloud(connect, minicloud)
    minicloud.expire_tickets()
    explanation = driver.ex_explain("list_images")
    assert {r.url for r in explanation.requests} == {f"{minicloud.url}/v1/templates"}
    assert explanation.complete


def test_the_region_of_a_driver_reaches_the_example_backend(connect, minicloud):
    driver = on_minicloud(connect, minicloud, region="south")
    node = driver.create_node(image=driver.get_image("wordpress"))
    assert node.extra["clouds"] == ["south"]


def test_the_driver_of_the_example_backend_is_found_by_its_name(connect, minicloud, monkeypatch):
    before = dict(DRIVERS)
    importlib.invalidate_caches()
    _kinds.cache_clear()
    try:
        register()
        cls = get_driver("minicloud")
        assert Provider.MINICLOUD == "minicloud"
    finally:
        DRIVERS.clear()
        DRIVERS.update(before)
        _kinds.cache_clear()
        del Provider.MINICLOUD
    assert (cls.name, cls.website) == ("minicloud", "http://127.0.0.1:8199")
    with cls_on(cls, minicloud, monkeypatch) as driver:
        assert driver.ex_endpoint == minicloud.url
        assert driver.list_images()


def cls_on(cls, minicloud, monkeypatch):
    monkeypatch.setattr(Plugins, "address_of", lambda self, kind: minicloud.url)
    return closing(cls("ada", "lovelace"))


def test_a_wrong_password_of_the_example_backend_is_refused_in_its_own_words(connect, minicloud):
    with pytest.raises(InvalidCredentials, match="Unknown user or wrong password") as caught:
        connect("ada", "no-such-password", ex_endpoint=minicloud.url)
    assert "no-such-password" not in str(caught.value)


def test_a_fresh_process_finds_the_plugins_by_their_entry_points(site):
    done = subprocess.run(
        [sys.executable, "-m", "slipstream", "plugins", "--json"],
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert {
        (plugin["distribution"], plugin["name"], plugin["status"])
        for plugin in json.loads(done.stdout)["plugins"]
        if not plugin["built_in"]
    } == {(f"example-slipstream-{name}", entry, "active") for name, entry in NAMES.items()}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_an_example_plugin_imports_public_names_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not [alias for alias in node.names if alias.name.startswith("slipstream")]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slipstream"):
            module = import_module(node.module)
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= _public(module)


def _public(module):
    listed = getattr(module, "__all__", None)
    own = {name for name, value in vars(module).items() if _defined_in(module, value)}
    return set(listed or own)


def _defined_in(module, value):
    return getattr(value, "__module__", None) == module.__name__


def test_the_example_plugins_pass_strict_type_checks():
    paths = [str(path) for path in sorted(EXAMPLES.glob("*/*.py"))]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *paths],
        cwd=EXAMPLES.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "most"), [("audit", 10), ("metrics", 10), ("policy", 20), ("size_cache", 20)]
)
def test_a_small_plugin_stays_small(name, most):
    [module] = EXAMPLES.joinpath(name).glob("*.py")
    lines = [
        line
        for line in module.read_text().splitlines()
        if line.strip() and not line.startswith(("from ", "import ", '"""'))
    ]
    assert len(lines) <= most


def test_there_are_seven_example_plugins():
    assert {path.parent.name.replace("_", "-") for path in MODULES} == set(NAMES)


def test_images_made_by_hand_work_on_the_example_backend(connect, minicloud):
    driver = on_minicloud(connect, minicloud)
    node = driver.create_node(image=NodeImage("debian-12", "debian", driver))
    assert node.id in {node.id for node in driver.list_nodes()}
