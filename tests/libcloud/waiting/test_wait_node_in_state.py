"""ex_wait_node_in_state: what it reads, what it says at the end, and how it updates the node."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.sandbox import Sandbox


@pytest.fixture
def node(endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime) -> Node:
    node = endpoint.deploy(driver)
    endpoint.sandbox.journal.clear()
    return node


def test_wait_reads_the_state_and_at_the_end_the_node(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    endpoint.sandbox.world.expire_sessions()
    driver.list_key_pairs()  # renews the session
    endpoint.sandbox.journal.clear()
    state = driver.ex_wait_node_in_state(node, NodeState.RUNNING, wait_period=20)
    assert state == ("STARTED" if endpoint.family == "nuvla" else "Ready")
    polls = list(endpoint.sandbox.journal)[: len(waiting.slept) + 1]
    if endpoint.family == "nuvla":
        assert {entry.query["select"][0] for entry in polls} == {"id,state"}
    else:
        assert {entry.path for entry in polls} == {f"/run/{node.id}/ss:state"}
    at_the_end = 2 if endpoint.family == "nuvla" else 1  # what brings the node up to date
    assert len(endpoint.sandbox.journal) == len(polls) + at_the_end
    assert waiting.slept[0] <= 1
    assert max(waiting.slept) <= 20
    current = driver.ex_get_node(node.id)
    assert node.state == NodeState.RUNNING
    assert node.public_ips + node.private_ips
    assert (node.public_ips, node.private_ips) == (current.public_ips, current.private_ips)
    assert node.extra == current.extra
    assert node.extra["service_url"]
    endpoint.sandbox.journal.clear()
    assert driver.ex_wait_node_in_state(node.id, NodeState.RUNNING) == state
    assert len(endpoint.sandbox.journal) == 1  # an id is not brought up to date


def test_wait_that_times_out_says_in_which_state(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    endpoint.hold(node)
    endpoint.sandbox.world.expire_sessions()
    state = "STARTING, not STARTED" if endpoint.family == "nuvla" else "Initializing, not Ready"
    message = rf"Timed out after 60 seconds.*{node.id} is {state}.*The deployment goes on"
    with pytest.raises(WaitTimeout, match=message):
        driver.ex_wait_node_in_state(node, wait_period=7, timeout=60)
    assert sum(waiting.slept) == pytest.approx(60, abs=1)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"states": "Redy"}, BadInput, "Unknown state 'Redy'; did you mean 'Ready'"),
    ({"states": "runing"}, BadInput, "Unknown state 'runing'; did you mean 'running'"),
    ({"states": []}, BadInput, "state"),
    ({"states": [3]}, TypeError, "A state must be a string, not int"),
    ({"timeout": None}, BadInput, "timeout"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_wait_with_wrong_arguments(
    driver: Driver, node: Node, sandbox: Sandbox, options: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        driver.ex_wait_node_in_state(node, **options)
    assert len(sandbox.journal) == 0


def test_wait_updates_a_node_that_ends(endpoint: LiveEndpoint, driver: Driver, node: Node) -> None:
    endpoint.pass_time()
    other = driver.ex_get_node(node)
    driver.destroy_node(node)
    driver.ex_wait_node_in_state(node, NodeState.TERMINATED)
    assert node.state == NodeState.TERMINATED
    with pytest.raises(NodeFailed):
        driver.ex_wait_node_in_state(other, NodeState.RUNNING)
    assert other.state == NodeState.TERMINATED
    assert other.extra["state"] == driver.ex_wait_node_in_state(node.id, NodeState.TERMINATED)


@pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
def test_stop_and_start_update_the_node(endpoint: Any, driver: Driver, node: Node) -> None:
    endpoint.pass_time()
    (listed,) = driver.list_nodes()
    driver.ex_explain(driver.stop_node, listed)
    assert listed.state == NodeState.RUNNING
    assert driver.stop_node(listed) is True
    assert listed.state == NodeState.STOPPING
    assert listed.extra["state"] == driver.ex_get_node(node.id).extra["state"] == "STOPPING"
    endpoint.pass_time()
    assert driver.start_node(listed) is True
    assert (listed.state, listed.extra["state"]) == (NodeState.STARTING, "STARTING")
