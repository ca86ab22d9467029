"""A node is destroyed when the server says so, and leaves no machine behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.backends.slipstream.runs import LAUNCH_TIMEOUT
from slipstream.errors import (
    AnswerLost,
    Conflict,
    MalformedAnswer,
    NodeFailed,
    NotFound,
    RequestFailed,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox

from .support import Login

BLOG = "apps/WordPress/wordpress"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"
REFUSAL = '<error code="409" reason="Conflict" detail="{}">x</error>'
XML = {"Content-Type": "application/xml; charset=UTF-8"}


def deploy(driver: Driver) -> Node:
    return driver.create_node(name="blog", image=driver.get_image(BLOG))


def deletions(sandbox: Sandbox, node: Node) -> list[int]:
    return [entry.status for entry in sandbox.journal.entries("DELETE", f"/run/{node.id}")]


@pytest.fixture
def young(sandbox: Sandbox, driver: Driver) -> Node:
    """A node whose machine is being started."""
    sandbox.world.refuses_early_termination = True
    return deploy(driver)


def test_node_destroyed_while_its_machine_starts_leaves_no_machine(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, young: Node
) -> None:
    assert driver.destroy_node(young)
    statuses = deletions(sandbox, young)
    assert statuses[-1] == 204
    assert set(statuses[:-1]) == {409}
    sandbox.clock.advance(600)
    assert driver.ex_list_virtual_machines() == []
    assert driver.list_nodes() == []
    assert 20 < sum(waiting.slept) < LAUNCH_TIMEOUT
    assert max(waiting.slept) <= 10


def test_node_whose_machine_never_comes_is_destroyed_after_the_stated_time(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime
) -> None:
    node = deploy(driver)
    driver.destroy_node(node)
    body = REFUSAL.format("There are no instances to terminate.")
    sandbox.faults.add("DELETE", ".*", status=409, body=body, headers=XML, times=None)
    sandbox.world.set_parameter(str(node.id), "machine:instanceid", "")
    assert driver.destroy_node(node)
    # The time that a slow machine takes beside the pauses counts too.
    assert LAUNCH_TIMEOUT - 60 < sum(waiting.slept) < LAUNCH_TIMEOUT + 10


def test_node_that_stays_up_without_a_machine_is_not_called_destroyed(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime
) -> None:
    node = deploy(driver)
    sandbox.world.hold_run(str(node.id))
    body = REFUSAL.format("There are no instances to terminate.")
    sandbox.faults.add("DELETE", ".*", status=409, body=body, headers=XML, times=None)
    with pytest.raises(Conflict, match="no instances"):
        driver.destroy_node(node)


def test_another_conflict_is_told_at_once(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime
) -> None:
    node = deploy(driver)
    body = REFUSAL.format("The cloud is closed")
    sandbox.faults.add("DELETE", ".*", status=409, body=body, headers=XML)
    with pytest.raises(Conflict, match="The cloud is closed"):
        driver.destroy_node(node)
    assert waiting.slept == []


class TestLaunchFailed:
    @pytest.fixture
    def driver(self, login: Login, sandbox: Sandbox) -> Driver:
        """A driver for a user who has no credential for the cloud."""
        parameters = sandbox.world.accounts["alice"].parameters
        for name in [name for name in parameters if name.endswith((".username", ".password"))]:
            parameters[name].value = ""
        return login()

    def test_is_destroyed(self, driver: Driver, sandbox: Sandbox) -> None:
        node = deploy(driver)
        assert driver.destroy_node(node)
        assert driver.destroy_node(node)
        assert deletions(sandbox, node) == [400, 400]
        assert sandbox.world.run(str(node.id)).state == "Cancelled"

    def test_reason_has_no_markup(self, driver: Driver) -> None:
        node = deploy(driver)
        reason = "Cloud Username cannot be empty, please edit your user account"
        assert driver.ex_get_node(str(node.id)).extra["abort"] == reason
        assert driver.list_nodes()[0].extra["abort"] == reason
        with pytest.raises(NodeFailed, match=reason):
            driver.ex_wait_node_in_state(node, timeout=0)


def test_refusal_of_a_node_that_has_a_machine_is_told(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime
) -> None:
    node = deploy(driver)
    driver.ex_wait_node_in_state(node)
    link = "edit your &lt;a href=&apos;/user/alice&apos;&gt; user account&lt;/a&gt;"
    body = REFUSAL.format(f"Validation error: Cloud Username cannot be empty, please {link}")
    sandbox.faults.add("DELETE", ".*", status=400, body=body, headers=XML)
    with pytest.raises(RequestFailed, match="please edit your user account") as caught:
        driver.destroy_node(node)
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    "response",
    [
        {"status": 200, "body": "", "headers": {"Content-Type": ""}},
        {"status": 200, "body": "<html><body>Sign in to the network</body></html>"},
        {"status": 202, "body": "queued"},
        {"status": 300, "body": ""},
        {"status": 304, "body": ""},
    ],
    ids=["deleted-account", "portal", "accepted", "choices", "not-modified"],
)
def test_only_the_servers_own_confirmation_counts(
    driver: Driver, sandbox: Sandbox, response: dict[str, Any]
) -> None:
    node = deploy(driver)
    driver.import_key_pair_from_string("mine", KEY)
    image = driver.get_image(BLOG)
    key_pair = driver.get_key_pair("mine")
    changes: list[Callable[[], object]] = [
        lambda: driver.destroy_node(node),
        lambda: driver.delete_image(image),
        lambda: driver.delete_key_pair(key_pair),
    ]
    for method, change in zip(("DELETE", "DELETE", "PUT"), changes, strict=True):
        sandbox.faults.add(method, "/(run|module|user)/.*", **response)
        with pytest.raises(AnswerLost, match=f"HTTP {response['status']}") as caught:
            change()
        assert caught.value.may_have_happened
    assert [listed.id for listed in driver.list_nodes()] == [node.id]
    assert driver.get_key_pair("mine").public_key == key_pair.public_key


def test_node_that_does_not_exist_is_not_found(driver: Driver) -> None:
    node = deploy(driver)
    node.id = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
    with pytest.raises(NotFound):
        driver.destroy_node(node)


@pytest.mark.parametrize("method", ["list_nodes", "list_images", "list_key_pairs"])
def test_reads_of_an_account_that_was_deleted_say_so(
    driver: Driver, sandbox: Sandbox, method: str
) -> None:
    driver.list_key_pairs()  # which learns who is logged in
    sandbox.faults.add("GET", ".*", status=200, body="", headers={"Content-Type": ""}, times=None)
    with pytest.raises(MalformedAnswer, match="account that was deleted"):
        getattr(driver, method)()


def test_wait_for_a_node_of_an_account_that_was_deleted_ends_at_once(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime
) -> None:
    node = deploy(driver)
    sandbox.faults.add("GET", ".*", status=200, body="", headers={"Content-Type": ""}, times=None)
    with pytest.raises(MalformedAnswer, match="account that was deleted"):
        driver.ex_wait_node_in_state(node)
    assert waiting.slept == []
