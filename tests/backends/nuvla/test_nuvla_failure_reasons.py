"""Why a deployment failed: read from its job, whose message comes late."""

from __future__ import annotations

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.backends.nuvla.jobs import MESSAGE_TIMEOUT, reason
from slipstream.libcloud.errors import NodeFailed
from slipstream.sandbox import Sandbox

from .support import FAILING, Driver, deploy, requests

TRACEBACK = (
    "RuntimeError-Traceback (most recent call last):\n"
    '  File "/app/executor.py", line 61, in try_action_run\n'
    "    return action_instance.do_work()\n"
    "RuntimeError: Error response from daemon: manifest unknown\n"
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (TRACEBACK, "RuntimeError: Error response from daemon: manifest unknown"),
        ("RuntimeError('Error from daemon: no')", "RuntimeError: Error from daemon: no"),
        ("RuntimeError('Pulling\\nit\\'s \"gone\"\\n',)", "RuntimeError: it's \"gone\""),
        ("KeyError('content')", "KeyError: content"),
        ("ValueError(b'x')", "ValueError(b'x')"),
        (
            "Exception: <html>\n<head><title>502 Bad Gateway</title></head>\n<body>x</body>",
            "Exception: 502 Bad Gateway",
        ),
        ("<!DOCTYPE html><body><style>p {}</style><p>No &amp; never</p>\n</body>", "No & never"),
        ("image <none>:latest is missing", "image <none>:latest is missing"),
        ("", "the server gives no reason"),
    ],
)  # fmt: skip
def test_reason_is_the_last_line_of_the_message(message: str, expected: str) -> None:
    assert reason({"state": "FAILED", "status-message": message}) == expected


def failed(driver: Driver, sandbox: Sandbox) -> tuple[Node, str, str]:
    """A deployment in error, its job and the job's message."""
    node = deploy(driver, FAILING)
    sandbox.clock.advance(300)
    driver.list_nodes()
    (job,) = sandbox.world.store.collection("job")
    assert job["state"] == "FAILED"
    sandbox.journal.clear()
    return node, job["id"], job["status-message"]


@pytest.fixture
def late(driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A deployment in error, whose job fails 1.2 seconds later."""
    node, job, message = failed(driver, sandbox)
    sandbox.world.change(job, sandbox.world.now(), state="RUNNING", status_message=None)
    passed = [0.0]

    def follow(seconds: float) -> None:
        passed[0] += seconds
        if passed[0] >= 1.2:
            sandbox.world.change(job, sandbox.world.now(), state="FAILED", status_message=message)

    monkeypatch.setattr("slipstream.transport.clock.time", FakeTime(follow))
    return node


def test_reason_that_comes_late_for_a_node_that_is_read(driver: Driver, late: Node) -> None:
    assert "no-such-image" in driver.ex_get_node(late).extra["abort"]


@pytest.mark.parametrize("wait", ["ex_wait_node_in_state", "wait_until_running"])
def test_reason_that_comes_late_is_waited_for(driver: Driver, late: Node, wait: str) -> None:
    with pytest.raises(NodeFailed, match="no-such-image:latest not found"):
        getattr(driver, wait)([late] if wait == "wait_until_running" else late)


def test_reason_while_a_search_lags(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    sandbox.world.search_lag = 1.0
    node = deploy(driver, FAILING)
    with pytest.raises(NodeFailed, match="no-such-image:latest not found"):
        driver.ex_wait_node_in_state(node, wait_period=1)


def test_reason_that_never_comes(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    node, job, _ = failed(driver, sandbox)
    sandbox.world.change(job, sandbox.world.now(), status_message=None)
    with pytest.raises(NodeFailed, match="the server gives no reason"):
        driver.ex_wait_node_in_state(node)
    assert sum(waiting.slept) == pytest.approx(MESSAGE_TIMEOUT, abs=0.5)


def test_reason_of_a_job_that_is_gone(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    node, job, _ = failed(driver, sandbox)
    sandbox.faults.add("GET", f"/api/{job}", status=404)
    with pytest.raises(NodeFailed, match="the server gives no reason"):
        driver.ex_wait_node_in_state(node)
    assert waiting.slept == []


def test_reasons_are_one_search(driver: Driver, sandbox: Sandbox, waiting: FakeTime) -> None:
    node, _, _ = failed(driver, sandbox)
    with pytest.raises(NodeFailed):
        driver.wait_until_running([node])
    assert requests(sandbox) == [("PUT", "deployment"), ("PUT", "job")]
