"""ex_wait_node_in_state: what it reads, and what it says when the time is over."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.libcloud.errors import BadInput, WaitTimeout
from slipstream.sandbox import Sandbox


@pytest.fixture
def node(endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox) -> Node:
    node = endpoint.deploy(driver)
    sandbox.journal.clear()
    return node


def test_wait_reads_the_state_alone(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime
) -> None:
    driver.ex_wait_node_in_state(node, wait_period=20)
    at_the_end = 2 if endpoint.family == "nuvla" else 1  # what brings the node up to date
    polls = list(endpoint.sandbox.journal)[:-at_the_end]
    if endpoint.family == "nuvla":
        assert {entry.query["select"][0] for entry in polls} == {"id,state"}
    else:
        assert {entry.path for entry in polls} == {f"/run/{node.id}/ss:state"}
    assert len(polls) == len(waiting.slept) + 1
    assert waiting.slept[0] <= 1
    assert max(waiting.slept) <= 20


def test_wait_survives_the_end_of_the_session(
    driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.expire_sessions()
    assert driver.ex_wait_node_in_state(node) in {"Ready", "STARTED"}


def test_wait_that_times_out_says_in_which_state(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    endpoint.hold(node)
    state = "STARTING, not STARTED" if endpoint.family == "nuvla" else "Initializing, not Ready"
    message = rf"Timed out after 60 seconds.*{node.id} is {state}.*The deployment goes on"
    with pytest.raises(WaitTimeout, match=message):
        driver.ex_wait_node_in_state(node, wait_period=7, timeout=60)
    assert sum(waiting.slept) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"states": "Redy"},
            BadInput,
            "Unknown state 'Redy'; (did you mean 'Ready'|known: C)",
        ),
        ({"states": []}, BadInput, "state"),
        ({"states": [3]}, TypeError, "A state must be a string, not int"),
        ({"timeout": None}, BadInput, "timeout"),
    ],
)
def test_wait_with_wrong_arguments(
    driver: Driver,
    node: Node,
    sandbox: Sandbox,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        driver.ex_wait_node_in_state(node, **options)
    assert len(sandbox.journal) == 0
