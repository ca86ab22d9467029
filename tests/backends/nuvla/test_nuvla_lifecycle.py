from __future__ import annotations

from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, NodeFailed, NotFound, RequestFailed, WaitTimeout
from slipstream.sandbox import Sandbox
from slipstream.values import DeploymentState

from .support import (
    FAILING,
    NOBODYS,
    Driver,
    changes,
    deploy,
    deployments,
    in_state,
    requests,
    stored,
)

START, STOP = ("POST", "deployment/start"), ("POST", "deployment/stop")
DELETE, STATE = ("DELETE", "deployment"), ("GET", "deployment")


@pytest.fixture
def gone(driver: Driver) -> Node:
    """A deployment that does not exist."""
    return Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)


def test_wait_for_states_in_any_words(driver: Driver, running: Node, waiting: FakeTime) -> None:
    states: Any
    for states in ("STARTED", "Ready", "running", NodeState.RUNNING, ["ERROR", "started"]):
        assert driver.ex_wait_node_in_state(running, states) == "STARTED"
    driver.stop_node(running)
    for states in ("STOPPED", NodeState.STOPPED):
        assert driver.ex_wait_node_in_state(running, states) == "STOPPED"
    driver.destroy_node(running)
    for states in ("Done", "DELETED", NodeState.TERMINATED):
        assert driver.ex_wait_node_in_state(running.id, states) == "DELETED"


def test_wait_for_a_node_in_error_gives_the_last_line_of_the_job(
    driver: Driver, waiting: FakeTime, sandbox: Sandbox
) -> None:
    node = deploy(driver, FAILING)
    with pytest.raises(NodeFailed) as caught:
        driver.ex_wait_node_in_state(node, wait_period=5)
    assert caught.value.state == "ERROR"
    assert "manifest for sandbox/no-such-image:latest not found" in str(caught.value)
    assert caught.value.reason is not None
    assert caught.value.reason.startswith("RuntimeError: Error response from daemon")
    assert "Traceback" not in str(caught.value)
    assert sum(waiting.slept) < 120
    assert requests(sandbox)[-3:] == [STATE, ("PUT", "job"), ("GET", "job")]


def test_wait_gives_the_reason_of_the_newest_job(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.fail(running.id, "disk full")
    driver.ex_update_node(running)
    with pytest.raises(NodeFailed, match="disk full"):
        driver.ex_wait_node_in_state(running)


def test_wait_for_a_node_of_a_canceled_job(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    (job,) = sandbox.world.store.collection("job")
    sandbox.world.change(job["id"], sandbox.world.now(), state="CANCELED")
    sandbox.world.change(node.id, sandbox.world.now(), state="ERROR")
    with pytest.raises(NodeFailed, match="canceled"):
        driver.ex_wait_node_in_state(node)


def test_wait_for_an_error(driver: Driver, waiting: FakeTime) -> None:
    assert driver.ex_wait_node_in_state(deploy(driver, FAILING), "ERROR") == "ERROR"


def test_wait_goes_on_when_the_first_attempt_is_made_again(
    driver: Driver, waiting: FakeTime, sandbox: Sandbox
) -> None:
    node = deploy(driver, where="edge-basel")
    states: list[str] = []

    def note(_: DeploymentState) -> None:
        states.extend(
            job["state"] + job["execution-mode"]
            for job in sandbox.world.store.collection("job")
            if job["action"] == "start_deployment"
        )

    assert driver.ex_wait_node_in_state(node, wait_period=1, progress=note) == "STARTED"
    steps = list(dict.fromkeys(states))
    assert steps.index("RUNNINGmixed") < steps.index("QUEUEDpull")


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "DELETED"])
def test_wait_for_a_node_that_will_not_start(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, gone: Node, state: str
) -> None:
    node = gone if state == "DELETED" else in_state(driver, sandbox, state)
    with pytest.raises(NodeFailed, match=f"is {state} and cannot become STARTED"):
        driver.ex_wait_node_in_state(node)
    assert waiting.slept == []


def test_wait_for_an_edge_that_is_offline(driver: Driver, waiting: FakeTime) -> None:
    node = deploy(driver, where="edge-zurich")
    with pytest.raises(WaitTimeout, match="is PENDING, not STARTED"):
        driver.ex_wait_node_in_state(node, timeout=900)
    assert 890 < sum(waiting.slept) < 910


