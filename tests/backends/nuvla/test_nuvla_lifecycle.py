"""Starting, stopping, updating, rebooting and destroying, and waits for their states."""

from __future__ import annotations

from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NodeFailed,
    NotFound,
    RequestFailed,
    WaitTimeout,
)
from slipstream.sandbox import Sandbox

from .support import (
    FAILING,
    NOBODYS,
    Driver,
    changes,
    deploy,
    deployments,
    in_state,
    logins,
    requests,
    stored,
)

pytestmark = pytest.mark.usefixtures("waiting")
START, STOP = ("POST", "deployment/start"), ("POST", "deployment/stop")
UPDATE, DELETE = ("POST", "deployment/update"), ("DELETE", "deployment")
READ, WRITE = ("GET", "deployment"), ("PUT", "deployment")
RENEW = [("GET", "session"), ("POST", "session")]


@pytest.fixture
def gone(driver: Driver) -> Node:
    """A deployment that does not exist."""
    return Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)


def test_wait_for_states_in_any_words(driver: Driver, running: Node) -> None:
    states: Any
    for states in ("STARTED", "Ready", "running", NodeState.RUNNING, ["ERROR", "started"]):
        assert driver.ex_wait_node_in_state(running, states) == "STARTED"
    driver.stop_node(running)
    for states in ("STOPPED", NodeState.STOPPED):
        assert driver.ex_wait_node_in_state(running, states) == "STOPPED"
    driver.destroy_node(running)
    for states in ("Done", "DELETED", NodeState.TERMINATED):
        assert driver.ex_wait_node_in_state(str(running.id), states) == "DELETED"


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "DELETED"])
def test_wait_for_a_node_that_will_not_start(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, gone: Node, state: str
) -> None:
    node = gone if state == "DELETED" else in_state(driver, sandbox, state)
    with pytest.raises(NodeFailed, match=f"is {state} and cannot become STARTED"):
        driver.ex_wait_node_in_state(node)
    assert waiting.slept == []


WRONG_STATES = {"start_node": "STARTED", "destroy_node": "PAUSED"}
WRONG_STATES |= dict.fromkeys(("stop_node", "ex_update_node", "reboot_node"), "STOPPED")


@pytest.mark.parametrize(("act", "state"), WRONG_STATES.items())
def test_change_in_a_wrong_state(driver: Driver, sandbox: Sandbox, act: str, state: str) -> None:
    node = in_state(driver, sandbox, state)
    with pytest.raises(RequestFailed, match=f"in state {state}") as caught:
        getattr(driver, act)(node)
    assert caught.value.http_code == 409
    assert stored(sandbox, node.id)["state"] == state
    assert len(sandbox.journal) <= 3


@pytest.mark.parametrize(
    ("act", "state", "then", "sent"),
    [
        ("start_node", "CREATED", "STARTED", [READ, *RENEW, READ, START]),
        ("start_node", "STOPPED", "STARTED", [READ, *RENEW, READ, START]),
        ("stop_node", "STARTED", "STOPPED", [READ, *RENEW, READ, STOP]),
        ("ex_update_node", "STARTED", "STARTED", [UPDATE, *RENEW, UPDATE]),
        ("destroy_node", "STARTED", "Done", [STOP, *RENEW, WRITE, STOP]),
    ],
)
def test_change_with_an_expired_session(
    driver: Driver, sandbox: Sandbox, act: str, state: str, then: str, sent: list[Any]
) -> None:
    in_state(driver, sandbox, state)
    [node] = driver.list_nodes()
    sandbox.journal.clear()
    sandbox.world.expire_sessions()
    assert getattr(driver, act)(node)
    assert requests(sandbox) == sent
    driver.ex_wait_node_in_state(node, then)


@pytest.mark.parametrize("rights", [(), ("view-meta",), ("view-meta", "view-data", "view-acl")])
def test_change_of_a_node_of_another_user(
    driver: Driver, bob: Driver, sandbox: Sandbox, rights: tuple[str, ...]
) -> None:
    for act in ("start_node", "stop_node", "reboot_node", "destroy_node", "ex_update_node"):
        state = "STOPPED" if act == "start_node" else "STARTED"
        node = in_state(bob, sandbox, state)
        acl = sandbox.world.store[node.id]["acl"]
        for right in rights:
            acl[right] = [*acl.get(right, []), sandbox.world.user_id("bob")]
        seen = {item.id: item for item in bob.list_nodes()}.get(node.id, node)
        sandbox.journal.clear()
        with pytest.raises(Forbidden):
            getattr(bob, act)(seen)
        assert not {STOP, START} & set(requests(sandbox))
        assert logins(sandbox) == 0
        assert sandbox.world.store[node.id]["state"] == state


def test_change_of_a_node_that_is_gone(driver: Driver, sandbox: Sandbox, gone: Node) -> None:
    for change in (driver.start_node, driver.stop_node, driver.ex_update_node):
        with pytest.raises(NotFound):
            change(gone)
    sandbox.journal.clear()
    assert driver.destroy_node(gone) is True
    assert requests(sandbox) == [READ]


