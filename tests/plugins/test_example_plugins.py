"""The distributions under examples/plugins: built, installed together and used."""

from __future__ import annotations

import ast
import importlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, request
from libcloud.compute.base import NodeImage
from libcloud.compute.providers import DRIVERS, get_driver
from libcloud.compute.types import NodeState, Provider
from plugin_objects import Connect, Driver
from werkzeug.serving import make_server

from slipstream.errors import MalformedAnswer, NotSupported
from slipstream.libcloud import _kinds, register
from slipstream.libcloud.errors import BadInput, InvalidCredentials, UnknownName
from slipstream.plugins import Plugins
from slipstream.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
MODULES = sorted(EXAMPLES.glob("*/example_*.py"))
PUBLIC = {
    *("slipstream", "slipstream.backends", "slipstream.errors"),
    *("slipstream.hookspecs", "slipstream.values"),
}
ENTRY_POINT = "/api/cloud-entry-point"
SYSTEM = "examples/tutorials/service-testing/system"
BLOG = "apps/WordPress/wordpress"
ALLOWED = "exoscale-ch-gva"
PLUGINS = {
    "device-login": "device-code",
    "endpoint": "campus",
    **{name: name for name in ("audit", "metrics", "minicloud", "policy", "size-cache")},
}


class Identity:
    """An identity provider that gives tokens of the sandbox by device codes."""

    url = ""

    def __init__(self, token: str) -> None:
        self.token, self.polls, self.refused = token, 0, False
        self.grants: list[str] = []

    def device(self) -> dict[str, object]:
        return {
            "device_code": "a-device-code",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://login.example/device",
            "expires_in": 60,
            "interval": 0.01,
        }

    def grant(self) -> Any:
        self.grants.append(request.form["grant_type"])
        if self.refused:
            return {"error": "access_denied"}, 400
        self.polls += 1
        if self.polls == 1:
            return {"error": "authorization_pending"}, 400
        return {"access_token": self.token, "refresh_token": "a-refresh-token"}


@pytest.fixture
def identity(installed: Path, sandbox: Sandbox) -> Iterator[Identity]:
    provider, app = Identity(sandbox.token), Flask("identity")
    app.add_url_rule("/device", view_func=provider.device, methods=["POST"])
    app.add_url_rule("/token", view_func=provider.grant, methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.port}"
    yield provider
    server.shutdown()


@pytest.fixture
def by_device(connect: Connect) -> Connect:
    """Log in by a device code: ``by_device(provider=url)``."""
    return lambda **parameters: connect(
        None, None, ex_login_method="device-code", ex_login_parameters=parameters
    )


