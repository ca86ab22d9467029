"""Waits and changes bring the node object up to date that they were given."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NodeFailed, NotSupported

RUNNING = {"slipstream": "Ready", "nuvla": "STARTED", "campus": "Ready"}


@pytest.fixture
def node(endpoint: LiveEndpoint, driver: SlipStreamNodeDriver) -> Node:
    return endpoint.deploy(driver, "shop")


def test_a_node_has_its_addresses_and_its_service_url_after_the_wait(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, waiting: FakeTime, node: Node
) -> None:
    assert node.state != NodeState.RUNNING
    assert driver.ex_wait_node_in_state(node, NodeState.RUNNING) == RUNNING[endpoint.family]
    current = driver.ex_get_node(node.id)
    assert node.state == NodeState.RUNNING
    assert node.public_ips + node.private_ips
    assert (node.public_ips, node.private_ips) == (current.public_ips, current.private_ips)
    assert node.extra == current.extra
    assert node.extra["service_url"]


def test_an_id_costs_no_request_for_the_node(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, waiting: FakeTime, node: Node
) -> None:
    endpoint.pass_time()
    endpoint.sandbox.journal.clear()
    assert driver.ex_wait_node_in_state(node.id, NodeState.RUNNING) == RUNNING[endpoint.family]
    assert len(list(endpoint.sandbox.journal)) == 1


def test_a_node_that_has_ended_is_terminated_after_the_wait(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, waiting: FakeTime, node: Node
) -> None:
    endpoint.pass_time()
    driver.destroy_node(node)
    driver.ex_wait_node_in_state(node, NodeState.TERMINATED)
    assert node.state == NodeState.TERMINATED


def test_a_failed_wait_leaves_the_state_that_it_has_read(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, waiting: FakeTime, node: Node
) -> None:
    endpoint.pass_time()
    driver.destroy_node(node)
    endpoint.pass_time()
    with pytest.raises(NodeFailed):
        driver.ex_wait_node_in_state(node, NodeState.RUNNING)
    assert node.state == NodeState.TERMINATED
    assert node.extra["state"] == driver.ex_wait_node_in_state(node.id, NodeState.TERMINATED)


def test_stopping_and_starting_update_the_state(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, node: Node
) -> None:
    endpoint.pass_time()
    (listed,) = driver.list_nodes()
    if endpoint.family != "nuvla":
        for change in (driver.stop_node, driver.start_node):
            with pytest.raises(NotSupported):
                change(listed)
        assert listed.state == NodeState.RUNNING
        return
    assert driver.stop_node(listed) is True
    assert listed.state == NodeState.STOPPING
    assert listed.extra["state"] == driver.ex_get_node(node.id).extra["state"] == "STOPPING"
    endpoint.pass_time()
    assert driver.start_node(listed) is True
    assert (listed.state, listed.extra["state"]) == (NodeState.STARTING, "STARTING")


def test_explaining_a_change_leaves_the_node_as_it_is(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, node: Node
) -> None:
    endpoint.pass_time()
    (listed,) = driver.list_nodes()
    driver.ex_explain(driver.stop_node, listed)
    driver.ex_explain("stop_node", node=listed)
    assert listed.state == NodeState.RUNNING
