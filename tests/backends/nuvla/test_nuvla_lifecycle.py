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
    requests,
    stored,
)

STOP = ("POST", "deployment/stop")
DELETE = ("DELETE", "deployment")
STATE = ("GET", "deployment")


def in_state(driver: Driver, sandbox: Sandbox, state: str) -> Node:
    """A deployment in any state, whoever brought it there."""
    (identifier,) = sandbox.world.add_deployments(1, state=state)
    return Node(identifier, "blog", NodeState.UNKNOWN, [], [], driver)


class TestWaiting:
    def test_waiting_gives_the_state_reached(
        self, driver: Driver, node: Node, waiting: FakeTime
    ) -> None:
        assert driver.ex_wait_node_in_state(node) == "STARTED"

    def test_waiting_asks_for_the_state_alone(
        self, driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        driver.ex_wait_node_in_state(node, wait_period=5)
        # In the end the node is read, to bring it up to date.
        polls = list(sandbox.journal)[:-2]
        assert requests(sandbox)[:-2] == [STATE] * len(polls)
        assert requests(sandbox)[-2:] == [STATE, ("PUT", "deployment-parameter")]
        assert {entry.query["select"][0] for entry in polls} == {"id,state"}
        assert len(polls) == len(waiting.slept) + 1

    @pytest.mark.parametrize(
        "words",
        ["STARTED", "started", "Ready", NodeState.RUNNING, "running", ["ERROR", "started"]],
    )
    def test_states_are_told_in_anybody_s_words(
        self, driver: Driver, node: Node, waiting: FakeTime, words: Any
    ) -> None:
        assert driver.ex_wait_node_in_state(node, words) == "STARTED"

    @pytest.mark.parametrize("words", ["STOPPED", NodeState.STOPPED])
    def test_a_stop_is_waited_for(
        self, driver: Driver, running: Node, waiting: FakeTime, words: Any
    ) -> None:
        driver.stop_node(running)
        assert driver.ex_wait_node_in_state(running, words) == "STOPPED"

    @pytest.mark.parametrize("words", ["Done", "DELETED", NodeState.TERMINATED])
    def test_a_deployment_that_is_gone_has_ended(
        self, driver: Driver, running: Node, waiting: FakeTime, words: Any
    ) -> None:
        driver.destroy_node(running)
        assert driver.ex_wait_node_in_state(running, words) == "DELETED"

    def test_an_unknown_state_is_refused_with_those_there_are(
        self, driver: Driver, node: Node, sandbox: Sandbox
    ) -> None:
        with pytest.raises(BadInput, match="STARTED"):
            driver.ex_wait_node_in_state(node, "brewing")
        assert len(sandbox.journal) == 0

    def test_an_error_ends_it_at_once_with_the_last_words_of_the_job(
        self, driver: Driver, waiting: FakeTime, sandbox: Sandbox
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

    def test_the_reason_is_that_of_the_newest_job(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        sandbox.world.fail(running.id, "disk full")
        driver.ex_update_node(running)
        with pytest.raises(NodeFailed, match="disk full"):
            driver.ex_wait_node_in_state(running)

    def test_a_job_that_somebody_canceled_is_told_as_that(
        self, driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        (job,) = sandbox.world.store.collection("job")
        sandbox.world.change(job["id"], sandbox.world.now(), state="CANCELED")
        sandbox.world.change(node.id, sandbox.world.now(), state="ERROR")
        with pytest.raises(NodeFailed, match="canceled"):
            driver.ex_wait_node_in_state(node)

    def test_an_error_that_was_waited_for_is_no_failure(
        self, driver: Driver, waiting: FakeTime
    ) -> None:
        node = deploy(driver, FAILING)
        assert driver.ex_wait_node_in_state(node, "ERROR") == "ERROR"

    def test_a_first_attempt_that_fails_and_is_made_again_misleads_nobody(
        self, driver: Driver, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        node = deploy(driver, where="edge-basel")
        seen: list[str] = []

        def note(_: DeploymentState) -> None:
            seen.extend(
                job["state"] + job["execution-mode"]
                for job in sandbox.world.store.collection("job")
                if job["action"] == "start_deployment"
            )

        assert driver.ex_wait_node_in_state(node, wait_period=1, progress=note) == "STARTED"
        steps = list(dict.fromkeys(seen))
        assert steps.index("RUNNINGmixed") < steps.index("QUEUEDpull")

    @pytest.mark.parametrize("state", ["STOPPED", "STOPPING"])
    def test_what_will_not_start_any_more_is_not_waited_for(
        self, driver: Driver, sandbox: Sandbox, waiting: FakeTime, state: str
    ) -> None:
        with pytest.raises(NodeFailed, match=f"is {state} and cannot become STARTED"):
            driver.ex_wait_node_in_state(in_state(driver, sandbox, state))
        assert waiting.slept == []

    def test_what_is_gone_is_not_waited_for(self, driver: Driver, waiting: FakeTime) -> None:
        gone = Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)
        with pytest.raises(NodeFailed, match="is DELETED and cannot"):
            driver.ex_wait_node_in_state(gone)

    def test_an_edge_that_is_offline_is_waited_for_until_the_time_is_over(
        self, driver: Driver, waiting: FakeTime
    ) -> None:
        node = deploy(driver, where="edge-zurich")
        with pytest.raises(WaitTimeout, match="is PENDING, not STARTED"):
            driver.ex_wait_node_in_state(node, timeout=900)
        assert 890 < sum(waiting.slept) < 910


class TestStartingAndStopping:
    def test_a_node_stops_and_starts_again(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.stop_node(running) is True
        assert requests(sandbox) == [STATE, STOP]
        driver.ex_wait_node_in_state(running, "STOPPED")
        sandbox.journal.clear()
        assert driver.start_node(running) is True
        assert requests(sandbox) == [STATE, ("POST", "deployment/start")]
        assert driver.ex_wait_node_in_state(running) == "STARTED"

    def test_a_node_is_updated_in_place(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.ex_update_node(running) is True
        assert requests(sandbox) == [("POST", "deployment/update")]
        assert stored(sandbox, running.id)["state"] == "UPDATING"
        assert driver.ex_wait_node_in_state(running) == "STARTED"

    @pytest.mark.parametrize(
        ("act", "state"),
        [("start_node", "STARTED"), ("stop_node", "STOPPED"), ("ex_update_node", "STOPPED")],
    )
    def test_a_state_that_does_not_allow_it_is_named(
        self, driver: Driver, sandbox: Sandbox, act: str, state: str
    ) -> None:
        node = in_state(driver, sandbox, state)
        with pytest.raises(RequestFailed, match=f"in state {state}") as caught:
            getattr(driver, act)(node)
        assert caught.value.http_code == 409
        assert stored(sandbox, node.id)["state"] == state

    @pytest.mark.parametrize("act", ["start_node", "stop_node", "ex_update_node"])
    def test_an_unknown_node_is_not_found(self, driver: Driver, act: str) -> None:
        with pytest.raises(NotFound):
            getattr(driver, act)(Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver))

    def test_a_reboot_is_a_stop_and_a_start(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.reboot_node(running) is True
        assert changes(sandbox) == [STOP, ("POST", "deployment/start")]
        assert driver.ex_wait_node_in_state(running) == "STARTED"

    def test_a_reboot_whose_stop_fails_says_why_and_starts_nothing(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        sandbox.world.fail(running.id, "volumes are in use")
        with pytest.raises(NodeFailed, match="volumes are in use"):
            driver.reboot_node(running)
        assert changes(sandbox) == [STOP]

    def test_a_reboot_has_a_deadline(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        sandbox.world.hold(running.id)
        with pytest.raises(WaitTimeout, match="600 seconds"):
            driver.reboot_node(running)
        assert changes(sandbox) == [STOP]
        assert 595 <= sum(waiting.slept) < 610

    def test_what_is_stopped_is_not_rebooted(self, driver: Driver, sandbox: Sandbox) -> None:
        with pytest.raises(RequestFailed, match="in state STOPPED"):
            driver.reboot_node(in_state(driver, sandbox, "STOPPED"))


class TestDestroying:
    @pytest.mark.parametrize(
        ("state", "sent"),
        [
            ("CREATED", [STOP, DELETE]),
            ("STOPPED", [STOP, DELETE]),
            ("PENDING", [STOP]),
            ("STARTING", [STOP]),
            ("STARTED", [STOP]),
            ("UPDATING", [STOP]),
        ],
    )
    def test_a_node_is_destroyed_in_any_state(
        self,
        driver: Driver,
        sandbox: Sandbox,
        waiting: FakeTime,
        state: str,
        sent: list[tuple[str, str]],
    ) -> None:
        node = in_state(driver, sandbox, state)
        assert driver.destroy_node(node) is True
        assert requests(sandbox) == [STATE, *sent]
        assert driver.ex_wait_node_in_state(node, "Done") == "DELETED"
        assert deployments(sandbox) == []

    def test_one_that_is_stopping_is_deleted_once_it_has_stopped(
        self, driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
    ) -> None:
        driver.stop_node(running)
        assert driver.destroy_node(running)
        assert deployments(sandbox) == []
        assert requests(sandbox)[-1] == DELETE

    def test_one_that_is_being_destroyed_may_be_destroyed_again(
        self, driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
    ) -> None:
        assert driver.destroy_node(running)
        assert driver.destroy_node(running)
        assert deployments(sandbox) == []

    def test_one_whose_stop_fails_is_stopped_once_more(
        self, driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
    ) -> None:
        sandbox.world.fail(running.id, "out of order")
        driver.stop_node(running)
        assert driver.destroy_node(running)
        assert driver.ex_wait_node_in_state(running, "Done") == "DELETED"

    def test_one_that_never_stops_is_given_up(
        self, driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
    ) -> None:
        sandbox.world.hold(running.id)
        driver.stop_node(running)
        with pytest.raises(RequestFailed, match="still STOPPING after 300 seconds"):
            driver.destroy_node(running)
        # The time that a slow machine takes beside the pauses counts too.
        assert 240 < sum(waiting.slept) < 310

    def test_a_state_in_which_it_cannot_be_stopped_is_named(
        self, driver: Driver, sandbox: Sandbox, waiting: FakeTime
    ) -> None:
        node = in_state(driver, sandbox, "PAUSED")
        with pytest.raises(RequestFailed, match="in state PAUSED"):
            driver.destroy_node(node)
        assert len(sandbox.journal) <= 3

    def test_one_that_has_vanished_is_accepted(self, driver: Driver, sandbox: Sandbox) -> None:
        gone = Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)
        assert driver.destroy_node(gone) is True
        assert requests(sandbox) == [STATE]

    def test_a_failing_stop_is_told_when_it_is_waited_for(
        self, driver: Driver, sandbox: Sandbox, running: Node, waiting: FakeTime
    ) -> None:
        sandbox.world.fail(running.id, "volumes are in use")
        driver.destroy_node(running)
        with pytest.raises(NodeFailed, match="volumes are in use"):
            driver.ex_wait_node_in_state(running, "Done")

    def test_what_is_not_one_s_own_is_refused(
        self, bob: Driver, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = in_state(bob, sandbox, "STOPPED")
        with pytest.raises(RequestFailed) as caught:
            bob.destroy_node(node)
        assert caught.value.http_code == 403
        assert len(deployments(sandbox)) == 1

    @pytest.mark.parametrize(
        "identifier", ["deployment/../credential/x", "x", "module/" + "a" * 36]
    )
    def test_an_id_that_is_none_reaches_nothing(
        self, driver: Driver, sandbox: Sandbox, identifier: str
    ) -> None:
        with pytest.raises(BadInput, match="is not the id of a node"):
            driver.destroy_node(Node(identifier, "x", NodeState.UNKNOWN, [], [], driver))
        assert changes(sandbox) == []
