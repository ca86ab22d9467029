"""Deployments from creation to termination."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, NodeLocation
from libcloud.compute.types import NodeState

from slipstream.errors import BadInput, NotFound
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario
FindImage = Callable[..., NodeImage]
Deploy = Callable[..., Any]


def host_name(image: NodeImage) -> str:
    """The parameter that holds the address of what was deployed."""
    return "machine:hostname" if image.extra["type"] == "component" else "hostname"


def unknown_node(driver: Driver) -> str:
    """An id that looks like the server's own and names nothing."""
    nodes = driver.list_nodes(ex_active_only=False, ex_addresses=False)
    prefix = str(nodes[0].id).rpartition("/")[0] if nodes else ""
    return "/".join(part for part in (prefix, str(uuid.UUID(int=1))) if part)


def test_a_node_from_creation_to_termination(
    driver: Driver, scenario: Scenario, image: NodeImage, deploy: Deploy, waiting: Any
) -> None:
    node = deploy(ex_tags=["recorded"])
    assert node.name == scenario.name
    driver.ex_wait_node_in_state(node.id, **waiting)
    ready: Any = driver.ex_get_node(node.id)
    machines = driver.ex_list_virtual_machines(node=node)
    assert ready.state == NodeState.RUNNING
    assert "recorded" in ready.extra["tags"]
    assert ready.image.id == image.id
    addresses = ready.public_ips + ready.private_ips
    assert addresses
    for machine in machines:
        assert set(machine.public_ips + machine.private_ips) & set(addresses)
    assert driver.ex_get_node_parameter(node, host_name(image)) in addresses


def test_an_application_on_several_machines(
    driver: Driver, application: NodeImage, deployed: Deploy, waiting: Any
) -> None:
    names = sorted(application.extra["nodes"])
    options: Any = {"ex_multiplicity": {names[0]: 2}, "ex_tolerate_failures": {names[0]: 1}}
    node = deployed(application, ex_keep_running="always", **options)
    driver.ex_wait_node_in_state(node.id, **waiting)
    assert driver.ex_get_node_parameter(node, f"{names[0]}:ids") == "1,2"
    assert len(driver.ex_list_virtual_machines(node=node)) >= len(names) + 1


def test_parameters_reach_the_deployment(
    driver: Driver, scenario: Scenario, image_of: FindImage, deployed: Deploy
) -> None:
    image = image_of("component")
    inputs = [
        parameter["name"]
        for parameter in image.extra["parameters"]
        if parameter["category"] == "Input" and parameter["type"] == "String"
    ]
    if not inputs:
        scenario.unsupported("the component has no input parameter")
    text = 'it\'s "quoted" & <odd>, 100% ünïcödé'
    node = deployed(image, ex_parameters={inputs[0]: text})
    assert driver.ex_get_node_parameter(node, f"machine:{inputs[0]}") == text


def test_listings_show_the_node_by_its_name(driver: Driver, scenario: Any, deploy: Deploy) -> None:
    node = deploy()
    options: Any
    for options in ({"ex_addresses": True}, {"ex_active_only": False, "ex_addresses": False}):
        listed = {node.id: node for node in driver.list_nodes(**options)}
        assert listed[node.id].name == scenario.name


def test_an_unknown_parameter_leaves_the_deployment_alone(
    driver: Driver, image: NodeImage, running: Any
) -> None:
    with pytest.raises(BadInput, match=host_name(image)):
        driver.ex_get_node_parameter(running, f"{host_name(image)}e")
    assert driver.ex_get_node(running.id).extra["abort"] is None


def test_an_unknown_input_is_refused_before_anything_is_deployed(
    driver: Driver, image: NodeImage, locations: list[NodeLocation]
) -> None:
    with pytest.raises(BadInput, match="Unknown parameter 'no_such_parameter'"):
        driver.create_node(
            image=image, location=locations[-1], ex_parameters={"no_such_parameter": "x"}
        )


def test_terminating_twice_is_accepted(driver: Driver, image: NodeImage, create: Deploy) -> None:
    node = create(image)
    assert driver.destroy_node(node)
    assert driver.destroy_node(node)


def test_an_unknown_node_is_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound):
        driver.ex_get_node(unknown_node(driver))


def test_a_wait_brings_the_node_up_to_date(driver: Driver, deploy: Deploy, waiting: Any) -> None:
    node = deploy()
    driver.ex_wait_node_in_state(node, **waiting)
    assert node.state == NodeState.RUNNING
    assert node.public_ips + node.private_ips
