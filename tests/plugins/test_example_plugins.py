"""The distributions under examples/plugins, installed together and used beside their guides."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from libcloud.compute.base import NodeImage
from libcloud.compute.providers import DRIVERS, get_driver
from libcloud.compute.types import Provider
from plugin_objects import Connect, Driver, run_module

from slipstream.errors import MalformedAnswer, NotSupported
from slipstream.libcloud import _kinds, register
from slipstream.libcloud.errors import BadInput
from slipstream.plugins import Plugins
from slipstream.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
MODULES = sorted(EXAMPLES.glob("*/example_*.py"))
PUBLIC = {
    *("slipstream", "slipstream.backends", "slipstream.errors"),
    *("slipstream.hookspecs", "slipstream.values"),
}
SYSTEM = "examples/tutorials/service-testing/system"
BLOG = "apps/WordPress/wordpress"
ALLOWED = "exoscale-ch-gva"


@pytest.mark.usefixtures("installed")
def test_device_code_from_provider_without_json(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.faults.add("POST", "/device", status=200, body="<html>Welcome</html>")
    options = {"provider": sandbox.url}
    with pytest.raises(MalformedAnswer, match=r"Cannot get a code .*/device is HTTP"):
        connect(ex_login_method="device-code", ex_login_parameters=options)


@pytest.mark.usefixtures("installed")
def test_endpoint_plugin_restricts_login_methods(sandbox: Sandbox, connect: Connect) -> None:
    bare, url = sandbox.key.removeprefix("credential/"), sandbox.url
    connect(bare, sandbox.secret, ex_endpoint_kind="campus")
    [login] = sandbox.journal.entries("POST", "/api/session")
    assert login.json["sessionTemplate"]["href"] == "session-template/api-key"
    with pytest.raises(BadInput, match=r"campus endpoints do not take .*'device-code'"):
        connect(None, "t", ex_login_method="device-code", ex_endpoint_kind="campus")
    by_name = url.replace("127.0.0.1", "localhost")
    driver = connect(sandbox.key, sandbox.secret, ex_endpoint=by_name, ex_disable_plugins="campus")
    assert driver._session.kind.name == "slipstream"


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
@pytest.mark.usefixtures("installed")
def test_policy_for_each_way_to_name_a_location(
    sandbox: Sandbox, as_alice: Connect, arguments: Callable[[Driver, str], dict[str, Any]]
) -> None:
    driver = as_alice()
    image = driver.get_image(BLOG)
    with pytest.raises(BadInput, match="may not be deployed on ec2-eu-west"):
        driver.create_node(image=image, **arguments(driver, "ec2-eu-west"))
    with pytest.raises(BadInput, match="may not be deployed on a location that"):
        driver.create_node(image=image)
    elsewhere, here = (
        driver.ex_explain(driver.create_node, image=image, **arguments(driver, name)).refusals
        for name in ("ec2-eu-west", ALLOWED)
    )
    assert ("may not be deployed on ec2-eu-west" in str(elsewhere), here) == (True, ())
    assert not sandbox.journal.entries("POST", "/run")
    assert driver.create_node(image=image, **arguments(driver, ALLOWED))


def test_policy_for_each_node_of_an_application(
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


def test_audit_logs_changes_only(
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


def test_size_cache_and_metrics(installed: Path, sandbox: Sandbox, as_alice: Connect) -> None:
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


def test_minicloud_is_recognised_by_probe(on_minicloud: Connect) -> None:
    driver = on_minicloud()
    assert driver._session.kind.name == "minicloud"
    assert driver._session.login.user_name == "ada"
    with pytest.raises(NotSupported, match=r"Call stop_node\(\)"):
        driver.reboot_node("1")
    with pytest.raises(MalformedAnswer, match="is not a SlipStream or Nuvla server") as caught:
        on_minicloud(ex_disable_plugins=["minicloud"])
    assert "campus" in str(caught.value)
    assert "ex_endpoint_kind" in str(caught.value)


def test_minicloud_renews_login_in_dry_run(on_minicloud: Connect, minicloud: Any) -> None:
    driver = on_minicloud()
    minicloud.expire_tickets()
    explanation = driver.ex_explain("list_images")
    assert {r.url for r in explanation.requests} == {f"{minicloud.url}/v1/templates"}
    assert explanation.complete


@pytest.mark.parametrize("image", ["wordpress", None], ids=["read", "by-hand"])
def test_minicloud_deploys_in_region_of_driver(on_minicloud: Connect, image: str | None) -> None:
    driver = on_minicloud(region="south")
    by_hand = NodeImage("debian-12", "debian", driver)
    node = driver.create_node(image=driver.get_image(image) if image else by_hand)
    assert node.extra["clouds"] == ["south"]
    assert node.id in {node.id for node in driver.list_nodes()}


def test_get_driver_of_minicloud(minicloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.invalidate_caches()
    monkeypatch.setattr("slipstream.libcloud._kinds", _kinds.__wrapped__)
    with mock.patch.dict(DRIVERS):
        register()
        cls: Any = get_driver("minicloud")
    provider: Any = Provider
    assert provider.MINICLOUD == "minicloud"
    del provider.MINICLOUD
    assert (cls.name, cls.website) == ("minicloud", "http://127.0.0.1:8199")
    monkeypatch.setattr(Plugins, "address_of", lambda self, kind: minicloud.url)
    with cls("ada", "lovelace") as driver:
        assert driver.ex_endpoint == minicloud.url
        assert driver.list_images()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_example_imports_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not [alias for alias in node.names if alias.name.startswith("slipstream")]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slipstream"):
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= public(import_module(node.module))


def public(module: Any) -> set[str]:
    own = (
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
    )
    return set(getattr(module, "__all__", own))


def test_examples_pass_strict_type_checks(site: Path) -> None:
    paths = [str(path) for path in sorted(EXAMPLES.glob("*/*.py"))]
    run_module("mypy", "--strict", *paths, cwd=EXAMPLES.parents[1], path=str(site))