@pytest.mark.parametrize(
    ("error", "message"), [(NodeFailed, "volumes are in use"), (WaitTimeout, "600 seconds")]
)
def test_reboot_whose_stop_does_not_end(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Any, error: Any, message: str
) -> None:
    if error is NodeFailed:
        sandbox.world.fail(running.id, message)
    else:
        sandbox.world.hold(running.id)
    with pytest.raises(error, match=message):
        driver.reboot_node(running)
    assert changes(sandbox) == [STOP]
    assert error is NodeFailed or 595 <= sum(waiting.slept) < 610


STATES = ["CREATED", "STOPPED", "PENDING", "STARTING", "STARTED", "UPDATING"]


@pytest.mark.parametrize("state", STATES)
def test_destroy_in_any_state(driver: Driver, sandbox: Sandbox, state: str) -> None:
    node = in_state(driver, sandbox, state)
    assert driver.destroy_node(node) is True
    assert requests(sandbox)[:2] == [READ, STOP]
    assert requests(sandbox)[2:] == ([DELETE] if state in STATES[:2] else [])
    assert driver.ex_wait_node_in_state(node, "Done") == "DELETED"
    assert deployments(sandbox) == []


@pytest.mark.parametrize("before", ["stop_node", "destroy_node"])
def test_destroy_while_stopping(driver: Driver, sandbox: Any, running: Node, before: str) -> None:
    getattr(driver, before)(running)
    assert driver.destroy_node(running)
    assert deployments(sandbox) == []
    assert requests(sandbox)[-1] == DELETE or before == "destroy_node"
    assert WRITE not in changes(sandbox), "a stop at work is let finish"


@pytest.mark.parametrize("how", ["a stop that failed", "a stop by others", "a failing start"])
def test_destroy_after_a_failed_stop(
    driver: Driver, sandbox: Any, running: Node, waiting: FakeTime, how: str
) -> None:
    if how == "a stop that failed":
        sandbox.world.fail(running.id, "out of order")
        driver.stop_node(running)
    elif how == "a stop by others":
        sandbox.world.change(running.id, sandbox.world.now(), state="STOPPING")
    else:
        driver.destroy_node(running)
        deploy(driver, FAILING)
        sandbox.clock.advance(300)
        [running] = driver.list_nodes()
    assert driver.destroy_node(running) is True
    assert driver.ex_wait_node_in_state(running, "Done") == "DELETED"
    assert sum(waiting.slept) < 60 or how == "a stop that failed"


def test_destroy_of_a_node_that_never_stops(
    driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
) -> None:
    sandbox.world.hold(running.id)
    driver.stop_node(running)
    with pytest.raises(RequestFailed, match="still STOPPING after 300 seconds"):
        driver.destroy_node(running)
    assert 290 < sum(waiting.slept) < 310


@pytest.mark.parametrize("identifier", ["deployment/../credential/x", "x", "module/" + "a" * 36])
def test_destroy_of_an_id_that_is_none(driver: Driver, sandbox: Sandbox, identifier: str) -> None:
    with pytest.raises(BadInput, match="is not the id of a node"):
        driver.destroy_node(Node(identifier, "x", NodeState.UNKNOWN, [], [], driver))
    assert changes(sandbox) == []


@pytest.fixture(params=["component", "project"])
def unstoppable(request: Any, driver: Driver, running: Node, sandbox: Sandbox) -> Node:
    """A deployment, listed in error, of what the job engine can neither start nor stop."""
    module = stored(sandbox, running.id)["module"] | {"subtype": request.param}
    sandbox.world.change(running.id, sandbox.world.now(), module=module, state="ERROR")
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
    return node


@pytest.fixture
def bare(driver: Driver, running: Node, sandbox: Sandbox) -> Node:
    """A deployment whose credential was deleted, the only one of its location."""
    sandbox.world.store.remove(stored(sandbox, running.id)["parent"])
    return running


def test_destroy_that_fails(driver: Driver, unstoppable: Node, waiting: FakeTime) -> None:
    name = str(unstoppable.id)
    for node in (unstoppable, Node(name, "x", NodeState.UNKNOWN, [], [], driver)):
        with pytest.raises(Conflict, match=rf"{name}: its stop failed: .*ex_force=True"):
            driver.destroy_node(node)
    assert sum(waiting.slept) < 240


def test_destroy_by_force(driver: Driver, unstoppable: Node, sandbox: Sandbox) -> None:
    assert driver.destroy_node(unstoppable, ex_force=True) is True
    assert deployments(sandbox) == []
    assert changes(sandbox) == [STOP, ("POST", "deployment/force-delete")]


@pytest.mark.parametrize("name", ["offline", "bare"])
def test_destroy_by_force_of(request: Any, driver: Driver, sandbox: Sandbox, name: str) -> None:
    assert driver.destroy_node(request.getfixturevalue(name), ex_force=True) is True
    assert deployments(sandbox) == []


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
