"""A node is destroyed when the server says so, and leaves no machine behind."""

from __future__ import annotations

from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.backends.slipstream.runs import LAUNCH_TIMEOUT
from slipstream.errors import (
    BadInput,
    Conflict,
    MalformedAnswer,
    NodeFailed,
    NotFound,
    RequestFailed,
)
from slipstream.sandbox import Sandbox

from .support import NOBODYS_RUN, WORDPRESS, XML, Driver, Login

NO_INSTANCES = "There are no instances to terminate."


def deploy(driver: Driver) -> Node:
    return driver.create_node(name="blog", image=driver.get_image(WORDPRESS))


@pytest.fixture
def node(driver: Driver, waiting: FakeTime) -> Node:
    """A node whose machine is being started."""
    return deploy(driver)


def deletions(sandbox: Sandbox, node: Node) -> list[int]:
    return [entry.status for entry in sandbox.journal.entries("DELETE", f"/run/{node.id}")]


def refuse(sandbox: Sandbox, detail: str, *, status: int = 409, times: int | None = None) -> None:
    body = f'<error code="{status}" reason="Conflict" detail="{detail}">x</error>'
    sandbox.faults.add("DELETE", ".*", status=status, body=body, headers=XML, times=times)


def test_destroy_while_the_machine_starts(driver: Driver, sandbox: Sandbox, waiting: Any) -> None:
    sandbox.world.refuses_early_termination = True
    node = deploy(driver)
    assert driver.destroy_node(node)
    *refused, last = deletions(sandbox, node)
    assert (set(refused), last) == ({409}, 204)
    sandbox.clock.advance(600)
    assert driver.ex_list_virtual_machines() == []
    assert driver.list_nodes() == []
    assert 20 < sum(waiting.slept) < LAUNCH_TIMEOUT
    assert max(waiting.slept) <= 10


def test_destroy_if_no_machine_comes(driver: Any, sandbox: Any, waiting: Any, node: Node) -> None:
    driver.destroy_node(node)
    refuse(sandbox, NO_INSTANCES)
    sandbox.world.set_parameter(node.id, "machine:instanceid", "")
    assert driver.destroy_node(node)
    assert sum(waiting.slept) == pytest.approx(LAUNCH_TIMEOUT, abs=10)


def test_destroy_without_a_machine_stays_up(driver: Driver, sandbox: Sandbox, node: Node) -> None:
    sandbox.world.hold_run(node.id)
    refuse(sandbox, NO_INSTANCES)
    with pytest.raises(Conflict, match="no instances"):
        driver.destroy_node(node)


def test_destroy_refused(driver: Driver, sandbox: Sandbox, waiting: FakeTime, node: Node) -> None:
    refuse(sandbox, "The cloud is closed", times=1)
    with pytest.raises(Conflict, match="The cloud is closed"):
        driver.destroy_node(node)
    assert waiting.slept == []
    driver.ex_wait_node_in_state(node)
    link = "edit your &lt;a href=&apos;/user/alice&apos;&gt; user account&lt;/a&gt;"
    refuse(sandbox, f"Validation error: Cloud Username cannot be empty, please {link}", status=400)
    with pytest.raises(RequestFailed, match="please edit your user account") as caught:
        driver.destroy_node(node)
    assert "<" not in str(caught.value)


def test_destroy_a_node_whose_launch_failed(login: Login, sandbox: Sandbox) -> None:
    for credential in list(sandbox.world.store.collection("credential")):
        sandbox.world.store.remove(credential["id"])
    driver = login()
    node = deploy(driver)
    reason = "Cloud Username cannot be empty, please edit your user account"
    assert driver.ex_get_node(node).extra["abort"] == reason
    assert driver.list_nodes()[0].extra["abort"] == reason
    with pytest.raises(NodeFailed, match=reason):
        driver.ex_wait_node_in_state(node, timeout=0)
    assert driver.destroy_node(node)
    assert driver.destroy_node(node)
    assert deletions(sandbox, node) == [400, 400]
    assert sandbox.world.run(node.id).state == "Cancelled"


def test_destroy_a_node_that_does_not_exist_or_by_force(driver: Driver, node: Node) -> None:
    with pytest.raises(BadInput, match="ex_force has no meaning"):
        driver.destroy_node(node, ex_force=True)
    node.id = NOBODYS_RUN
    for call in (driver.destroy_node, driver.ex_wait_node_in_state):
        with pytest.raises(NotFound):
            call(node)


def test_reads_of_a_deleted_account(driver: Any, sandbox: Any, waiting: Any, node: Node) -> None:
    driver.list_key_pairs()  # which learns who is logged in
    sandbox.faults.add("GET", ".*", status=200, body="", headers={"Content-Type": ""}, times=None)
    for read in (
        *(driver.list_nodes, driver.list_images, driver.list_key_pairs),
        lambda: driver.ex_wait_node_in_state(node),
    ):
        with pytest.raises(MalformedAnswer, match="account that was deleted"):
            read()
    assert waiting.slept == []