def test_update(driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox) -> None:
    assert driver.ex_update_node(running) is True
    assert requests(sandbox) == [("POST", "deployment/update")]
    assert stored(sandbox, running.id)["state"] == "UPDATING"
    assert driver.ex_wait_node_in_state(running) == "STARTED"


@pytest.mark.parametrize(
    ("act", "state"),
    [
        ("start_node", "STARTED"),
        *((act, "STOPPED") for act in ("stop_node", "ex_update_node", "reboot_node")),
        ("destroy_node", "PAUSED"),
    ],
)
def test_change_in_a_state_that_does_not_allow_it(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, act: str, state: str
) -> None:
    node = in_state(driver, sandbox, state)
    with pytest.raises(RequestFailed, match=f"in state {state}") as caught:
        getattr(driver, act)(node)
    assert caught.value.http_code == 409
    assert stored(sandbox, node.id)["state"] == state
    assert len(sandbox.journal) <= 3


def test_reboot_is_a_stop_and_a_start(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    assert driver.reboot_node(running) is True
    assert changes(sandbox) == [STOP, START]
    assert driver.ex_wait_node_in_state(running) == "STARTED"


@pytest.mark.parametrize("how", ["fails", "hangs"])
def test_reboot_whose_stop_does_not_end_starts_nothing(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox, how: str
) -> None:
    if how == "fails":
        sandbox.world.fail(running.id, "volumes are in use")
    else:
        sandbox.world.hold(running.id)
    with pytest.raises((NodeFailed, WaitTimeout), match=r"volumes are in use|600 seconds"):
        driver.reboot_node(running)
    assert changes(sandbox) == [STOP]
    assert how == "fails" or 595 <= sum(waiting.slept) < 610


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        *((state, [STOP, DELETE]) for state in ("CREATED", "STOPPED")),
        *((state, [STOP]) for state in ("PENDING", "STARTING", "STARTED", "UPDATING")),
    ],
)
def test_destroy_in_any_state(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, state: str, sent: list[tuple[str, str]]
) -> None:
    node = in_state(driver, sandbox, state)
    assert driver.destroy_node(node) is True
    assert requests(sandbox) == [STATE, *sent]
    assert driver.ex_wait_node_in_state(node, "Done") == "DELETED"
    assert deployments(sandbox) == []


@pytest.mark.parametrize("before", ["stop_node", "destroy_node"])
def test_destroy_while_stopping(
    driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime, before: str
) -> None:
    getattr(driver, before)(running)
    assert driver.destroy_node(running)
    assert deployments(sandbox) == []
    assert requests(sandbox)[-1] == DELETE or before == "destroy_node"
    assert ("PUT", "deployment") not in changes(sandbox), "a stop at work is let finish"


def test_destroy_after_a_stop_that_failed(
    driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
) -> None:
    sandbox.world.fail(running.id, "out of order")
    driver.stop_node(running)
    assert driver.destroy_node(running)
    assert driver.ex_wait_node_in_state(running, "Done") == "DELETED"


def test_destroy_of_a_node_that_never_stops(
    driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
) -> None:
    sandbox.world.hold(running.id)
    driver.stop_node(running)
    with pytest.raises(RequestFailed, match="still STOPPING after 300 seconds"):
        driver.destroy_node(running)
    assert 290 < sum(waiting.slept) < 310


def test_change_of_a_node_that_is_gone(driver: Driver, sandbox: Sandbox, gone: Node) -> None:
    for change in (driver.start_node, driver.stop_node, driver.ex_update_node):
        with pytest.raises(NotFound):
            change(gone)
    sandbox.journal.clear()
    assert driver.destroy_node(gone) is True
    assert requests(sandbox) == [STATE]


def test_destroy_whose_stop_fails_ends_the_wait(
    driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
) -> None:
    sandbox.world.fail(running.id, "volumes are in use")
    driver.destroy_node(running)
    with pytest.raises(NodeFailed, match="volumes are in use"):
        driver.ex_wait_node_in_state(running, "Done")


@pytest.mark.parametrize("identifier", ["deployment/../credential/x", "x", "module/" + "a" * 36])
def test_destroy_of_an_id_that_is_none(driver: Driver, sandbox: Sandbox, identifier: str) -> None:
    with pytest.raises(BadInput, match="is not the id of a node"):
        driver.destroy_node(Node(identifier, "x", NodeState.UNKNOWN, [], [], driver))
    assert changes(sandbox) == []