def test_device_code_logs_in_and_renews_the_login_and_shows_no_secret(
    sandbox: Sandbox,
    identity: Identity,
    by_device: Connect,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    driver = by_device(provider=identity.url)
    assert driver.list_locations()
    assert "Open https://login.example/device and type ABCD-EFGH." in capsys.readouterr().err
    assert len(identity.grants) == 2
    sandbox.clock.advance(7 * 24 * 3600)
    assert driver.list_locations()
    assert identity.grants[-1] == "refresh_token"
    assert len(sandbox.journal.entries("POST", "/api/session")) == 2
    assert "/device" in caplog.text
    for secret in (sandbox.token, "a-device-code", "a-refresh-token"):
        assert secret not in caplog.text


def test_device_code_that_is_refused_is_an_invalid_credential(
    identity: Identity, by_device: Connect
) -> None:
    identity.refused = True
    with pytest.raises(InvalidCredentials, match="refused in the browser"):
        by_device(provider=identity.url)


def test_device_code_of_a_provider_that_sends_no_json(
    installed: Path, sandbox: Sandbox, by_device: Connect
) -> None:
    sandbox.faults.add("POST", "/device", status=200, body="<html>Welcome</html>")
    with pytest.raises(MalformedAnswer, match=r"Cannot get a code .*/device gives HTTP"):
        by_device(provider=sandbox.url)


def test_device_code_with_an_unknown_parameter_is_refused(
    installed: Path, by_device: Connect, sandbox: Sandbox
) -> None:
    with pytest.raises(UnknownName, match="'providr' of the login method device-code; did you"):
        by_device(providr="x")
    assert not sandbox.journal.entries("POST")


def test_device_code_that_the_server_refuses_names_the_login_method(
    identity: Identity, by_device: Connect
) -> None:
    identity.token = "provider.mallory.1"
    with pytest.raises(InvalidCredentials, match="Cannot log in by 'device-code'") as caught:
        by_device(provider=identity.url)
    assert "mallory" not in str(caught.value)


@pytest.mark.parametrize(("disabled", "kind"), [("", "campus"), ("campus", "slipstream")])
def test_endpoint_plugin_knows_its_host_without_a_request(
    installed: Path, sandbox: Sandbox, connect: Connect, disabled: str, kind: str
) -> None:
    url = sandbox.url.replace("127.0.0.1", "localhost")
    options = {"ex_endpoint": url, "ex_disable_plugins": disabled}
    driver = connect(sandbox.key, sandbox.secret, **options)
    assert driver.list_images()
    assert driver._session.kind.name == kind
    assert sandbox.journal.entries("POST", "/api/session")
    assert bool(sandbox.journal.entries(path=ENTRY_POINT)) is (kind == "slipstream")


def test_endpoint_plugin_has_a_default_login_and_refuses_those_that_its_server_lacks(
    installed: Path, sandbox: Sandbox, connect: Connect
) -> None:
    bare = sandbox.key.removeprefix("credential/")
    connect(bare, sandbox.secret, ex_endpoint_kind="campus")
    [login] = sandbox.journal.entries("POST", "/api/session")
    assert login.json["sessionTemplate"]["href"] == "session-template/api-key"
    with pytest.raises(BadInput, match=r"campus endpoints do not take .*'device-code'"):
        connect(None, "t", ex_login_method="device-code", ex_endpoint_kind="campus")


def location(driver: Driver, name: str) -> dict[str, object]:
    return {"location": next(x for x in driver.list_locations() if x.name == name)}


def size(driver: Driver, name: str) -> dict[str, object]:
    return {"size": next(x for x in driver.list_sizes() if x.extra["location"] == name)}


# The ways to name a location, and what the policy says where it is none of those allowed.
ON_ONE_MACHINE: list[Callable[[Driver, str], dict[str, Any]]] = [
    lambda _, name: {"ex_cloud": name},
    lambda _, name: {"ex_cloud": f"connector/{name}"},
    lambda _, name: {"ex_parameters": {"cloudservice": name}},
    location,
    size,
]


@pytest.mark.parametrize("arguments", ON_ONE_MACHINE)
def test_policy_holds_for_each_way_to_name_a_location(
    installed: Path,
    sandbox: Sandbox,
    as_alice: Connect,
    arguments: Callable[[Driver, str], dict[str, Any]],
) -> None:
    driver = as_alice()
    image = driver.get_image(BLOG)
    with pytest.raises(BadInput, match="may not be deployed on ec2-eu-west"):
        driver.create_node(image=image, **arguments(driver, "ec2-eu-west"))
    with pytest.raises(BadInput, match="may not be deployed on a location that"):
        driver.create_node(image=image)
    assert not sandbox.journal.entries("POST", "/run")
    assert driver.create_node(image=image, **arguments(driver, ALLOWED))


def test_policy_holds_in_a_dry_run(installed: Path, as_alice: Connect) -> None:
    driver = as_alice()
    image = driver.get_image(BLOG)
    explanation = driver.ex_explain(driver.create_node, image=image, ex_cloud="ec2-eu-west")
    assert "may not be deployed on ec2-eu-west" in str(explanation)
    assert not driver.ex_explain(driver.create_node, image=image, ex_cloud=ALLOWED).refusals


def test_policy_holds_for_each_node_of_an_application(
    installed: Path, sandbox: Sandbox, as_alice: Connect
) -> None:
    driver = as_alice()
    image = driver.get_image(SYSTEM)
    module = driver._backend.get_module(image.id)
    first, *others = [node.name for node in module.nodes]
    allowed = dict.fromkeys(others, ALLOWED)
    elsewhere = {"cloudservice": ALLOWED, first: {"cloudservice": "ec2-eu-west"}}
    refused: list[dict[str, Any]] = [
        {"ex_cloud": allowed},
        {"ex_cloud": allowed | {first: "ec2-eu-west"}},
        {"ex_parameters": elsewhere},
    ]
    for options in refused:
        with pytest.raises(BadInput, match=f"{first} may not be deployed on"):
            driver.create_node(image=image, **options)
    assert not sandbox.journal.entries("POST", "/run")
    assert driver.create_node(image=image, ex_cloud=allowed | {first: ALLOWED})


def test_policy_that_is_disabled_allows_each_location(installed: Path, as_alice: Connect) -> None:
    driver = as_alice(ex_disable_plugins=["policy"])
    assert driver.create_node(image=driver.get_image(BLOG), ex_cloud="ec2-eu-west")


def test_audit_logs_changes_and_nothing_else(
    installed: Path, as_alice: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "example_slipstream_audit")
    driver = as_alice()
    image = driver.get_image(BLOG)
    driver.ex_explain(driver.create_node, image=image, ex_cloud=ALLOWED)
    driver.create_node(image=image, ex_cloud=ALLOWED)
    with pytest.raises(BadInput):
        driver.create_node(image=image, ex_cloud="ec2-eu-west")
    lines = [r.getMessage() for r in caplog.records if r.name == "example_slipstream_audit"]
    assert lines == ["deploy by alice: done", "deploy by alice: failed"]


def test_size_cache_and_metrics_read_the_list_once_for_each_session_and_count_each_call(
    installed: Path, sandbox: Sandbox, as_alice: Connect
) -> None:
    driver = as_alice()
    metrics: Any = import_module("example_slipstream_metrics")
    metrics.calls.clear()
    driver.get_image(BLOG)
    first = driver.list_sizes()
    assert [size.id for size in driver.list_sizes()] == [size.id for size in first]
    assert metrics.calls == {"get_module": 1, "list_service_offers": 2}
    assert metrics.seconds["get_module"] > 0
    assert len(sandbox.journal.entries(path="/api/service-offer")) == 1
    as_alice().list_sizes()
    assert len(sandbox.journal.entries(path="/api/service-offer")) == 2


@pytest.fixture
def on_minicloud(connect: Connect, minicloud: Any) -> Connect:
    """Make a driver on the service of the example backend."""

    def make(secret: str = "lovelace", **options: Any) -> Driver:
        options = {"ex_disable_plugins": ["policy"], "ex_endpoint": minicloud.url, **options}
        return connect("ada", secret, **options)

    return make


def test_minicloud_is_recognised_by_its_own_probe(on_minicloud: Connect) -> None:
    driver = on_minicloud()
    assert driver._session.kind.name == "minicloud"
    assert driver._session.login.user_name == "ada"


def test_minicloud_without_its_plugin_is_unknown_and_the_installed_kinds_are_named(
    on_minicloud: Connect,
) -> None:
    with pytest.raises(MalformedAnswer, match="is no SlipStream or Nuvla server") as caught:
        on_minicloud(ex_disable_plugins=["minicloud"])
    assert "campus" in str(caught.value)
    assert "ex_endpoint_kind" in str(caught.value)


def test_minicloud_runs_a_node_from_creation_to_destruction(on_minicloud: Connect) -> None:
    driver = on_minicloud()
    [image] = [image for image in driver.list_images() if image.id == "wordpress"]
    [location] = [entry for entry in driver.list_locations() if entry.name == "south"]
    [size] = driver.list_sizes(location)
    node = driver.create_node("blog", size=size, image=image, location=location)
    assert driver.ex_wait_node_in_state(node, NodeState.RUNNING, wait_period=0.01)
    [(same, addresses)] = driver.wait_until_running([node])
    assert (same.id, addresses) == (node.id, ["203.0.113.7"])
    for change, state in (
        (driver.stop_node, "halted"),
        (driver.start_node, "up"),
        (driver.destroy_node, "terminated"),
    ):
        assert change(node)
        assert driver.ex_wait_node_in_state(node, state, wait_period=0.01)
    with pytest.raises(NotSupported, match=r"Call stop_node\(\)"):
        driver.reboot_node(node)


def test_minicloud_goes_on_with_a_dry_run_when_the_login_has_expired(
    on_minicloud: Connect, minicloud: Any
) -> None:
    driver = on_minicloud()
    minicloud.expire_tickets()
    explanation = driver.ex_explain("list_images")
    assert {r.url for r in explanation.requests} == {f"{minicloud.url}/v1/templates"}
    assert explanation.complete


@pytest.mark.parametrize("image", ["wordpress", None], ids=["read", "by-hand"])
def test_minicloud_deploys_in_the_region_of_the_driver(
    on_minicloud: Connect, image: str | None
) -> None:
    driver = on_minicloud(region="south")
    by_hand = NodeImage("debian-12", "debian", driver)
    node = driver.create_node(image=driver.get_image(image) if image else by_hand)
    assert node.extra["clouds"] == ["south"]
    assert node.id in {node.id for node in driver.list_nodes()}


def test_minicloud_has_a_driver_that_is_found_by_its_name(
    minicloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(DRIVERS)
    importlib.invalidate_caches()
    _kinds.cache_clear()
    try:
        register()
        cls: Any = get_driver("minicloud")
        assert Provider.MINICLOUD == "minicloud"  # type: ignore[attr-defined]
    finally:
        DRIVERS.clear()
        DRIVERS.update(before)
        _kinds.cache_clear()
        del Provider.MINICLOUD  # type: ignore[attr-defined]
    assert (cls.name, cls.website) == ("minicloud", "http://127.0.0.1:8199")
    monkeypatch.setattr(Plugins, "address_of", lambda self, kind: minicloud.url)
    with cls("ada", "lovelace") as driver:
        assert driver.ex_endpoint == minicloud.url
        assert driver.list_images()


def test_minicloud_refuses_a_wrong_password_in_its_own_words(on_minicloud: Connect) -> None:
    with pytest.raises(InvalidCredentials, match="Unknown user or wrong password") as caught:
        on_minicloud("no-such-password")
    assert "no-such-password" not in str(caught.value)


def test_all_example_plugins_are_found_by_their_entry_points_in_a_fresh_process(
    run_module: Callable[..., str],
) -> None:
    assert {path.parent.name.replace("_", "-") for path in MODULES} == set(PLUGINS)
    document = json.loads(run_module("slipstream", "plugins", "--json"))
    assert {
        (plugin["distribution"], plugin["name"], plugin["status"])
        for plugin in document["plugins"]
        if not plugin["built_in"]
    } == {(f"example-slipstream-{name}", entry, "active") for name, entry in PLUGINS.items()}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_an_example_plugin_imports_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not [alias for alias in node.names if alias.name.startswith("slipstream")]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slipstream"):
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= public(import_module(node.module))


def public(module: ModuleType) -> set[str]:
    listed = getattr(module, "__all__", None)
    return set(listed or (name for name, value in vars(module).items() if own(module, value)))


def own(module: ModuleType, value: object) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def test_the_example_plugins_pass_strict_type_checks(run_module: Callable[..., str]) -> None:
    paths = [str(path) for path in sorted(EXAMPLES.glob("*/*.py"))]
    run_module("mypy", "--strict", *paths, cwd=EXAMPLES.parents[1])
