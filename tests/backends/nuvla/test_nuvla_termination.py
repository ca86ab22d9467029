"""Destroying what does not go by itself: ``True`` means gone, or sure to go."""

from __future__ import annotations

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import Conflict, Forbidden
from slipstream.sandbox import Sandbox

from .support import FAILING, Driver, changes, deploy, deployments, requests, stored

pytestmark = pytest.mark.usefixtures("waiting")
STOP = ("POST", "deployment/stop")


def set_up(sandbox: Sandbox, node: Node, **fields: object) -> None:
    sandbox.world.change(node.id, sandbox.world.now(), **fields)


@pytest.fixture(params=["component", "project"])
def unstoppable(
    request: pytest.FixtureRequest, driver: Driver, running: Node, sandbox: Sandbox
) -> Node:
    """A deployment, listed in error, of what the job engine can neither start nor stop."""
    module = stored(sandbox, running.id)["module"] | {"subtype": request.param}
    set_up(sandbox, running, module=module, state="ERROR")
    [node] = driver.list_nodes()
    sandbox.journal.clear()
    return node


@pytest.fixture
def offline(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment on an edge that fetches its jobs, and is offline."""
    node = deploy(driver, where="edge-geneva")
    sandbox.clock.advance(300)
    node = driver.ex_get_node(node)
    sandbox.world.set_edge_online("edge-geneva", online=False)
    sandbox.journal.clear()
    return node


@pytest.fixture
def bare(driver: Driver, running: Node, sandbox: Sandbox) -> Node:
    """A deployment whose credential was deleted, the only one of its location."""
    sandbox.world.store.remove(stored(sandbox, running.id)["parent"])
    return running


@pytest.mark.parametrize("is_listed", [True, False])
def test_destroy_says_why_it_failed_and_what_to_do(
    driver: Driver, unstoppable: Node, waiting: FakeTime, is_listed: bool
) -> None:
    by_hand = Node(unstoppable.id, "x", NodeState.UNKNOWN, [], [], driver)
    with pytest.raises(Conflict, match=r"its stop failed: .*ex_force=True") as caught:
        driver.destroy_node(unstoppable if is_listed else by_hand)
    assert unstoppable.id in str(caught.value)
    assert sum(waiting.slept) < 120


def test_destroy_by_force(driver: Driver, unstoppable: Node, sandbox: Sandbox) -> None:
    assert driver.destroy_node(unstoppable, ex_force=True) is True
    assert deployments(sandbox) == []
    assert changes(sandbox) == [STOP, ("POST", "deployment/force-delete")]


@pytest.mark.parametrize("name", ["offline", "bare"])
def test_destroy_by_force_what_cannot_be_stopped(
    request: pytest.FixtureRequest, driver: Driver, sandbox: Sandbox, name: str
) -> None:
    node: Node = request.getfixturevalue(name)
    assert driver.destroy_node(node, ex_force=True) is True
    assert deployments(sandbox) == []


def test_destroy_an_application_in_error_waits(driver: Driver, sandbox: Sandbox) -> None:
    deploy(driver, FAILING)
    sandbox.clock.advance(300)
    [node] = driver.list_nodes()
    assert driver.destroy_node(node) is True
    assert deployments(sandbox) == []


def test_destroy_a_running_application_does_not_wait(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    assert driver.destroy_node(running) is True
    assert requests(sandbox) == [STOP]
    assert waiting.slept == []


def test_destroy_what_others_left_stopping(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    set_up(sandbox, running, state="STOPPING")
    assert driver.destroy_node(running) is True
    assert driver.ex_wait_node_in_state(running, "Done") == "DELETED"
    assert sum(waiting.slept) < 60


def test_destroy_on_an_offline_edge(driver: Driver, offline: Node, waiting: FakeTime) -> None:
    assert driver.destroy_node(offline) is True
    with pytest.raises(Conflict, match=r"edge-geneva.* is offline.*ex_force=True"):
        driver.destroy_node(offline)
    assert sum(waiting.slept) < 10


@pytest.mark.parametrize("act", ["stop_node", "ex_update_node", "destroy_node"])
def test_change_without_the_credential(driver: Driver, bare: Node, act: str) -> None:
    with pytest.raises(Forbidden, match=r"credential/.* was deleted.*PUT") as caught:
        getattr(driver, act)(bare)
    assert "Check that this account" not in str(caught.value)


def test_destroy_uses_another_credential(driver: Driver, bare: Node, sandbox: Sandbox) -> None:
    service = stored(sandbox, bare.id)["infrastructure-service"]
    sandbox.world.add_credential(service, name="spare")
    assert driver.destroy_node(bare) is True
    assert driver.ex_wait_node_in_state(bare, "Done") == "DELETED"
