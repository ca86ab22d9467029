from __future__ import annotations

import io

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    BadInput,
    NoAnswer,
    NodeFailed,
    NotFound,
    ServiceUnavailable,
    WaitTimeout,
)
from slipstream.libcloud.progress import ProgressLine
from slipstream.sandbox import Sandbox
from slipstream.values import DeploymentState, Phase

from .support import FAILING, NOBODYS_RUN, SYSTEM, WORDPRESS, Driver


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    created = driver.create_node(name="blog", image=driver.get_image(WORDPRESS))
    sandbox.journal.clear()
    return created


def test_waiting_gives_the_state_reached(driver: Driver, node: Node, waiting: FakeTime) -> None:
    assert driver.ex_wait_node_in_state(node) == "Ready"
    assert 200 < sum(waiting.slept) < 260


def test_waiting_asks_one_cheap_question_at_a_time(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    driver.ex_wait_node_in_state(node, wait_period=20)
    *polls, last = [entry.path for entry in sandbox.journal]
    assert set(polls) == {f"/run/{node.id}/ss:state"}
    assert last == f"/run/{node.id}", "what brings the node up to date"
    assert len(polls) == len(waiting.slept) + 1
    assert waiting.slept[0] <= 1
    assert max(waiting.slept) <= 20
    assert sum(waiting.slept) > 200


@pytest.mark.parametrize(
    ("states", "reached"),
    [
        ("Executing", "Executing"),
        ("ready", "Ready"),
        (["SENDINGREPORTS", "Done"], "SendingReports"),
        (iter(["Provisioning"]), "Provisioning"),
    ],
)
def test_states_can_be_given_in_any_case_and_in_any_number(
    driver: Driver, node: Node, waiting: FakeTime, states: object, reached: str
) -> None:
    assert driver.ex_wait_node_in_state(node, states, wait_period=5) == reached  # type: ignore[arg-type]


def test_an_aborted_deployment_fails_at_once_with_its_reason(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.abort_run(node.id, "The disk is full")
    with pytest.raises(NodeFailed, match=r"was aborted in state .*: The disk is full") as caught:
        driver.ex_wait_node_in_state(node)
    assert caught.value.reason == "The disk is full"
    assert waiting.slept == []


def test_a_script_that_fails_ends_the_waiting_with_its_reason(
    driver: Driver, waiting: FakeTime
) -> None:
    node = driver.create_node(image=driver.get_image(FAILING))
    with pytest.raises(NodeFailed, match="Failed running 'execute' target on 'machine'"):
        driver.ex_wait_node_in_state(node, timeout=3600)
    assert sum(waiting.slept) < 600


def test_ready_with_the_abort_flag_set_is_a_failure(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.abort_run(node.id, "half of it is missing")
    sandbox.clock.advance(1000)
    assert sandbox.world.run(node.id).state == "Ready"
    with pytest.raises(NodeFailed, match="half of it is missing") as caught:
        driver.ex_wait_node_in_state(node, "Ready")
    assert caught.value.state == "Ready"
    assert driver.ex_get_node(node.id).state == NodeState.ERROR


def test_an_abort_can_be_ignored(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.abort_run(node.id, "half of it is missing")
    assert driver.ex_wait_node_in_state(node, ignore_abort=True) == "Ready"


def test_waiting_for_the_end_of_an_aborted_deployment_is_no_failure(
    driver: Driver, waiting: FakeTime, sandbox: Sandbox
) -> None:
    node = driver.create_node(image=driver.get_image(SYSTEM), ex_keep_running="never")
    sandbox.world.abort_run(node.id, "no quota")
    sandbox.clock.advance(1000)
    assert driver.ex_wait_node_in_state(node, ["Aborted", "Done"]) == "Aborted"


@pytest.mark.parametrize("states", ["terminated", ["Done", "Cancelled", "Aborted"]])
def test_waiting_for_the_end_of_what_was_destroyed_after_a_failure_is_no_failure(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox, states: str | list[str]
) -> None:
    sandbox.world.abort_run(node.id, "no quota")
    driver.destroy_node(node)
    assert driver.ex_wait_node_in_state(node, states) == "Cancelled"


def test_a_deployment_that_was_terminated_ends_the_waiting_at_once(
    driver: Driver, node: Node, waiting: FakeTime
) -> None:
    driver.destroy_node(node)
    with pytest.raises(NodeFailed, match="is Cancelled and cannot become Ready any more"):
        driver.ex_wait_node_in_state(node)
    assert waiting.slept == []


def test_a_deployment_that_is_done_ends_the_waiting_at_once(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.clock.advance(1000)
    driver.destroy_node(node)
    with pytest.raises(NodeFailed, match="is Done and cannot become Ready"):
        driver.ex_wait_node_in_state(node)
    assert driver.ex_wait_node_in_state(node, "Done") == "Done"


def test_a_state_that_lies_behind_is_not_waited_for(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.clock.advance(1000)
    with pytest.raises(NodeFailed, match="is Ready and cannot become Executing"):
        driver.ex_wait_node_in_state(node, "Executing")


def test_a_state_that_lies_behind_can_come_again_where_machines_can_be_added(
    driver: Driver, waiting: FakeTime, sandbox: Sandbox
) -> None:
    node = driver.create_node(image=driver.get_image(SYSTEM), ex_scalable=True)
    sandbox.clock.advance(1000)
    with pytest.raises(WaitTimeout):
        driver.ex_wait_node_in_state(node, "Provisioning", timeout=30)


def test_the_end_of_the_time_is_told_with_the_state_and_what_goes_on(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.hold_run(node.id)
    with pytest.raises(WaitTimeout) as caught:
        driver.ex_wait_node_in_state(node, wait_period=7, timeout=60)
    text = str(caught.value)
    assert "Timed out after 60 seconds" in text
    assert f"{node.id} is Initializing, not Ready" in text
    assert "The deployment goes on" in text
    assert sum(waiting.slept) == pytest.approx(60, abs=1)


def test_no_time_to_wait_still_asks_once(driver: Driver, node: Node, waiting: FakeTime) -> None:
    assert driver.ex_wait_node_in_state(node, "Initializing", timeout=0) == "Initializing"
    with pytest.raises(WaitTimeout):
        driver.ex_wait_node_in_state(node, timeout=0)
    assert sum(waiting.slept) == pytest.approx(0, abs=0.1)


def test_a_passing_fault_of_the_server_does_not_end_the_waiting(
    driver: Driver, node: Node, waiting: FakeTime, pauses: list[float], sandbox: Sandbox
) -> None:
    sandbox.faults.add("GET", ".*ss:state", status=503, times=9)
    assert driver.ex_wait_node_in_state(node) == "Ready"
    sandbox.faults.add("GET", ".*ss:state", cut="after", times=6)
    assert driver.ex_wait_node_in_state(node) == "Ready"


def test_a_fault_that_does_not_pass_ends_the_waiting(
    driver: Driver, node: Node, waiting: FakeTime, pauses: list[float], sandbox: Sandbox
) -> None:
    sandbox.faults.add("GET", ".*ss:state", status=502, times=None)
    with pytest.raises(ServiceUnavailable):
        driver.ex_wait_node_in_state(node, timeout=36000)
    sandbox.faults.clear()
    sandbox.faults.add("GET", ".*ss:state", cut="before", times=None)
    with pytest.raises(NoAnswer):
        driver.ex_wait_node_in_state(node, timeout=36000)


def test_waiting_survives_the_end_of_the_session(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.clock.advance(60)
    sandbox.world.expire_sessions()
    assert driver.ex_wait_node_in_state(node) == "Ready"


def test_progress_is_told_each_state_as_it_comes(
    driver: Driver, node: Node, waiting: FakeTime
) -> None:
    told: list[DeploymentState] = []
    driver.ex_wait_node_in_state(node, wait_period=5, progress=told.append)
    order = list(dict.fromkeys(answer.state for answer in told))
    assert order == ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"]
    assert told[-1].phase is Phase.RUNNING


def test_the_progress_line_writes_one_plain_line_for_each_state(
    driver: Driver, node: Node, waiting: FakeTime
) -> None:
    stream = io.StringIO()
    driver.ex_wait_node_in_state(node, wait_period=5, progress=ProgressLine(stream))
    lines = [line.split()[-1] for line in stream.getvalue().splitlines()]
    assert lines == ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"]


def test_a_state_that_does_not_exist_is_refused_with_the_nearest_one(
    driver: Driver, node: Node, sandbox: Sandbox
) -> None:
    with pytest.raises(BadInput, match="Unknown state 'Redy'; did you mean 'Ready'"):
        driver.ex_wait_node_in_state(node, "Redy")
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"states": []},
        {"wait_period": -1},
        {"timeout": "soon"},
        {"timeout": None},
        {"wait_period": True},
    ],
)
def test_options_of_waiting_that_make_no_sense_are_refused(
    driver: Driver, node: Node, sandbox: Sandbox, options: dict[str, object]
) -> None:
    with pytest.raises(BadInput):
        driver.ex_wait_node_in_state(node, **options)  # type: ignore[arg-type]
    assert len(sandbox.journal) == 0


def test_a_state_that_is_no_text_is_refused(driver: Driver, node: Node) -> None:
    with pytest.raises(TypeError, match="A state must be a string, not int"):
        driver.ex_wait_node_in_state(node, [3])  # type: ignore[list-item]


def test_waiting_for_a_deployment_that_is_not_there_ends_at_once(
    driver: Driver, waiting: FakeTime
) -> None:
    ghost = Node(NOBODYS_RUN, "ghost", NodeState.PENDING, [], [], driver)
    with pytest.raises(NotFound):
        driver.ex_wait_node_in_state(ghost)
    assert waiting.slept == []


def test_reading_a_value_that_is_not_set_yet_gives_none(driver: Driver, node: Node) -> None:
    assert driver.ex_get_node_parameter(node, "machine:hostname") is None


def test_reading_a_value_gives_text(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    sandbox.world.set_parameter(node.id, "machine:admin_password", "żółw & <b>")
    assert driver.ex_get_node_parameter(node, "machine:admin_password") == "żółw & <b>"


@pytest.mark.parametrize(
    "name", ["machine:hostnam", "machine", "ss:statte", "../ss:state", "ss:state?x=1", "a%2fb"]
)
def test_asking_for_a_parameter_that_does_not_exist_never_aborts_the_deployment(
    driver: Driver, node: Node, sandbox: Sandbox, waiting: FakeTime, name: str
) -> None:
    with pytest.raises(BadInput, match=r"Unknown parameter .*machine:abort"):
        driver.ex_get_node_parameter(node, name)
    assert sandbox.world.run(node.id).abort_reason == ""
    assert {entry.path for entry in sandbox.journal} == {f"/run/{node.id}"}
    assert driver.ex_wait_node_in_state(node) == "Ready"


def test_no_method_of_the_driver_asks_for_a_parameter_that_may_not_exist(
    driver: Driver, node: Node, sandbox: Sandbox, waiting: FakeTime
) -> None:
    driver.ex_wait_node_in_state(node, wait_period=5)
    sandbox.world.abort_run(node.id, "x")
    driver.ex_wait_node_in_state(node, ignore_abort=True)
    driver.ex_get_node(node.id)
    driver.ex_list_virtual_machines(node=node)
    driver.list_nodes(ex_addresses=True)
    driver.destroy_node(node)
    keys = {entry.path.split("/")[3] for entry in sandbox.journal if entry.path.count("/") == 3}
    assert keys == {"ss:state", "ss:abort"}


def test_a_value_of_an_aborted_deployment_can_be_read_or_refused(
    driver: Driver, node: Node, sandbox: Sandbox
) -> None:
    sandbox.clock.advance(1000)
    sandbox.world.abort_run(node.id, "broken")
    assert driver.ex_get_node_parameter(node, "ss:abort") == "broken"
    with pytest.raises(NodeFailed, match="was aborted: broken") as caught:
        driver.ex_get_node_parameter(node, "machine:hostname", ignore_abort=False)
    assert caught.value.reason == "broken"


@pytest.mark.parametrize("name", ["", None])
def test_a_parameter_without_a_name_is_refused(
    driver: Driver, node: Node, sandbox: Sandbox, name: str
) -> None:
    with pytest.raises((BadInput, TypeError), match="name of the parameter"):
        driver.ex_get_node_parameter(node, name)
    assert len(sandbox.journal) == 0
