from __future__ import annotations

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.libcloud.errors import Forbidden, InvalidCredentials, RequestFailed
from slipstream.sandbox import Sandbox

from .support import WEEK, Driver, in_state, logins, requests, stored

LOOK, ENTER, READ = ("GET", "session"), ("POST", "session"), ("GET", "deployment")
STOP, UPDATE = ("POST", "deployment/stop"), ("POST", "deployment/update")


@pytest.mark.parametrize(
    ("act", "state", "then"),
    [("start_node", "STOPPED", "STARTING"), ("stop_node", "STARTED", "STOPPING")],
)
def test_session_about_to_end_is_renewed_before_a_change(
    driver: Driver,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    state: str,
    then: str,
) -> None:
    node = in_state(driver, sandbox, state)
    later = FakeTime()
    later.ahead = WEEK + 3600
    monkeypatch.setattr("slipstream.transport.clock.time", later)
    sandbox.clock.advance(WEEK + 3600)
    assert getattr(driver, act)(node)
    assert [entry.status for entry in sandbox.journal] == [201, 200, 202]
    assert stored(sandbox, node.id)["state"] == then


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
def test_session_that_ended_leaves_no_node_between_two_states(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, act: str, state: str, then: str
) -> None:
    node = in_state(driver, sandbox, state)
    sandbox.world.expire_sessions()
    assert getattr(driver, act)(node)
    assert logins(sandbox) == 1
    driver.ex_wait_node_in_state(node, then)


@pytest.mark.parametrize(
    ("act", "sent"),
    [
        ("destroy_node", [STOP, LOOK, ENTER, ("PUT", "deployment"), STOP]),
        ("stop_node", [READ, LOOK, ENTER, READ, STOP]),
        ("ex_update_node", [UPDATE, LOOK, ENTER, UPDATE]),
    ],
)
def test_session_that_ended_costs_one_login(
    driver: Driver, running: Node, sandbox: Sandbox, act: str, sent: list[tuple[str, str]]
) -> None:
    sandbox.world.expire_sessions()
    assert getattr(driver, act)(running)
    assert requests(sandbox) == sent


@pytest.mark.parametrize("rights", [(), ("view-meta",), ("view-meta", "view-data", "view-acl")])
def test_node_that_another_user_may_see_at_most_is_left_alone(
    driver: Driver, bob: Driver, sandbox: Sandbox, rights: tuple[str, ...]
) -> None:
    for act in ("start_node", "stop_node", "reboot_node", "destroy_node"):
        state = "STOPPED" if act == "start_node" else "STARTED"
        node = in_state(bob, sandbox, state)
        acl = sandbox.world.store[node.id]["acl"]
        for right in rights:
            acl[right] = [*acl.get(right, []), sandbox.world.user_id("bob")]
        seen = {item.id: item for item in bob.list_nodes()}.get(node.id, node)
        sandbox.journal.clear()
        with pytest.raises(Forbidden):
            getattr(bob, act)(seen)
        assert not {STOP, ("POST", "deployment/start")} & set(requests(sandbox))
        assert sandbox.world.store[node.id]["state"] == state


def test_refusal_of_a_node_of_others_costs_no_login(
    driver: Driver, bob: Driver, sandbox: Sandbox
) -> None:
    node = in_state(bob, sandbox, "STARTED")
    for method in (bob.ex_get_node, bob.ex_update_node, bob.ex_get_node_logs, bob.start_node):
        sandbox.journal.clear()
        arguments = (["web"],) if method == bob.ex_get_node_logs else ()
        with pytest.raises(RequestFailed, match="invalid credentials for 'deployment/") as caught:
            method(node, *arguments)
        assert caught.value.http_code == 403
        assert not isinstance(caught.value, InvalidCredentials)
        assert logins(sandbox) == 0
        assert len(sandbox.journal) <= 2
