"""Destroying what does not go by itself: ``True`` means gone, or sure to go."""

from __future__ import annotations

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, Conflict, Forbidden
from slipstream.sandbox import Sandbox

from .support import FAILING, Driver, changes, deploy, deployments, requests, stored

STOP = ("POST", "deployment/stop")
READ = ("GET", "deployment")
FORCE = ("POST", "deployment/force-delete")


def set_up(sandbox: Sandbox, node: Node, **fields: object) -> None:
    sandbox.world.change(node.id, sandbox.world.now(), **fields)


@pytest.fixture(params=["component", "project"])
def unstoppable(
    request: pytest.FixtureRequest, driver: Driver, running: Node, sandbox: Sandbox
) -> Node:
    """A deployment, listed in error, of what the job engine can neither start nor stop."""
    module = stored(sandbox, running.id)["module"] | {"subtype": request.param}
    set_up(sandbox, running, module=module, state="ERROR")
    [node] = driver.list_nodes()
    sandbox.journal.clear()
    return node


@pytest.fixture
def offline(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment on an edge that fetches its jobs, and is offline."""
    node = deploy(driver, where="edge-geneva")
    sandbox.clock.advance(300)
    node = driver.ex_get_node(node.id)
    assert node.extra["state"] == "STARTED"
    sandbox.world.set_edge_online("edge-geneva", online=False)
    sandbox.journal.clear()
    return node


@pytest.fixture
def bare(driver: Driver, running: Node, sandbox: Sandbox) -> Node:
    """A deployment whose credential was deleted, the only one of its location."""
    sandbox.world.store.remove(stored(sandbox, running.id)["parent"])
    return running


class TestWhatComesBackToError:
    def test_the_reason_and_the_way_out_are_told(
        self, driver: Driver, unstoppable: Node, waiting: FakeTime
    ) -> None:
        with pytest.raises(Conflict, match=r"its stop failed: .*ex_force=True") as caught:
            driver.destroy_node(unstoppable)
        assert unstoppable.id in str(caught.value)
        assert sum(waiting.slept) < 120

    def test_one_made_by_hand_is_read_first(
        self, driver: Driver, unstoppable: Node, waiting: FakeTime
    ) -> None:
        by_hand = Node(unstoppable.id, "x", NodeState.UNKNOWN, [], [], driver)
        with pytest.raises(Conflict, match="its stop failed"):
            driver.destroy_node(by_hand)

    def test_force_deletes_it(
        self, driver: Driver, unstoppable: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.destroy_node(unstoppable, ex_force=True) is True
        assert deployments(sandbox) == []
        assert changes(sandbox) == [STOP, FORCE]

    def test_an_application_in_error_is_gone_when_it_returns(
        self, driver: Driver, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        deploy(driver, FAILING)
        sandbox.clock.advance(300)
        [node] = driver.list_nodes()
        assert driver.destroy_node(node) is True
        assert deployments(sandbox) == []

    def test_a_running_application_is_not_waited_for(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.destroy_node(running) is True
        assert requests(sandbox) == [STOP]
        assert waiting.slept == []


class TestWhatIsLeftStopping:
    def test_a_stranger_s_request_is_undone_and_it_is_destroyed(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        set_up(sandbox, running, state="STOPPING")
        assert driver.destroy_node(running) is True
        assert driver.ex_wait_node_in_state(running, "Done") == "DELETED"
        assert sum(waiting.slept) < 60

    def test_a_stranger_s_destroy_leaves_it_alone(
        self, running: Node, bob: Driver, sandbox: Sandbox
    ) -> None:
        with pytest.raises(Forbidden):
            bob.destroy_node(Node(running.id, "x", NodeState.UNKNOWN, [], [], bob))
        assert stored(sandbox, running.id)["state"] == "STARTED"

    def test_a_stop_that_is_at_work_is_let_finish(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        driver.stop_node(running)
        assert driver.destroy_node(running) is True
        assert ("PUT", "deployment") not in changes(sandbox)

    def test_an_offline_edge_is_named_soon(
        self, driver: Driver, offline: Node, waiting: FakeTime
    ) -> None:
        assert driver.destroy_node(offline) is True
        with pytest.raises(Conflict, match=r"edge-geneva.* is offline.*ex_force=True"):
            driver.destroy_node(offline)
        assert sum(waiting.slept) < 10

    def test_force_deletes_what_an_offline_edge_runs(
        self, driver: Driver, offline: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.destroy_node(offline, ex_force=True) is True
        assert deployments(sandbox) == []


class TestWithoutItsCredential:
    @pytest.mark.parametrize("call", ["stop_node", "ex_update_node", "destroy_node"])
    def test_what_is_missing_is_told(self, driver: Driver, bare: Node, call: str) -> None:
        with pytest.raises(Forbidden, match=r"credential/.* was deleted.*PUT") as caught:
            getattr(driver, call)(bare)
        assert "Check that this account" not in str(caught.value)

    def test_force_deletes_it(
        self, driver: Driver, bare: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.destroy_node(bare, ex_force=True) is True
        assert deployments(sandbox) == []

    def test_another_credential_of_the_location_is_used(
        self, driver: Driver, bare: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        service = stored(sandbox, bare.id)["infrastructure-service"]
        sandbox.world.add_credential(service, name="spare")
        assert driver.destroy_node(bare) is True
        assert driver.ex_wait_node_in_state(bare, "Done") == "DELETED"


def test_force_is_true_or_false(driver: Driver, running: Node, sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="ex_force"):
        driver.destroy_node(running, ex_force="yes")  # type: ignore[arg-type]
    assert requests(sandbox) == []


def test_force_has_no_meaning_on_slipstream() -> None:
    with Sandbox(family="slipstream", speed=0) as sandbox:
        driver = Driver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        with pytest.raises(BadInput, match="ex_force has no meaning"):
            driver.destroy_node(node, ex_force=True)
        driver.close()


@pytest.mark.parametrize(
    ("act", "sent"),
    [
        (
            "destroy_node",
            [STOP, ("GET", "session"), ("POST", "session"), ("PUT", "deployment"), STOP],
        ),
        (
            "stop_node",
            [READ, ("GET", "session"), ("POST", "session"), READ, STOP],
        ),
        (
            "ex_update_node",
            [
                ("POST", "deployment/update"),
                ("GET", "session"),
                ("POST", "session"),
                ("POST", "deployment/update"),
            ],
        ),
    ],
)
def test_a_session_that_ended_costs_one_login_and_no_request_more(
    driver: Driver, running: Node, sandbox: Sandbox, act: str, sent: list[tuple[str, str]]
) -> None:
    sandbox.world.expire_sessions()
    assert getattr(driver, act)(running)
    assert requests(sandbox) == sent
