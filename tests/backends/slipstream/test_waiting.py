from __future__ import annotations

from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.sandbox import Sandbox

from .support import SYSTEM, WORDPRESS, XML, Driver


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> Node:
    created = driver.create_node(name="blog", image=driver.get_image(WORDPRESS))
    sandbox.journal.clear()
    return created


def test_wait_for_states_in_any_case(driver: Driver, node: Node) -> None:
    orders: list[tuple[Any, str]] = [
        (iter(["Provisioning"]), "Provisioning"),
        ("Executing", "Executing"),
        (["SENDINGREPORTS", "Done"], "SendingReports"),
        ("ready", "Ready"),
    ]
    for states, reached in orders:
        assert driver.ex_wait_node_in_state(node, states, wait_period=5) == reached


def test_wait_for_a_node_that_is_aborted(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    sandbox.world.abort_run(node.id, "The disk is full")
    with pytest.raises(NodeFailed, match=r"was aborted in state .*: The disk is full") as caught:
        driver.ex_wait_node_in_state(node)
    assert caught.value.reason == "The disk is full"
    sandbox.clock.advance(1000)
    assert sandbox.world.run(node.id).state == "Ready"
    with pytest.raises(NodeFailed, match="The disk is full") as caught:
        driver.ex_wait_node_in_state(node, "Ready")
    assert caught.value.state == "Ready"
    assert driver.ex_get_node(node).state == NodeState.ERROR


def test_wait_for_the_end_of_an_aborted_node(driver: Any, node: Node, sandbox: Any) -> None:
    sandbox.world.abort_run(node.id, "no quota")
    driver.destroy_node(node)
    for states in ("terminated", ["Done", "Cancelled", "Aborted"]):
        assert driver.ex_wait_node_in_state(node, states) == "Cancelled"
    other = driver.create_node(image=driver.get_image(SYSTEM), ex_keep_running="never")
    sandbox.world.abort_run(other.id, "no quota")
    sandbox.clock.advance(1000)
    assert driver.ex_wait_node_in_state(other, ["Aborted", "Done"]) == "Aborted"


@pytest.mark.parametrize(("seconds", "state"), [(0, "Cancelled"), (1000, "Done")])
def test_wait_for_a_node_that_has_ended(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox, seconds: int, state: str
) -> None:
    sandbox.clock.advance(seconds)
    if seconds:
        with pytest.raises(NodeFailed, match="is Ready and cannot become Executing"):
            driver.ex_wait_node_in_state(node, "Executing")
    driver.destroy_node(node)
    with pytest.raises(NodeFailed, match=f"is {state} and cannot become Ready any more"):
        driver.ex_wait_node_in_state(node)
    assert driver.ex_wait_node_in_state(node, state) == state
    assert waiting.slept == []


def test_wait_for_a_state_that_can_come_again(driver: Any, waiting: Any, sandbox: Any) -> None:
    node = driver.create_node(image=driver.get_image(SYSTEM), ex_scalable=True)
    sandbox.clock.advance(1000)
    with pytest.raises(WaitTimeout):
        driver.ex_wait_node_in_state(node, "Provisioning", timeout=30)


def test_parameter_value(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    assert driver.ex_get_node_parameter(node, "machine:hostname") is None
    for value in (" ", "0", "false", "null", "żółw & <b>"):
        sandbox.world.set_parameter(node.id, "machine:hostname", value)
        assert driver.ex_get_node_parameter(node, "machine:hostname") == value
    for is_set, value in (("true", ""), ("false", None)):
        parameter = f'<runtimeParameter key="machine:title" isSet="{is_set}"/>'
        entries = f"<runtimeParameters><entry>{parameter}</entry></runtimeParameters>"
        body = f'<run uuid="{node.id}" moduleResourceUri="module/apps/blog/1">{entries}</run>'
        sandbox.faults.add("GET", "/run/.*", body=body, headers=XML)
        assert driver.ex_get_node_parameter(node, "machine:title") == value


def test_unknown_parameter_aborts_nothing(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    names = ("machine:hostnam", "machine", "ss:statte", "../ss:state", "ss:state?x=1", "a%2fb")
    for name in names:
        with pytest.raises(BadInput, match=r"Unknown parameter .*machine:abort"):
            driver.ex_get_node_parameter(node, name)
    empty: Any
    for empty in ("", None):
        with pytest.raises((BadInput, TypeError), match="name of the parameter"):
            driver.ex_get_node_parameter(node, empty)
    assert sandbox.world.run(node.id).abort_reason == ""
    assert {entry.path for entry in sandbox.journal} == {f"/run/{node.id}"}
    assert driver.ex_wait_node_in_state(node) == "Ready"


def test_parameters_read_on_the_way_exist(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    driver.ex_wait_node_in_state(node, wait_period=5)
    sandbox.world.abort_run(node.id, "x")
    driver.ex_wait_node_in_state(node, ignore_abort=True)
    driver.ex_get_node(node)
    driver.ex_list_virtual_machines(node=node)
    driver.list_nodes(ex_addresses=True)
    driver.destroy_node(node)
    keys = {entry.path.split("/")[3] for entry in sandbox.journal if entry.path.count("/") == 3}
    assert keys == {"ss:state", "ss:abort"}


def test_parameter_of_an_aborted_node(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    sandbox.clock.advance(1000)
    sandbox.world.abort_run(node.id, "broken")
    assert driver.ex_get_node_parameter(node, "ss:abort") == "broken"
    with pytest.raises(NodeFailed, match="was aborted: broken") as caught:
        driver.ex_get_node_parameter(node, "machine:hostname", ignore_abort=False)
    assert caught.value.reason == "broken"
