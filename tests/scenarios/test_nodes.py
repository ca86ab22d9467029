"""Deployments from creation to termination."""

from __future__ import annotations

import uuid

import pytest
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, NotFound

pytestmark = pytest.mark.scenario


def test_component_from_creation_to_termination(driver, scenario, image_of, deployed, patience):
    image = image_of("component")

    node = deployed(name=scenario.name, image=image, ex_tags=["recorded"])
    assert node.name == scenario.name
    assert driver.ex_wait_node_in_state(node, **patience) == "Ready"

    ready = driver.ex_get_node(node.id)
    machines = driver.ex_list_virtual_machines(node=node)
    assert ready.state == NodeState.RUNNING
    assert ready.extra["tags"] == ["recorded"]
    assert ready.image.id == image.id
    addresses = ready.public_ips + ready.private_ips
    assert addresses
    assert addresses == [ip for vm in machines for ip in vm.public_ips + vm.private_ips]
    assert driver.ex_get_node_parameter(node, "machine:hostname") in addresses


def test_application_on_several_machines(driver, scenario, image_of, deployed, patience):
    image = image_of("application")
    names = sorted(image.extra["nodes"])

    node = deployed(
        name=scenario.name,
        image=image,
        ex_multiplicity={names[0]: 2},
        ex_tolerate_failures={names[0]: 1},
        ex_keep_running="always",
    )
    driver.ex_wait_node_in_state(node, **patience)

    assert driver.ex_get_node_parameter(node, f"{names[0]}:ids") == "1,2"
    assert len(driver.ex_list_virtual_machines(node=node)) >= len(names) + 1


def test_parameters_reach_the_deployment(driver, scenario, image_of, deployed):
    image = image_of("component")
    inputs = [
        parameter["name"]
        for parameter in image.extra["parameters"]
        if parameter["category"] == "Input" and parameter["type"] == "String"
    ]
    if not inputs:
        scenario.unsupported("the component has no input parameter")
    text = 'it\'s "quoted" & <odd>, 100% ünïcödé'

    node = deployed(name=scenario.name, image=image, ex_parameters={inputs[0]: text})

    assert driver.ex_get_node_parameter(node, f"machine:{inputs[0]}") == text


def test_listings_show_the_node_by_its_name(driver, scenario, image_of):
    node = driver.create_node(name=scenario.name, image=image_of("component"))

    try:
        active = {found.id: found for found in driver.list_nodes(ex_addresses=True)}
        assert active[node.id].name == scenario.name
    finally:
        assert driver.destroy_node(node)
    everything = {found.id: found for found in driver.list_nodes(ex_active_only=False)}
    assert everything[node.id].name == scenario.name


def test_unknown_parameter_leaves_the_deployment_alone(driver, scenario, image_of, deployed):
    node = deployed(name=scenario.name, image=image_of("component"))

    with pytest.raises(BadInput, match="machine:hostname"):
        driver.ex_get_node_parameter(node, "machine:hostnam")

    assert driver.ex_get_node(node.id).extra["abort"] is None


def test_unknown_input_is_refused_before_anything_is_deployed(driver, image_of):
    image = image_of("component")

    with pytest.raises(BadInput, match="Unknown parameter 'no_such_parameter'"):
        driver.create_node(image=image, ex_parameters={"no_such_parameter": "x"})


def test_terminating_twice_is_accepted(driver, scenario, image_of):
    node = driver.create_node(name=scenario.name, image=image_of("component"))

    assert driver.destroy_node(node)
    assert driver.destroy_node(node)


def test_unknown_node(driver):
    with pytest.raises(NotFound):
        driver.ex_get_node(str(uuid.UUID(int=1)))
