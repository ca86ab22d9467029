"""Handles on the way of a node, kept in files and taken up by other processes."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
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
    made = endpoint.deploy(driver)
    endpoint.sandbox.journal.clear()
    return made


def fail(endpoint: LiveEndpoint, node: Node, reason: str) -> None:
    endpoint.fail(node, reason)
    if endpoint.family == "nuvla":
        endpoint.pass_time()


def test_a_handle_is_made_without_a_request(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node)
    assert (handle.node_id, handle.node_name) == (node.id, "blog")
    assert handle.endpoint == endpoint.url
    assert handle.states == (READY[endpoint.family],)
    assert (handle.done, handle.failed) == (False, False)
    assert (handle.state, handle.reason, handle.history) == (None, None, ())
    assert len(endpoint.sandbox.journal) == 0


def test_poll_sends_one_request_until_the_end(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node)
    for number in range(1, 100):
        assert handle.poll() is handle
        assert len(endpoint.sandbox.journal) == number
        if handle.done:
            break
        endpoint.sandbox.clock.advance(10)
    assert handle.state == READY[endpoint.family]
    handle.poll()
    assert handle.wait() is handle
    assert len(endpoint.sandbox.journal) == number


def test_the_history_has_an_entry_for_each_change(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    before = datetime.now(UTC)
    handle = driver.ex_operation(node).wait()
    words = [entry.state for entry in handle.history]
    assert len(words) == len(set(words)) > 1
    assert words[-1] == handle.state == READY[endpoint.family]
    timestamps = [change.timestamp for change in handle.history]
    assert timestamps == sorted(timestamps)
    assert all(timestamp.utcoffset() == timedelta(0) for timestamp in timestamps)
    assert before <= timestamps[0] <= timestamps[-1] <= datetime.fromtimestamp(waiting.time(), UTC)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        handle.history[0].state = "Ready"  # type: ignore[misc]


def test_waiting_by_a_handle_is_waiting_for_the_node(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    told: list[DeploymentState] = []
    handle = driver.ex_operation(node)
    assert handle.wait(wait_period=5, timeout=1800, progress=told.append) is handle
    assert handle.done
    assert max(waiting.slept) <= 5
    assert [one.state for one in told][-1] == READY[endpoint.family]
    assert {one.deployment_id for one in told} == {node.id}


def test_the_end_of_the_time_ends_the_waiting_and_not_the_operation(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    handle = driver.ex_operation(node)
    with pytest.raises(WaitTimeout):
        handle.wait(timeout=5)
    assert not handle.done
    assert not handle.failed
    assert handle.history
    assert handle.wait().done


def test_a_failure_is_raised_by_waiting_and_noted(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    fail(endpoint, node, "The disk is full")
    handle = driver.ex_operation(node)
    with pytest.raises(NodeFailed, match="The disk is full"):
        handle.wait()
    assert handle.failed
    assert not handle.done
    assert (handle.reason or "").endswith("The disk is full")
    assert handle.history[-1].failure == handle.reason
    endpoint.sandbox.journal.clear()
    with pytest.raises(NodeFailed, match="The disk is full") as caught:
        handle.wait()
    assert caught.value.state == handle.state
    assert caught.value.reason == handle.reason
    assert caught.value.node_ids == (node.id,)
    assert handle.poll().failed
    assert len(endpoint.sandbox.journal) == 0


def test_a_failure_is_noted_by_polling(endpoint: LiveEndpoint, driver: Driver, node: Node) -> None:
    fail(endpoint, node, "The disk is full")
    handle = driver.ex_operation(node).poll()
    assert handle.failed
    assert (handle.reason or "").endswith("The disk is full")


def test_a_failure_without_a_reason_of_the_server_is_a_sentence(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    driver.ex_wait_node_in_state(node)
    driver.destroy_node(node)
    endpoint.pass_time()
    handle = driver.ex_operation(node).poll()
    assert handle.failed
    assert "cannot become" in (handle.reason or "")


def test_an_abort_can_be_ignored(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    fail(endpoint, node, "half of it is missing")
    handle = driver.ex_operation(node, ["Ready", NodeState.ERROR], ignore_abort=True)
    assert handle.wait().done
    assert handle.history[-1].failure


@pytest.mark.parametrize("states", ["Done", NodeState.TERMINATED])
def test_a_handle_follows_a_node_to_its_end(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime, states: str
) -> None:
    driver.ex_wait_node_in_state(node)
    handle = driver.ex_operation(node, states)
    driver.destroy_node(node)
    assert not handle.poll().failed
    assert handle.wait(wait_period=1).done
    assert handle.state in {"Done", "DELETED"}


def test_a_state_that_does_not_exist_is_refused(driver: Driver, node: Node) -> None:
    with pytest.raises(BadInput, match="Unknown state 'Redy'"):
        driver.ex_operation(node, "Redy")


def test_a_fault_is_raised_by_polling_and_changes_nothing(
    endpoint: LiveEndpoint, driver: Driver, node: Node, pauses: list[float]
) -> None:
    handle = driver.ex_operation(node).poll()
    before = handle.to_dict()
    endpoint.sandbox.faults.add("GET", ".*", status=503, times=4)
    with pytest.raises(ServiceUnavailable):
        handle.poll()
    assert handle.to_dict() == before
    assert handle.poll().state == handle.history[0].state


def test_an_exception_of_progress_comes_out_and_the_handle_can_go_on(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    def interrupted(_: DeploymentState) -> None:
        raise KeyboardInterrupt

    handle = driver.ex_operation(node)
    with pytest.raises(KeyboardInterrupt):
        handle.wait(progress=interrupted)
    assert len(handle.history) == 1
    assert handle.wait().done


def test_the_progress_line_serves_handles(
    endpoint: LiveEndpoint,
    driver: Driver,
    node: Node,
    waiting: FakeTime,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressLine() as progress:
        handle = driver.ex_operation(node).wait(progress=progress)
    shown = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert shown == [entry.state for entry in handle.history]


def test_what_is_written_holds_neither_the_driver_nor_a_secret(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node).poll()
    secrets = [endpoint.sandbox.password, endpoint.sandbox.secret, endpoint.sandbox.username]
    secrets += [cookie.value or "" for cookie in driver._session.cookies]
    for text in (pickle.dumps(handle).decode("latin-1"), json.dumps(handle.to_dict())):
        assert not [secret for secret in secrets if secret in text]
        assert "Driver" not in text
    assert len(repr(handle)) < 200
    assert node.id in repr(handle)


def test_a_failed_operation_prints_the_reason(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node)
    endpoint.fail(node, "no capacity")
    endpoint.pass_time()
    text = repr(handle.poll())
    assert "failed in state" in text
    assert text.endswith("no capacity.>")


def test_what_was_written_comes_back_the_same(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node).poll()
    for back in (
        pickle.loads(pickle.dumps(handle)),
        NodeOperation.from_dict(json.loads(json.dumps(handle.to_dict()))),
        copy.deepcopy(handle),
    ):
        assert back.to_dict() == handle.to_dict()
        assert isinstance(back.history[0], StateChange)
        assert repr(back) == repr(handle)


def test_a_handle_without_a_driver_says_what_to_do(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = pickle.loads(pickle.dumps(driver.ex_operation(node)))
    for ask in (handle.poll, handle.wait):
        with pytest.raises(BadInput, match=r"has no driver.*resume\(driver\)") as caught:
            ask()
        assert caught.value.endpoint == endpoint.url
        assert endpoint.url in str(caught.value)
    assert handle.resume(driver) is handle
    assert handle.poll().state


def test_a_handle_that_has_ended_needs_no_driver(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    done = pickle.loads(pickle.dumps(driver.ex_operation(node).wait()))
    assert done.poll().done
    assert done.wait().state == READY[endpoint.family]


def test_a_driver_of_another_endpoint_is_refused(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = pickle.loads(pickle.dumps(driver.ex_operation(node)))
    with Sandbox(speed=0) as elsewhere:
        other = Driver(elsewhere.username, elsewhere.password, ex_endpoint=elsewhere.url)
        with pytest.raises(BadInput, match="belongs to") as caught:
            handle.resume(other)
        other.close()
    assert endpoint.url in str(caught.value)
    assert elsewhere.url in str(caught.value)
    with pytest.raises(TypeError, match="driver must be a driver, not str"):
        handle.resume("slipstream")


def test_a_driver_that_was_closed_sends_nothing_more(
    endpoint: LiveEndpoint, driver: Driver, node: Node
) -> None:
    handle = driver.ex_operation(node)
    driver.close()
    with pytest.raises(DriverClosed):
        handle.poll()
    assert handle.resume(endpoint.login()).poll().state


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"node_id": "x"},
        {"history": [{}]},
        {"history": [{"timestamp": "soon"}]},
        {"history": 3},
    ],
)
def test_what_is_no_document_of_a_handle_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"no document of a NodeOperation.*to_dict\(\)"):
        NodeOperation.from_dict(document)


def go_on(path: Path, family: str, username: str, password: str) -> None:
    """What another process does with the operations that it finds in a file."""
    operations: list[NodeOperation] = pickle.loads(path.read_bytes())
    options = {"ex_endpoint_kind": family, "retry_delay": 0.001}
    with Driver(username, password, ex_endpoint=operations[0].endpoint, **options) as driver:
        for operation in operations:
            with suppress(NodeFailed):
                operation.resume(driver).wait(wait_period=0.01, timeout=30)
    path.write_bytes(pickle.dumps(operations))


def test_another_process_goes_on_with_an_operation(
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
