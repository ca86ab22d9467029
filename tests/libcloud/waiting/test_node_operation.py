"""Handles on the way of a node, kept in files and taken up by other processes."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from endpoints_under_test import Driver, LiveEndpoint
from fake_time import FakeTime
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


def fail(endpoint: LiveEndpoint, node: Node, reason: str = "The disk is full") -> None:
    endpoint.fail(node, reason)
    if endpoint.family == "nuvla":
        endpoint.pass_time()


def test_operation_is_made_without_a_request(
    endpoint: LiveEndpoint, operation: NodeOperation, node: Node
) -> None:
    assert (operation.node_id, operation.node_name) == (node.id, "blog")
    assert operation.endpoint == endpoint.url
    assert operation.states == (READY[endpoint.family],)
    assert (operation.done, operation.failed) == (False, False)
    assert (operation.state, operation.reason, operation.history) == (None, None, ())
    assert len(endpoint.sandbox.journal) == 0


def test_operation_poll_sends_one_request_until_the_end(
    endpoint: LiveEndpoint, operation: NodeOperation
) -> None:
    for number in range(1, 100):
        assert operation.poll() is operation
        assert len(endpoint.sandbox.journal) == number
        if operation.done:
            break
        endpoint.sandbox.clock.advance(10)
    assert operation.state == READY[endpoint.family]
    operation.poll()
    assert operation.wait() is operation
    ended = pickle.loads(pickle.dumps(operation))  # needs no driver any more
    assert ended.poll().done
    assert ended.wait().state == operation.state
    assert len(endpoint.sandbox.journal) == number


def test_operation_wait_records_each_change_of_the_state(
    endpoint: LiveEndpoint, operation: NodeOperation, waiting: FakeTime
) -> None:
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
        operation.history[0].state = "Ready"  # type: ignore[misc]


def test_operation_wait_that_times_out_can_be_repeated(
    operation: NodeOperation, waiting: FakeTime
) -> None:
    with pytest.raises(WaitTimeout):
        operation.wait(timeout=5)
    assert (operation.done, operation.failed) == (False, False)
    assert operation.history
    assert operation.wait().done


def test_operation_wait_raises_a_failure_and_remembers_it(
    endpoint: LiveEndpoint, operation: NodeOperation, node: Node, waiting: FakeTime
) -> None:
    fail(endpoint, node)
    with pytest.raises(NodeFailed, match="The disk is full"):
        operation.wait()
    assert (operation.failed, operation.done) == (True, False)
    assert (operation.reason or "").endswith("The disk is full")
    assert operation.history[-1].failure == operation.reason
    endpoint.sandbox.journal.clear()
    with pytest.raises(NodeFailed, match="The disk is full") as caught:
        operation.wait()
    assert (caught.value.state, caught.value.reason) == (operation.state, operation.reason)
    assert caught.value.node_ids == (node.id,)
    assert operation.poll().failed
    assert len(endpoint.sandbox.journal) == 0


def test_operation_poll_notes_a_failure(
    endpoint: LiveEndpoint, operation: NodeOperation, node: Node
) -> None:
    fail(endpoint, node)
    assert operation.poll().failed
    assert (operation.reason or "").endswith("The disk is full")
    assert "failed in state" in repr(operation)
    assert repr(operation).endswith("The disk is full.>")


def test_operation_of_a_destroyed_node_has_a_sentence_as_its_reason(
    endpoint: LiveEndpoint, driver: Driver, operation: NodeOperation, node: Node
) -> None:
    endpoint.pass_time()
    driver.destroy_node(node)
    endpoint.pass_time()
    assert operation.poll().failed
    assert "cannot become" in (operation.reason or "")


def test_operation_ignores_an_abort(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    fail(endpoint, node)
    operation = driver.ex_operation(node, ["Ready", NodeState.ERROR], ignore_abort=True)
    assert operation.wait().done
    assert operation.history[-1].failure


@pytest.mark.parametrize("states", ["Done", NodeState.TERMINATED])
def test_operation_until_the_end_of_a_node(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime, states: str
) -> None:
    endpoint.pass_time()
    operation = driver.ex_operation(node, states)
    driver.destroy_node(node)
    assert not operation.poll().failed
    assert operation.wait(wait_period=1).done
    assert operation.state in {"Done", "DELETED"}


def test_operation_with_an_unknown_state(driver: Driver, node: Node) -> None:
    with pytest.raises(BadInput, match="Unknown state 'Redy'"):
        driver.ex_operation(node, "Redy")


def test_operation_poll_with_a_fault_changes_nothing(
    endpoint: LiveEndpoint, operation: NodeOperation, pauses: list[float]
) -> None:
    before = operation.poll().to_dict()
    endpoint.sandbox.faults.add("GET", ".*", status=503, times=4)
    with pytest.raises(ServiceUnavailable):
        operation.poll()
    assert operation.to_dict() == before
    assert operation.poll().state == operation.history[0].state


def test_operation_wait_that_is_interrupted_can_be_repeated(
    operation: NodeOperation, waiting: FakeTime, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: DeploymentState) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        operation.wait(progress=interrupt)
    assert len(operation.history) == 1
    with ProgressLine() as progress:
        operation.wait(progress=progress)
    lines = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [change.state for change in operation.history]


def test_operation_written_is_the_same_and_holds_no_secret(
    endpoint: LiveEndpoint, driver: Driver, operation: NodeOperation
) -> None:
    document = json.dumps(operation.poll().to_dict())
    secrets = [endpoint.sandbox.password, endpoint.sandbox.secret, endpoint.sandbox.username]
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


def test_operation_without_a_driver_says_how_to_resume(
    endpoint: LiveEndpoint, driver: Driver, operation: NodeOperation
) -> None:
    pickled = pickle.loads(pickle.dumps(operation))
    for call in (pickled.poll, pickled.wait):
        with pytest.raises(BadInput, match=r"has no driver.*resume\(driver\)") as caught:
            call()
        assert caught.value.endpoint == endpoint.url
        assert endpoint.url in str(caught.value)
    assert pickled.resume(driver) is pickled
    assert pickled.poll().state


def test_operation_resume_with_a_driver_of_another_endpoint(
    endpoint: LiveEndpoint, operation: NodeOperation
) -> None:
    with (
        Sandbox(speed=0) as elsewhere,
        Driver(elsewhere.username, elsewhere.password, ex_endpoint=elsewhere.url) as other,
        pytest.raises(BadInput, match="belongs to") as caught,
    ):
        operation.resume(other)
    assert endpoint.url in str(caught.value)
    assert elsewhere.url in str(caught.value)
    with pytest.raises(TypeError, match="driver must be a driver, not str"):
        operation.resume("slipstream")  # type: ignore[arg-type]


def test_operation_of_a_closed_driver_sends_nothing(
    endpoint: LiveEndpoint, driver: Driver, operation: NodeOperation
) -> None:
    driver.close()
    with pytest.raises(DriverClosed):
        operation.poll()
    assert operation.resume(endpoint.login()).poll().state


@pytest.mark.parametrize(
    "document",
    [
        *({}, {"node_id": "x"}, {"history": [{}]}, {"history": [{"timestamp": "soon"}]}),
        {"history": 3},
    ],
)
def test_operation_from_another_document(document: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"no document of a NodeOperation.*to_dict\(\)"):
        NodeOperation.from_dict(document)


def go_on(path: Path, family: str, username: str, password: str) -> None:
    """Wait in another process for the operations in a file."""
    operations: list[NodeOperation] = pickle.loads(path.read_bytes())
    options = {"ex_endpoint_kind": family, "retry_delay": 0.001}
    with Driver(username, password, ex_endpoint=operations[0].endpoint, **options) as driver:
        for operation in operations:
            with suppress(NodeFailed):
                operation.resume(driver).wait(wait_period=0.01, timeout=30)
    path.write_bytes(pickle.dumps(operations))


@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_operation_goes_on_in_another_process(
    endpoint: LiveEndpoint, driver: Driver, node: Node, tmp_path: Path
) -> None:
    path, sandbox = tmp_path / "operations.pickle", endpoint.sandbox
    failing = endpoint.deploy(driver, "failing")
    operations = [driver.ex_operation(item).poll() for item in (node, failing)]
    path.write_bytes(pickle.dumps(operations))
    endpoint.fail(failing, "The disk is full")
    endpoint.pass_time()
    process = multiprocessing.get_context("spawn").Process(
        target=go_on, args=(path, endpoint.family, sandbox.username, sandbox.password)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 0
    done, failed = pickle.loads(path.read_bytes())
    assert (done.done, failed.failed) == (True, True)
    for before, after in zip(operations, (done, failed), strict=True):
        assert after.history[: len(before.history)] == before.history
        assert len(after.history) > len(before.history)


@pytest.mark.parametrize("value", [float("nan"), -1, True, "5", 10**400], ids=type)
@pytest.mark.parametrize("name", ["wait_period", "timeout"])
def test_a_handle_that_has_ended_checks_its_numbers_too(name: str, value: object) -> None:
    ended = NodeOperation(node_id="x", node_name="x", endpoint="x", states=("Ready",), done=True)
    options: dict[str, Any] = {name: value}
    with pytest.raises(BadInput, match=f"{name} is "):
        ended.wait(**options)


def test_a_handle_shows_no_control_characters_of_the_server() -> None:
    ended = NodeOperation(
        node_id="x", node_name="x", endpoint="x", states=("Ready",), failed=True, reason="\x1b[2J"
    )
    assert "\\x1b[2J" in repr(ended)
    with pytest.raises(NodeFailed, match=r"\\x1b\[2J"):
        ended.wait()
