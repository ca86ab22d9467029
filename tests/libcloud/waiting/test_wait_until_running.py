"""Waiting for many nodes at once, on each kind of endpoint."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from fake_time import FakeTime
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    BadInput,
    NoAnswer,
    NodeFailed,
    RateLimitReached,
    ServiceUnavailable,
    WaitTimeout,
)
from slipstream.transport import Transport
from slipstream.values import DeploymentState

pytestmark = pytest.mark.usefixtures("waiting", "pauses")
Nodes = list[Node]


def by_hand(*ids: str) -> Nodes:
    return [Node(node_id, node_id, NodeState.UNKNOWN, [], [], None) for node_id in ids]  # type: ignore[arg-type]


def deploy(endpoint: LiveEndpoint, driver: Driver, *names: str) -> Nodes:
    nodes = [endpoint.deploy(driver, name) for name in names]
    endpoint.sandbox.journal.clear()
    return nodes


@pytest.fixture
def nodes(endpoint: LiveEndpoint, driver: Driver) -> Nodes:
    """Two nodes that are being started."""
    return deploy(endpoint, driver, "blog", "shop")


def locate(endpoint: LiveEndpoint, node: Node, address: str) -> None:
    """Let the only address of a node be this one."""
    name = "hostname" if endpoint.family == "nuvla" else "machine:hostname"
    endpoint.sandbox.world.set_parameter(node.id, name, address)


def running(endpoint: LiveEndpoint, driver: Driver, address: str) -> Node:
    [node] = deploy(endpoint, driver, "blog")
    endpoint.pass_time()
    locate(endpoint, node, address)
    return node


def sent(endpoint: LiveEndpoint) -> Counter[str]:
    """The number of requests by path, ids left out."""
    paths = (entry.path for entry in endpoint.sandbox.journal)
    return Counter(re.sub(r"[0-9a-f-]{36}", "<id>", path) for path in paths)


def test_wait_until_running_keeps_the_order(endpoint: LiveEndpoint, driver: Driver) -> None:
    first, second, third = deploy(endpoint, driver, "first", "second", "third")
    options = {"ex_active_only": True, "ex_addresses": False}
    result = driver.wait_until_running(
        [second, first, third, second],
        ssh_interface=endpoint.interface,
        ex_list_nodes_kwargs=options,
    )
    assert [node.id for node, _ in result] == [second.id, first.id, third.id]
    assert [node.name for node, _ in result] == ["second", "first", "third"]
    for node, addresses in result:
        assert (node.state, node.driver) == (NodeState.RUNNING, driver)
        assert addresses
        assert addresses in (node.public_ips, node.private_ips)
        assert node.extra["state"] in {"Ready", "STARTED"}
    assert first.state != NodeState.RUNNING


def test_wait_until_running_takes_the_arguments_of_libcloud(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = running(endpoint, driver, "203.0.113.80")
    [(read, addresses)] = driver.wait_until_running([node], 5, 600, "public_ips", True, None)
    assert (read.id, addresses) == (node.id, ["203.0.113.80"])


def test_wait_until_running_of_one_node_lists_none(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    driver.wait_until_running(deploy(endpoint, driver, "blog"), ssh_interface=endpoint.interface)
    last, poll = "/run/<id>", "/run/<id>/ss:state"
    if endpoint.family == "nuvla":
        last, poll = "/api/deployment-parameter", "/api/deployment"
    assert sent(endpoint) == {last: 1, poll: len(waiting.slept) + 1}


def test_wait_until_running_of_more_nodes_than_one_request_names(
    endpoint: LiveEndpoint,
    driver: Driver,
    waiting: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.runs.AT_ONCE", 5)
    monkeypatch.setattr("slipstream.backends.nuvla.deployments.AT_ONCE", 5)
    nodes = deploy(endpoint, driver, *"cafedb")
    result = driver.wait_until_running(nodes, wait_period=60, ssh_interface=endpoint.interface)
    assert [node.id for node, _ in result] == [node.id for node in nodes]
    polls = len(waiting.slept) + 1
    assert polls > 3
    expected = {"/run": polls, "/api/virtual-machine": 2}
    if endpoint.family == "nuvla":
        expected = {"/api/deployment": 2 * polls, "/api/deployment-parameter": 2}
    assert sent(endpoint) == expected


def test_wait_until_running_with_failed_nodes(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    good, *bad = deploy(endpoint, driver, "good", *(f"bad-{number}" for number in range(7)))
    for node in bad:
        endpoint.fail(node, "The disk is full" if node is bad[0] else "no quota")
    with pytest.raises(NodeFailed, match=rf"bad-0 \({bad[0].id}\) .*The disk is full") as caught:
        driver.wait_until_running([good, bad[0]], timeout=36000, ssh_interface=endpoint.interface)
    assert caught.value.node_ids == (bad[0].id,)
    assert (caught.value.reason or "").endswith("The disk is full")
    assert good.id not in str(caught.value)
    assert sum(waiting.slept) < 150
    with pytest.raises(NodeFailed, match="no quota") as several:
        driver.wait_until_running(bad[1:])
    # A message is cut before it becomes unreadable; node_ids names all.
    assert set(several.value.node_ids) <= {node.id for node in bad[1:]}
    assert 1 <= str(several.value).count("no quota") <= min(5, len(several.value.node_ids))


def test_wait_until_running_with_a_destroyed_node(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes
) -> None:
    endpoint.pass_time()
    driver.destroy_node(nodes[0])
    message = rf"blog \({nodes[0].id}\) is .* and cannot run any more"
    for waited in (nodes[::-1], nodes[:1]):
        with pytest.raises(NodeFailed, match=message):
            driver.wait_until_running(waited, ssh_interface=endpoint.interface)
    endpoint.pass_time()
    with pytest.raises(NodeFailed, match=r"is (Done|DELETED) and cannot run any more"):
        driver.wait_until_running(nodes, ssh_interface=endpoint.interface)
    assert waiting.slept == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_wait_until_running_with_unknown_nodes(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, number: int
) -> None:
    ids = [f"0d3a3e2c-5f5f-4c8e-9a4e-00000000000{digit}" for digit in range(number)]
    full = [f"deployment/{item}" if endpoint.family == "nuvla" else item for item in ids]
    with pytest.raises(NodeFailed, match=r"is (Deleted|DELETED) and cannot run") as caught:
        driver.wait_until_running(by_hand(*ids))
    assert caught.value.node_ids == tuple(full)
    assert waiting.slept == []


def test_wait_until_running_of_hand_made_nodes(endpoint: LiveEndpoint, driver: Driver) -> None:
    [node] = deploy(endpoint, driver, "blog")
    bare = node.id.rpartition("/")[2].upper() if endpoint.family != "nuvla" else node.id
    result = driver.wait_until_running(by_hand(bare, node.id), ssh_interface=endpoint.interface)
    assert [read.id for read, _ in result] == [node.id]


def test_wait_until_running_with_a_timeout(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes
) -> None:
    message = r"blog .* is .*; shop .* is .*The nodes go on"
    with pytest.raises(LibcloudError, match=message) as caught:
        driver.wait_until_running(nodes, timeout=0)
    assert isinstance(caught.value, WaitTimeout)
    assert waiting.slept == []
    endpoint.hold(nodes[1])
    with pytest.raises(WaitTimeout, match="Timed out after 900 seconds") as late:
        driver.wait_until_running(nodes, timeout=900, ssh_interface=endpoint.interface)
    assert f"shop ({nodes[1].id})" in str(late.value)
    assert "blog" not in str(late.value)
    assert 898 <= sum(waiting.slept) <= 902


def test_wait_until_running_of_running_nodes_polls_once(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes
) -> None:
    endpoint.pass_time()
    interface = endpoint.interface
    assert len(driver.wait_until_running(nodes, timeout=0, ssh_interface=interface)) == 2
    assert waiting.slept == []


def test_wait_until_running_of_no_nodes(endpoint: LiveEndpoint, driver: Driver) -> None:
    assert driver.wait_until_running([]) == []
    with pytest.raises(BadInput):
        driver.wait_until_running([], timeout=-1)
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ssh_interface": "public"}, ValueError, "'public_ips' or 'private_ips'"),
        ({"wait_period": -1}, ValueError, "wait_period"),
        ({"timeout": None}, ValueError, "timeout"),
        ({"ex_list_nodes_kwargs": {"ex_adresses": True}}, TypeError, "'ex_addresses'"),
        ({"ex_list_nodes_kwargs": ["ex_addresses"]}, TypeError, "must be a dict, not list"),
        ({"ex_progress": print}, TypeError, "did you mean 'progress'"),
    ],
)
def test_wait_until_running_with_wrong_arguments(
    driver: Driver,
    endpoint: LiveEndpoint,
    options: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        driver.wait_until_running(by_hand("0d3a3e2c-5f5f-4c8e-9a4e-000000000000"), **options)
    assert len(endpoint.sandbox.journal) == 0


def test_wait_until_running_of_other_objects(
    endpoint: LiveEndpoint, driver: Driver, nodes: Nodes
) -> None:
    foreign = Node(nodes[0].id, "blog", NodeState.UNKNOWN, [], [], NodeDriver("key"))
    others: list[tuple[Any, type[Exception]]] = [
        ([nodes[0], foreign], BadInput),
        (nodes[0], TypeError),
        (by_hand("no-such-id"), BadInput),
    ]
    for wrong, error in others:
        with pytest.raises(error):
            driver.wait_until_running(wrong)
    assert len(endpoint.sandbox.journal) == 0


def test_wait_until_running_polls_thrice_for_an_address(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    node = running(endpoint, driver, "10.0.0.5")
    with pytest.raises(NodeFailed, match="ssh_interface='private_ips'") as caught:
        driver.wait_until_running([node], timeout=36000)
    text = f"({node.id}) runs and has no public IPv4 address, but 10.0.0.5"
    assert text in str(caught.value)
    assert caught.value.node_ids == (node.id,)
    assert len(waiting.slept) == 3
    with pytest.raises(NodeFailed, match="runs and has no public IPv4 address"):
        driver.wait_until_running([node], timeout=0)
    assert len(waiting.slept) == 3
    [(_, addresses)] = driver.wait_until_running([node], ssh_interface="private_ips")
    assert addresses == ["10.0.0.5"]


def test_wait_until_running_gives_an_address_that_comes_late(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = running(endpoint, driver, "10.0.0.5")
    states: list[DeploymentState] = []

    def note(state: DeploymentState) -> None:
        states.append(state)
        if len(states) == 3:
            locate(endpoint, node, "203.0.113.80")

    [(read, addresses)] = driver.wait_until_running([node], progress=note)
    assert addresses == read.public_ips == ["203.0.113.80"]
    assert len(states) == 4


def test_wait_until_running_with_other_addresses(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = running(endpoint, driver, "2001:db8::5")
    with pytest.raises(NodeFailed, match=r"but 2001:db8::5 .*Pass force_ipv4=False"):
        driver.wait_until_running([node])
    [(read, addresses)] = driver.wait_until_running([node], force_ipv4=False)
    assert addresses == read.public_ips == ["2001:db8::5"]
    locate(endpoint, node, "blog.example.org")
    assert driver.wait_until_running([node])[0][1] == ["blog.example.org"]


@pytest.fixture
def poll(endpoint: LiveEndpoint) -> str:
    """The path of the requests that polls send."""
    return "/api/deployment" if endpoint.family == "nuvla" else "/run.*"


def test_wait_until_running_survives_passing_faults(
    endpoint: LiveEndpoint, driver: Driver, nodes: Nodes, poll: str
) -> None:
    faults: list[dict[str, Any]] = [{"status": 503, "times": 9}, {"cut": "after", "times": 6}]
    for fault in faults:
        endpoint.sandbox.faults.add(path=poll, **fault)
        assert len(driver.wait_until_running(nodes, ssh_interface=endpoint.interface)) == 2


def test_wait_until_running_ends_with_lasting_faults(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes, poll: str
) -> None:
    endpoint.sandbox.faults.add(path=poll, status=502, times=None)
    with pytest.raises(ServiceUnavailable):
        driver.wait_until_running(nodes, timeout=36000)
    assert len(waiting.slept) == 4 * 3 + 3
    endpoint.sandbox.faults.clear()
    endpoint.sandbox.faults.add(path=poll, cut="before", times=None)
    with pytest.raises(NoAnswer):
        driver.wait_until_running(nodes, timeout=0)


def test_wait_until_running_waits_as_retry_after_says(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes, poll: str
) -> None:
    endpoint.sandbox.faults.add(path=poll, status=429, retry_after=120, times=None)
    with pytest.raises(RateLimitReached) as caught:
        driver.wait_until_running(nodes, timeout=60)
    assert (caught.value.retry_after, waiting.slept) == (120, [])
    endpoint.sandbox.faults.clear()
    endpoint.sandbox.faults.add(path=poll, status=429, retry_after=120, times=5)
    driver.wait_until_running(nodes, wait_period=1, timeout=3600, ssh_interface=endpoint.interface)
    assert waiting.slept[:5] == [120] * 5
    assert max(waiting.slept[5:], default=0) <= 1


def test_wait_until_running_calls_progress_for_each_node_at_each_poll(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, nodes: Nodes
) -> None:
    states: list[DeploymentState] = []
    driver.wait_until_running(nodes, progress=states.append, ssh_interface=endpoint.interface)
    assert {state.deployment_id for state in states} == {node.id for node in nodes}
    assert len(states) == 2 * (len(waiting.slept) + 1)
    assert len({state.state for state in states}) > 1


def test_wait_until_running_logs_a_failing_progress_callback(
    endpoint: LiveEndpoint, driver: Driver, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: DeploymentState) -> None:
        raise UnicodeEncodeError("ascii", "x", 0, 1, "ordinal not in range")

    endpoint.pass_time()
    assert driver.wait_until_running(nodes, progress=fail, ssh_interface=endpoint.interface)
    assert driver.ex_wait_node_in_state(nodes[0], NodeState.RUNNING, progress=fail)
    # Once for each wait.
    assert caplog.text.count("the progress callback failed: UnicodeEncodeError") == 2


@pytest.mark.parametrize("where", ["polling", "sleeping"])
def test_wait_until_running_that_is_interrupted(
    endpoint: LiveEndpoint,
    driver: Driver,
    waiting: FakeTime,
    nodes: Nodes,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    target, name = (Transport, "_exchange") if where == "polling" else (waiting, "sleep")
    with monkeypatch.context() as patched:
        patched.setattr(target, name, interrupt)
        for wait in (
            lambda: driver.wait_until_running(nodes),
            lambda: driver.ex_wait_node_in_state(nodes[0]),
            lambda: driver.ex_operation(nodes[0]).wait(),
        ):
            with pytest.raises(KeyboardInterrupt):
                wait()
    assert len(driver.wait_until_running(nodes, ssh_interface=endpoint.interface)) == 2
