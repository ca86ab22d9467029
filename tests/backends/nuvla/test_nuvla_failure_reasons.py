"""Why a deployment failed: read from its job, whose message comes late."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.backends.nuvla.deployments import MESSAGE_TIMEOUT, read_reason
from slipstream.libcloud.errors import NodeFailed
from slipstream.sandbox import Sandbox

from .support import FAILING, Driver, deploy, requests

TRACEBACK = (
    "RuntimeError-Traceback (most recent call last):\n"
    '  File "/app/executor.py", line 61, in try_action_run\n'
    "    return action_instance.do_work()\n"
    "RuntimeError: Error response from daemon: manifest unknown\n"
)


@pytest.mark.parametrize(("message", "expected"), [
    (TRACEBACK, "RuntimeError: Error response from daemon: manifest unknown"),
    ("RuntimeError('Error from daemon: no')", "RuntimeError: Error from daemon: no"),
    ("RuntimeError('Pulling\\nit\\'s \"gone\"\\n',)", "RuntimeError: it's \"gone\""),
    ("KeyError('content')", "KeyError: content"),
    ("ValueError(b'x')", "ValueError(b'x')"),
    ("Exception: <html>\n<head><title>502 Bad Gateway</title></head>\n<body>x</body>",
     "Exception: 502 Bad Gateway"),
    ("<!DOCTYPE html><body><style>p {}</style><p>No &amp; never</p>\n</body>", "No & never"),
    ("image <none>:latest is missing", "image <none>:latest is missing"),
    ("", "the server states no reason"),
])  # fmt: skip
def test_reason_is_the_last_line_of_the_message(message: str, expected: str) -> None:
    assert read_reason({"state": "FAILED", "status-message": message}) == expected


@pytest.fixture
def failed(driver: Driver, sandbox: Sandbox) -> Node:
    """A deployment in error."""
    node = deploy(driver, FAILING)
    sandbox.clock.advance(300)
    driver.list_nodes()
    assert job(sandbox)["state"] == "FAILED"
    sandbox.journal.clear()
    return node


def job(sandbox: Sandbox) -> dict[str, Any]:
    """The only job, which has failed to start the deployment."""
    (document,) = sandbox.world.store.collection("job")
    return dict(document)


@pytest.fixture
def late(failed: Node, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A deployment in error, whose job fails 1.2 seconds later."""
    document, passed = job(sandbox), [0.0]
    change = partial(sandbox.world.change, document["id"], sandbox.world.now())
    change(state="RUNNING", status_message=None)

    def follow(seconds: float) -> None:
        passed[0] += seconds
        if passed[0] >= 1.2:
            change(state="FAILED", status_message=document["status-message"])

    monkeypatch.setattr("slipstream.transport.calls.time", FakeTime(follow))
    return failed


@pytest.mark.parametrize("call", ["ex_get_node", "ex_wait_node_in_state", "wait_until_running"])
def test_reason_that_comes_late_is_waited_for(driver: Driver, late: Node, call: str) -> None:
    if call == "ex_get_node":
        assert "no-such-image" in driver.ex_get_node(late).extra["abort"]
        return
    with pytest.raises(NodeFailed, match="no-such-image:latest not found"):
        getattr(driver, call)([late] if call == "wait_until_running" else late)


def test_reason_at_the_end_of_a_wait(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    sandbox.world.search_lag = 1.0
    node = deploy(driver, FAILING)
    with pytest.raises(NodeFailed) as caught:
        driver.ex_wait_node_in_state(node, wait_period=1)
    assert caught.value.state == "ERROR"
    assert "manifest for sandbox/no-such-image:latest not found" in str(caught.value)
    assert str(caught.value.reason).startswith("RuntimeError: Error response from daemon")
    assert "Traceback" not in str(caught.value)
    assert sum(waiting.slept) < 120
    assert requests(sandbox)[-3:] == [("GET", "deployment"), ("PUT", "job"), ("GET", "job")]
    assert driver.ex_wait_node_in_state(node, "ERROR") == "ERROR"


def test_reason_is_that_of_the_newest_job(
    driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
) -> None:
    sandbox.world.fail(running.id, "disk full")
    driver.ex_update_node(running)
    with pytest.raises(NodeFailed, match="disk full"):
        driver.ex_wait_node_in_state(running)


@pytest.mark.parametrize(
    ("fields", "message", "seconds"),
    [
        ({"state": "CANCELED", "status_message": None}, "its job was canceled", 0),
        ({"status_message": None}, "the server states no reason", MESSAGE_TIMEOUT),
        (None, "the server states no reason", 0),
    ],
    ids=["canceled", "without a message", "job deleted"],
)
def test_reason_that_never_comes(
    driver: Driver, sandbox: Sandbox, waiting: FakeTime, failed: Node, fields: Any,
    message: str, seconds: float,
) -> None:  # fmt: skip
    identity = job(sandbox)["id"]
    if fields is None:
        sandbox.faults.add("GET", f"/api/{identity}", status=404)
    else:
        sandbox.world.change(identity, sandbox.world.now(), **fields)
    with pytest.raises(NodeFailed, match=message):
        driver.ex_wait_node_in_state(failed)
    assert sum(waiting.slept) == pytest.approx(seconds, abs=0.5)
