"""Each option of create_node, and its effect on the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario
FindImage = Callable[..., NodeImage]
Deploy = Callable[..., Any]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"


def required(image: Any) -> dict[str, str]:
    """Values for the inputs that have none."""
    return {
        p["name"]: "value"
        for p in image.extra["parameters"]
        if p["mandatory"] and not p["value"] and p["category"] == "environment"
    }


def test_ex_tags_as_text(driver: Driver, deploy: Deploy) -> None:
    node = deploy(ex_tags="blue, green")
    assert {"blue", "green"} <= set(driver.ex_get_node(node.id).extra["tags"])


def test_without_a_name(driver: Driver, image: NodeImage, deployed: Deploy) -> None:
    node = deployed(image, name=None, ex_parameters=required(image))
    assert driver.ex_get_node(node.id).id == node.id


@pytest.mark.parametrize(
    "name",
    ['it\'s "quoted" & <odd>', "with/slash and\\back", "Ünïcödé 東京 пример", "100%25+a=b#c?"],
    ids=["quotes", "slashes", "letters", "signs"],
)
def test_odd_names(driver: Driver, deploy: Deploy, name: str) -> None:
    node = deploy(name=name)
    assert driver.ex_get_node(node.id).name == name
    assert name in {other.name for other in driver.list_nodes(ex_addresses=False)}


def test_location_and_ex_cloud(
    driver: Driver, scenario: Scenario, image: NodeImage, locations: Any, deploy: Deploy
) -> None:
    first = deploy()
    used = driver.ex_get_node(first.id).extra["clouds"]
    location = next((each for each in locations if each.name in used), None)
    if location is None:
        scenario.unsupported("a deployment does not tell its location")
    second = deploy(ex_cloud=location.id)
    assert driver.ex_get_node(second.id).extra["clouds"] == used


def test_size(driver: Driver, scenario: Scenario, image_of: FindImage, deployed: Deploy) -> None:
    sizes = [size for size in driver.list_sizes(ex_all=True) if size.ram and size.disk]
    if not sizes:
        scenario.unsupported("it offers no sizes of machines")
    image = image_of("component")
    by_name = {location.name: location for location in driver.list_locations()}
    size = next((s for s in sizes if s.extra["location"] in by_name), None)
    if size is None:
        scenario.unsupported("no service offer is one of this account's clouds")
    node = deployed(image, size=size, location=by_name[size.extra["location"]])
    assert size.extra["location"] in driver.ex_get_node(node.id).extra["clouds"]


@pytest.mark.parametrize("value", ["always", "never", "on-success", "on-error"])
def test_ex_keep_running(
    driver: Driver, scenario: Scenario, application: NodeImage, deployed: Deploy, value: str
) -> None:
    node = deployed(application, ex_keep_running=value)
    assert driver.ex_get_node(node.id).name == scenario.name


def test_ex_cloud_of_each_node(driver: Driver, application: NodeImage, deployed: Deploy) -> None:
    locations = driver.list_locations()
    clouds = dict.fromkeys(application.extra["nodes"], locations[0].id)
    node = deployed(application, ex_cloud=clouds)
    assert driver.ex_get_node(node.id).extra["clouds"] == [locations[0].name]


def test_ex_scalable(driver: Driver, application: NodeImage, deployed: Deploy) -> None:
    node = deployed(application, ex_scalable=True)
    assert driver.ex_get_node(node.id).extra["scalable"] is True


def test_ex_check_ssh_key(driver: Any, scenario: Scenario, image: Any, deployed: Deploy) -> None:
    if "ssh_key" not in driver.features["create_node"]:
        scenario.unsupported("it puts no keys into machines")
    pair = driver.import_key_pair_from_string(scenario.name, KEY)
    try:
        assert deployed(image, ex_check_ssh_key=True).name == scenario.name
    finally:
        assert driver.delete_key_pair(pair)


def test_auth(driver: Driver, scenario: Scenario, image: NodeImage, deployed: Deploy) -> None:
    if "ssh_key" not in driver.features["create_node"]:
        scenario.unsupported("it puts no keys into machines")
    before = {pair.public_key for pair in driver.list_key_pairs()}
    try:
        node = deployed(image, auth=NodeAuthSSHKey(f"{KEY} {scenario.name}"))
        assert node.name == scenario.name
        assert KEY in " ".join(pair.public_key for pair in driver.list_key_pairs())
    finally:
        for pair in driver.list_key_pairs():
            if pair.public_key not in before:
                driver.delete_key_pair(pair)


def test_an_input_that_a_mapping_sets(
    driver: Driver, scenario: Scenario, image_of: FindImage, deployed: Deploy, waiting: Any
) -> None:
    image = image_of("application")
    mapped = [
        (name, parameter["name"], parameter["value"])
        for name, node in image.extra["nodes"].items()
        for parameter in node["parameters"]
        if (parameter["value"] or "").partition(":")[0] in image.extra["nodes"]
    ]
    if not mapped:
        scenario.unsupported("it has no application with mapped parameters")
    node_name, name, source = mapped[0]
    source_node, _, output = source.partition(":")
    node = deployed(image)
    driver.ex_wait_node_in_state(node.id, **waiting)
    value = driver.ex_get_node_parameter(node, f"{node_name}.1:{name}")
    assert value == driver.ex_get_node_parameter(node, f"{source_node}.1:{output}")
