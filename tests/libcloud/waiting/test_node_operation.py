"""Handles on the way of a node, stored in files and resumed by other processes."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    BadInput,
    DriverClosed,
    NodeFailed,
    ServiceUnavailable,
    WaitTimeout,
)
from slipstream.libcloud.node_operation import NodeOperation, StateChange
from slipstream.libcloud.progress import ProgressLine
from slipstream.sandbox import Sandbox
from slipstream.values import DeploymentState

ENDED: Any = {"node_id": "x", "node_name": "x", "endpoint": "x", "states": ("Ready",)}
READY = {"slipstream": "Ready", "nuvla": "STARTED"}


@pytest.fixture
def node(endpoint: LiveEndpoint, driver: Driver) -> Node:
    node = endpoint.deploy(driver)
    endpoint.sandbox.journal.clear()
    return node


@pytest.fixture
def operation(driver: Driver, node: Node) -> NodeOperation:
    """The start of a node that was just deployed."""
    return driver.ex_operation(node)


@pytest.fixture
def failed(endpoint: LiveEndpoint, node: Node) -> None:
    """Let the node fail."""
    endpoint.fail(node, "The disk is full")
    if endpoint.family == "nuvla":
        endpoint.pass_time()


def test_operation_is_made_without_a_request_and_polled_by_one_until_the_end(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    operation, journal = driver.ex_operation(node), endpoint.sandbox.journal
    assert (operation.node_id, operation.node_name) == (node.id, "blog")
    assert operation.endpoint == endpoint.url
    assert operation.states == (READY[endpoint.family],)
    assert (operation.done, operation.failed) == (False, False)
    assert (operation.state, operation.reason, operation.history) == (None, None, ())
    with pytest.raises(BadInput, match="Unknown state 'Redy'"):
        driver.ex_operation(node, "Redy")
    assert len(journal) == 0
    for number in range(1, 100):
        assert operation.poll() is operation
        assert len(journal) == number
        if operation.done:
            break
        endpoint.sandbox.clock.advance(10)
    assert operation.state == READY[endpoint.family]
    operation.poll()
    assert operation.wait() is operation
    pickled = pickle.loads(pickle.dumps(operation))  # needs no driver any more
    assert pickled.poll().done
    assert pickled.wait().state == operation.state
    assert len(journal) == number


def test_operation_wait_records_each_state(endpoint: Any, operation: Any, waiting: Any) -> None:
    before, states = datetime.now(UTC), list[DeploymentState]()
    assert operation.wait(wait_period=5, timeout=1800, progress=states.append) is operation
    assert operation.done
    assert max(waiting.slept) <= 5
    assert {state.deployment_id for state in states} == {operation.node_id}
    words = [change.state for change in operation.history]
    assert words == list(dict.fromkeys(state.state for state in states))
    assert words[-1] == operation.state == READY[endpoint.family]
    timestamps = [change.timestamp for change in operation.history]
    assert timestamps == sorted(timestamps)
    assert all(timestamp.utcoffset() == timedelta(0) for timestamp in timestamps)
    assert before <= timestamps[0] <= timestamps[-1] <= datetime.fromtimestamp(waiting.time(), UTC)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        operation.history[0].state = "Ready"


@pytest.mark.usefixtures("waiting")
def test_operation_wait_can_be_repeated(operation: Any, capsys: Any) -> None:
    def interrupt(_: DeploymentState) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        operation.wait(progress=interrupt)
    assert len(operation.history) == 1
    with pytest.raises(WaitTimeout):
        operation.wait(timeout=0)
    assert (operation.done, operation.failed) == (False, False)
    with ProgressLine() as progress:
        assert operation.wait(progress=progress).done
    lines = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [change.state for change in operation.history]


@pytest.mark.usefixtures("waiting", "failed")
@pytest.mark.parametrize("first", ["wait", "poll"])
def test_operation_of_a_node_that_fails(endpoint: Any, operation: Any, first: str) -> None:
    if first == "poll":
        assert operation.poll().failed
    else:
        with pytest.raises(NodeFailed, match="The disk is full"):
            operation.wait()
    assert (operation.failed, operation.done) == (True, False)
    assert operation.reason.endswith("The disk is full")
    assert operation.history[-1].failure == operation.reason
    assert "failed in state" in repr(operation)
    assert repr(operation).endswith("The disk is full.>")
    endpoint.sandbox.journal.clear()
    with pytest.raises(NodeFailed, match="The disk is full") as caught:
        operation.wait()
    assert (caught.value.state, caught.value.reason) == (operation.state, operation.reason)
    assert caught.value.node_ids == (operation.node_id,)
    assert operation.poll().failed
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.usefixtures("waiting", "failed")
def test_operation_ignores_an_abort(driver: Driver, node: Node) -> None:
    operation = driver.ex_operation(node, ["Ready", NodeState.ERROR], ignore_abort=True)
    assert operation.wait().done
    assert operation.history[-1].failure


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("states", ["Done", NodeState.TERMINATED])
def test_operation_until_the_end(endpoint: Any, driver: Driver, node: Node, states: str) -> None:
    endpoint.pass_time()
    operation, other = driver.ex_operation(node, states), driver.ex_operation(node)
    driver.destroy_node(node)
    assert not operation.poll().failed
    assert operation.wait(wait_period=1).done
    assert operation.state in {"Done", "DELETED"}
    assert other.poll().failed
    assert "cannot become" in (other.reason or "")


@pytest.mark.usefixtures("pauses")
def test_operation_poll_with_a_fault_changes_nothing(sandbox: Sandbox, operation: Any) -> None:
    before = operation.poll().to_dict()
    sandbox.faults.add("GET", ".*", status=503, times=4)
    with pytest.raises(ServiceUnavailable):
        operation.poll()
    assert operation.to_dict() == before
    assert operation.poll().state == operation.history[0].state


def test_operation_written_is_the_same_and_holds_no_secret(
    sandbox: Sandbox, driver: Driver, operation: Any
) -> None:
    document = json.dumps(operation.poll().to_dict())
    secrets = [sandbox.password, sandbox.secret, sandbox.username]
    secrets += [cookie.value or "" for cookie in driver._session.cookies]
    for text in (pickle.dumps(operation).decode("latin-1"), document):
        assert not [secret for secret in (*secrets, "Driver") if secret in text]
    assert len(repr(operation)) < 200
    assert operation.node_id in repr(operation)
    for other in (
        pickle.loads(pickle.dumps(operation)),
        NodeOperation.from_dict(json.loads(document)),
        copy.deepcopy(operation),
    ):
        assert other.to_dict() == operation.to_dict()
        assert isinstance(other.history[0], StateChange)
        assert repr(other) == repr(operation)


def test_operation_needs_a_driver_of_its_endpoint(
    endpoint: LiveEndpoint, driver: Driver, operation: NodeOperation
) -> None:
    pickled = pickle.loads(pickle.dumps(operation))
    for call in (pickled.poll, pickled.wait):
        with pytest.raises(BadInput, match=r"has no driver.*resume\(driver\)") as caught:
            call()
        assert caught.value.endpoint == endpoint.url
        assert endpoint.url in str(caught.value)
    other = SimpleNamespace(ex_endpoint="https://other.example")
    with pytest.raises(BadInput, match=f"{endpoint.url}.*{other.ex_endpoint}"):
        pickled.resume(other)
    with pytest.raises(TypeError, match="driver must be a SlipStreamNodeDriver, not str"):
        pickled.resume("slipstream")
    assert pickled.resume(driver) is pickled
    assert pickled.poll().state
    driver.close()
    with pytest.raises(DriverClosed):
        operation.poll()
    assert operation.resume(endpoint.login()).poll().state


def test_operation_from_another_document() -> None:
    soon = [{"timestamp": "soon"}]
    documents: list[Any] = [{}, {"node_id": "x"}, *({"history": h} for h in (3, [{}], soon))]
    for document in documents:
        with pytest.raises(BadInput, match=r"not a document of a NodeOperation.*to_dict\(\)"):
            NodeOperation.from_dict(document)


@pytest.mark.parametrize("value", [float("nan"), -1, True, "5", 10**400], ids=type)
@pytest.mark.parametrize("name", ["wait_period", "timeout"])
def test_operation_that_has_ended_checks_its_numbers(name: str, value: Any) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(BadInput, match=f"{name} must be "):
        NodeOperation(**ENDED, done=True).wait(**options)


def test_operation_shows_no_control_characters() -> None:
    operation = NodeOperation(**ENDED, failed=True, reason="\x1b[2J")
    assert "\\x1b[2J" in repr(operation)
    with pytest.raises(NodeFailed, match=r"\\x1b\[2J"):
        operation.wait()
