"""Behind the vendor's front server, whose cache knows no users, everybody sees what is now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.types import NodeState

from slipstream.errors import Forbidden, NodeFailed
from slipstream.sandbox import Clock, Sandbox

from .support import WORDPRESS, Driver, Login


@pytest.fixture
def endpoint() -> Iterator[LiveEndpoint]:
    with Sandbox(clock=Clock(speed=0), front="vendor") as sandbox:
        endpoint = LiveEndpoint("slipstream", sandbox)
        yield endpoint
        endpoint.close()


def test_front_shows_the_present_of_a_node(driver: Driver, waiting: FakeTime) -> None:
    assert driver.list_nodes() == []
    node = driver.create_node(name="blog", image=driver.get_image(WORDPRESS))
    assert [listed.id for listed in driver.list_nodes()] == [node.id]
    driver.ex_wait_node_in_state(node)
    node = driver.ex_get_node(str(node.id))
    assert node.state == NodeState.RUNNING
    assert node.public_ips
    assert node.extra["service_url"]
    assert driver.destroy_node(node)
    assert driver.ex_get_node(str(node.id)).state != NodeState.RUNNING
    assert driver.list_nodes() == []


def test_front_shows_no_node_of_another_user(login: Login) -> None:
    alice, bob = login("alice"), login("bob")
    node = alice.create_node(name="blog", image=alice.get_image(WORDPRESS))
    assert len(alice.list_nodes()) == 1
    assert bob.list_nodes() == []
    alice.ex_get_node(str(node.id))
    with pytest.raises(Forbidden):
        bob.ex_get_node(str(node.id))


def test_front_waiting(endpoint: Any, driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    nodes = [endpoint.deploy(driver, name) for name in ("blog", "shop")]
    assert all(addresses for _, addresses in driver.wait_until_running(nodes))
    sandbox.world.abort_run(nodes[0].id, "the script failed")
    with pytest.raises(NodeFailed, match="the script failed"):
        driver.ex_wait_node_in_state(nodes[0], timeout=0)
