from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.libcloud.errors import Forbidden, InvalidCredentials, RequestFailed
from slipstream.sandbox import Sandbox

from .support import WEEK, Driver, Login, deploy, logins, requests, stored

CALLS: dict[str, Callable[[Driver], object]] = {
    "a search": lambda driver: driver.list_nodes(),
    "two searches at once": lambda driver: driver.list_locations(),
    "a read": lambda driver: driver.get_image("apps/WordPress/wordpress"),
    "a credential, for which nobody is told of a bad request": lambda driver: (
        driver.import_key_pair_from_string(
            "work",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2f3m6u4y0l6Dq7Rk1wzS8p9Lx5tBvHcNaEjU0KfWqY",
        ).name
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_session_that_has_ended_is_renewed_once(
    driver: Driver, sandbox: Sandbox, call: Callable[[Driver], object]
) -> None:
    before = repr(call(driver))
    sandbox.clock.advance(WEEK + 60)
    assert repr(call(driver)) == before
    assert logins(sandbox) == 1


def act_start(driver: Driver, node: Node) -> bool:
    return driver.start_node(node)


def act_stop(driver: Driver, node: Node) -> bool:
    return driver.stop_node(node)


@pytest.mark.parametrize(
    ("act", "state", "then"),
    [(act_start, "STOPPED", "STARTING"), (act_stop, "STARTED", "STOPPING")],
)
def test_a_session_about_to_end_is_renewed_before_a_request_that_changes_something(
    driver: Driver,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Driver, Node], bool],
    state: str,
    then: str,
) -> None:
    (identifier,) = sandbox.world.add_deployments(1, state=state)
    node = Node(identifier, "blog", None, [], [], driver)
    later = FakeTime()
    later.ahead = WEEK + 3600
    monkeypatch.setattr("slipstream.transport.clock.time", later)
    sandbox.clock.advance(WEEK + 3600)
    assert act(driver, node)
    assert [entry.status for entry in sandbox.journal] == [201, 200, 202]
    assert stored(sandbox, identifier)["state"] == then


@pytest.mark.parametrize(
    ("act", "state", "then"),
    [
        ("start_node", "CREATED", "STARTED"),
        ("start_node", "STOPPED", "STARTED"),
        ("stop_node", "STARTED", "STOPPED"),
        ("ex_update_node", "STARTED", "STARTED"),
        ("destroy_node", "STARTED", "Done"),
    ],
)
def test_a_session_that_ended_before_its_time_leaves_no_node_between_two_states(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, act: str, state: str, then: str
) -> None:
    (identifier,) = sandbox.world.add_deployments(1, state=state)
    node = Node(identifier, "blog", None, [], [], driver)
    sandbox.world.expire_sessions()
    assert getattr(driver, act)(node)
    assert logins(sandbox) == 1
    driver.ex_wait_node_in_state(node, then)


@pytest.mark.parametrize("rights", ["none", "view-meta", "view-acl"])
@pytest.mark.parametrize("act", ["start_node", "stop_node", "reboot_node", "destroy_node"])
def test_node_that_another_user_may_see_at_most_is_left_alone(
    driver: Driver, bob: Driver, sandbox: Sandbox, act: str, rights: str
) -> None:
    state = "STOPPED" if act == "start_node" else "STARTED"
    (identifier,) = sandbox.world.add_deployments(1, state=state)
    deployment = sandbox.world.store[identifier]
    if rights != "none":
        for right in ("view-meta", "view-data", "view-acl")[: 1 if rights == "view-meta" else 3]:
            viewers = deployment["acl"].get(right, [])
            deployment["acl"][right] = [*viewers, sandbox.world.user_id("bob")]
    nodes = bob.list_nodes() or [Node(identifier, "blog", None, [], [], bob)]
    sandbox.journal.clear()
    with pytest.raises(Forbidden):
        getattr(bob, act)(nodes[0])
    assert ("POST", "deployment/stop") not in requests(sandbox)
    assert ("POST", "deployment/start") not in requests(sandbox)
    assert sandbox.world.store[identifier]["state"] == state


@pytest.mark.parametrize(
    "call",
    [
        lambda driver, node: driver.ex_get_node(node.id),
        lambda driver, node: driver.ex_update_node(node),
        lambda driver, node: driver.ex_get_node_logs(node, ["web"]),
        lambda driver, node: driver.start_node(node),
    ],
    ids=["get", "update", "logs", "start"],
)
def test_a_refusal_that_means_not_yours_costs_no_login(
    driver: Driver, bob: Driver, sandbox: Sandbox, call: Callable[[Driver, Node], object]
) -> None:
    (identifier,) = sandbox.world.add_deployments(1, user="alice")
    with pytest.raises(RequestFailed, match="invalid credentials for 'deployment/") as caught:
        call(bob, Node(identifier, "blog", None, [], [], bob))
    assert caught.value.http_code == 403
    assert not isinstance(caught.value, InvalidCredentials)
    assert logins(sandbox) == 0
    assert len(sandbox.journal) <= 2


def test_a_session_that_cannot_be_renewed_says_so(login: Login, sandbox: Sandbox) -> None:
    driver = login()
    sandbox.world.expire_sessions()
    sandbox.world.passwords[sandbox.world.user_id("alice")] = "changed"
    with pytest.raises(InvalidCredentials, match="has ended and cannot be renewed"):
        driver.list_nodes()


def test_deploying_with_a_session_that_ended_unnoticed_goes_on_with_a_new_one(
    driver: Driver, sandbox: Sandbox
) -> None:
    sandbox.world.expire_sessions()
    assert deploy(driver).extra["state"] == "STARTING"
    assert logins(sandbox) == 1
