"""Waiting for one node in a state, and for many until they run, and what that reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
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
from slipstream.sandbox import Sandbox
from slipstream.values import Deployment, DeploymentState, Phase

pytestmark = pytest.mark.usefixtures("waiting", "pauses")
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
UUID = "0d3a3e2c-5f5f-4c8e-9a4e-00000000000"
Nodes = list[Node]


def by_hand(*ids: str) -> Nodes:
    return [Node(node_id, node_id, NodeState.UNKNOWN, [], [], None) for node_id in ids]


def deploy(endpoint: LiveEndpoint, driver: Driver, *names: str) -> Nodes:
    nodes = [endpoint.deploy(driver, name) for name in names]
    endpoint.sandbox.journal.clear()
    return nodes


@pytest.fixture
def nodes(endpoint: LiveEndpoint, driver: Driver) -> Nodes:
    """Two nodes that are being started."""
    return deploy(endpoint, driver, "blog", "shop")


@pytest.fixture
def wait(endpoint: LiveEndpoint, driver: Driver) -> Any:
    """Wait for nodes with the addresses that they have on the endpoint."""

    def wait(nodes: Nodes, **options: Any) -> Any:
        options.setdefault("ssh_interface", endpoint.interface)
        return driver.wait_until_running(nodes, **options)

    return wait


@pytest.fixture
def locate(endpoint: LiveEndpoint, nodes: Nodes) -> Callable[[str], Node]:
    """Let this be the only address of the first node, which runs."""
    endpoint.pass_time()
    name = "hostname" if endpoint.family == "nuvla" else "machine:hostname"

    def locate(address: str) -> Node:
        endpoint.sandbox.world.set_parameter(nodes[0].id, name, address)
        return nodes[0]

    return locate


def sent(sandbox: Sandbox) -> Counter[str]:
    """The number of requests by path since the last time, ids left out."""
    paths = [re.sub(r"[0-9a-f-]{36}", "<id>", entry.path) for entry in sandbox.journal]
    sandbox.journal.clear()
    return Counter(paths)


def test_wait_until_running_returns_new_nodes_in_order(
    endpoint: LiveEndpoint, driver: Driver, wait: Any, waiting: Any
) -> None:
    first, second, third = deploy(endpoint, driver, "first", "second", "third")
    options, states = {"ex_active_only": True, "ex_addresses": False}, list[DeploymentState]()
    result = wait(
        [second, first, third, second], progress=states.append, ex_list_nodes_kwargs=options
    )
    assert [(node.id, node.name) for node, _ in result] == [
        (node.id, name) for node, name in ((second, "second"), (first, "first"), (third, "third"))
    ]
    for node, addresses in result:
        assert (node.state, node.driver) == (NodeState.RUNNING, driver)
        assert addresses
        assert addresses in (node.public_ips, node.private_ips)
        assert node.extra["state"] in {"Ready", "STARTED"}
        assert endpoint.family != "nuvla" or node.extra == driver.ex_get_node(node).extra
    assert first.state != NodeState.RUNNING
    assert {state.deployment_id for state in states} == {node.id for node, _ in result}
    assert len(states) == 3 * (len(waiting.slept) + 1)
    assert len({state.state for state in states}) > 1
    slept = list(waiting.slept)
    assert len(wait([first, third], timeout=0)) == 2
    assert waiting.slept == slept


@pytest.mark.parametrize("names", ["a", "cafedb"])
def test_wait_until_running_sends_few_requests(
    endpoint: LiveEndpoint, driver: Driver, wait: Any, waiting: Any, monkeypatch: Any, names: str
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.runs.AT_ONCE", 5)
    monkeypatch.setattr("slipstream.backends.nuvla.deployments.AT_ONCE", 5)
    nodes = deploy(endpoint, driver, *names)
    assert [node.id for node, _ in wait(nodes, wait_period=60)] == [node.id for node in nodes]
    polls, batches = len(waiting.slept) + 1, 1 if len(names) == 1 else 2
    assert polls > 3
    expected = {"/run": polls, "/api/virtual-machine": 2}
    if endpoint.family == "nuvla":
        expected = {
            "/api/deployment": batches * polls,
            "/api/deployment-parameter": batches,
        }
    elif batches == 1:
        expected = {"/run/<id>/ss:state": polls, "/run/<id>": 1}
    assert sent(endpoint.sandbox) == expected


def test_wait_until_running_with_failed_nodes(
    endpoint: LiveEndpoint, driver: Driver, wait: Any, waiting: Any
) -> None:
    good, *bad = deploy(endpoint, driver, "good", *(f"bad-{number}" for number in range(7)))
    for node in bad:
        endpoint.fail(node, "The disk is full" if node is bad[0] else "no quota")
    with pytest.raises(NodeFailed, match=rf"bad-0 \({bad[0].id}\) .*The disk is full") as caught:
        wait([good, bad[0]], timeout=36000)
    assert caught.value.node_ids == (bad[0].id,)
    assert (caught.value.reason or "").endswith("The disk is full")
    assert good.id not in str(caught.value)
    assert sum(waiting.slept) < 150
    with pytest.raises(NodeFailed, match="no quota") as several:
        wait(bad[1:])
    # A message is cut before it becomes unreadable; node_ids names all.
    assert set(several.value.node_ids) <= {node.id for node in bad[1:]}
    assert 1 <= str(several.value).count("no quota") <= min(5, len(several.value.node_ids))


def test_wait_until_running_with_a_destroyed_node(
    endpoint: LiveEndpoint, driver: Driver, wait: Any, waiting: Any, nodes: Nodes
) -> None:
    endpoint.pass_time()
    driver.destroy_node(nodes[0])
    for waited in (nodes[::-1], nodes[:1]):
        with pytest.raises(NodeFailed, match=rf"blog \({nodes[0].id}\) is .* and cannot run any"):
            wait(waited)
    endpoint.pass_time()
    with pytest.raises(NodeFailed, match=r"is (Done|DELETED) and cannot run any more"):
        wait(nodes)
    assert waiting.slept == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_wait_until_running_with_unknown_nodes(
    endpoint: LiveEndpoint, wait: Any, waiting: Any, number: int
) -> None:
    ids = [f"{UUID}{digit}" for digit in range(number)]
    full = [f"deployment/{item}" if endpoint.family == "nuvla" else item for item in ids]
    text = rf"Deployment {full[0]} is (Deleted|DELETED) and cannot run"
    with pytest.raises(NodeFailed, match=text) as caught:
        wait(by_hand(*ids))
    assert caught.value.node_ids == tuple(full)
    assert waiting.slept == []


def test_wait_until_running_of_hand_made_nodes(endpoint: Any, driver: Driver, wait: Any) -> None:
    [node] = deploy(endpoint, driver, "blog")
    bare = node.id.rpartition("/")[2].upper() if endpoint.family != "nuvla" else node.id
    assert [read.id for read, _ in wait(by_hand(bare, node.id))] == [node.id]


def test_wait_until_running_with_a_timeout(
    endpoint: LiveEndpoint, wait: Any, waiting: Any, nodes: Nodes
) -> None:
    with pytest.raises(WaitTimeout, match=r"blog .* is .*; shop .* is .*The nodes go on"):
        wait(nodes, timeout=0)
    assert waiting.slept == []
    endpoint.hold(nodes[1])
    with pytest.raises(WaitTimeout, match="Timed out after 900 seconds") as late:
        wait(nodes, timeout=900)
    assert f"shop ({nodes[1].id})" in str(late.value)
    assert "blog" not in str(late.value)
    assert 898 <= sum(waiting.slept) <= 902


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ssh_interface": "public"}, BadInput, "'public_ips' or 'private_ips'"),
    ({"wait_period": -1}, BadInput, "wait_period"),
    ({"timeout": None}, BadInput, "timeout"),
    ({"nodes": [], "timeout": -1}, BadInput, "timeout"),
    ({"ex_list_nodes_kwargs": {"ex_adresses": True}}, TypeError, "'ex_addresses'"),
    ({"ex_list_nodes_kwargs": ["ex_addresses"]}, TypeError, "must be a dict, not list"),
    ({"ex_progress": print}, TypeError, "did you mean 'progress'"),
    ({"nodes": by_hand(f"{UUID}0")[0]}, TypeError, "write \\[node\\]"),
    ({"nodes": by_hand("no-such-id")}, BadInput, "no-such-id"),
]


@pytest.mark.parametrize(("options", "error", "words"), WRONG)
def test_wait_until_running_with_wrong_arguments(
    driver: Driver, endpoint: LiveEndpoint, options: Any, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        driver.wait_until_running(**{"nodes": by_hand(f"{UUID}0"), **options})
    foreign = Node(f"{UUID}1", "x", NodeState.UNKNOWN, [], [], NodeDriver("key"))
    with pytest.raises(BadInput, match="belongs to the driver"):
        driver.wait_until_running([*by_hand(f"{UUID}0"), foreign])
    assert driver.wait_until_running([]) == []
    assert len(endpoint.sandbox.journal) == 0


def test_wait_until_running_polls_thrice_for_an_address(
    driver: Driver, waiting: Any, locate: Any
) -> None:
    node = locate("10.0.0.5")
    for timeout in (36000, 0):
        with pytest.raises(NodeFailed, match="ssh_interface='private_ips'") as caught:
            driver.wait_until_running([node], timeout=timeout)
        text = f"({node.id}) runs and has no public IPv4 address, but 10.0.0.5"
        assert text in str(caught.value)
        assert caught.value.node_ids == (node.id,)
        assert len(waiting.slept) == 3
    [(_, addresses)] = driver.wait_until_running([node], ssh_interface="private_ips")
    assert addresses == ["10.0.0.5"]
    states: list[DeploymentState] = []

    def note(state: DeploymentState) -> None:
        states.append(state)
        if len(states) == 3:
            locate("203.0.113.80")

    [(read, addresses)] = driver.wait_until_running([node], progress=note)
    assert addresses == read.public_ips == ["203.0.113.80"]
    assert len(states) == 4


def test_wait_until_running_with_other_addresses(driver: Driver, locate: Any) -> None:
    node = locate("2001:db8::5")
    with pytest.raises(NodeFailed, match=r"but 2001:db8::5 .*Pass force_ipv4=False"):
        driver.wait_until_running([node])
    [(read, addresses)] = driver.wait_until_running([node], force_ipv4=False)
    assert addresses == read.public_ips == ["2001:db8::5"]
    locate("blog.example.org")
    [(read, addresses)] = driver.wait_until_running([node], 5, 600, "public_ips", True, None)
    assert (read.id, addresses) == (node.id, ["blog.example.org"])


def test_wait_until_running_with_faults(
    endpoint: LiveEndpoint, wait: Any, waiting: Any, nodes: Nodes
) -> None:
    poll, faults = "/api/deployment|/run.*", endpoint.sandbox.faults
    faults.add(path=poll, status=502, times=None)
    with pytest.raises(ServiceUnavailable):
        wait(nodes, timeout=36000)
    assert len(waiting.slept) == 4 * 3 + 3
    faults.clear()
    faults.add(path=poll, cut="before", times=None)
    with pytest.raises(NoAnswer):
        wait(nodes, timeout=0)
    faults.clear()
    for fault in ({"status": 503}, {"cut": "after"}):
        faults.add(path=poll, times=6, **fault)
        assert len(wait(nodes)) == 2
    waiting.slept.clear()
    faults.add(path=poll, status=429, retry_after=120, times=None)
    with pytest.raises(RateLimitReached) as caught:
        wait(nodes, timeout=60)
    assert (caught.value.retry_after, waiting.slept) == (120, [])
    faults.clear()
    faults.add(path=poll, status=429, retry_after=120, times=5)
    assert wait(nodes, wait_period=1, timeout=3600)
    pauses = [pause for pause in waiting.slept if pause]
    assert pauses[:5] == [120] * 5
    assert max(pauses[5:], default=0) <= 1


def test_wait_until_running_logs_a_failing_progress_callback(
    endpoint: LiveEndpoint, driver: Driver, wait: Any, nodes: Nodes, caplog: Any
) -> None:
    def fail(_: DeploymentState) -> None:
        raise UnicodeEncodeError("ascii", "x", 0, 1, "ordinal not in range")

    endpoint.pass_time()
    assert wait(nodes, progress=fail)
    assert driver.ex_wait_node_in_state(nodes[0], NodeState.RUNNING, progress=fail)
    # Once for each wait.
    assert caplog.text.count("the progress callback failed: UnicodeEncodeError") == 2


@pytest.fixture
def node(endpoint: LiveEndpoint, driver: Driver) -> Node:
    (node,) = deploy(endpoint, driver, "blog")
    return node


def test_wait_reads_the_state_and_at_the_end_the_node(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: Any
) -> None:
    endpoint.sandbox.world.expire_sessions()
    driver.list_key_pairs()  # renews the session
    endpoint.sandbox.journal.clear()
    state = driver.ex_wait_node_in_state(node, NodeState.RUNNING, wait_period=20)
    assert state == ("STARTED" if endpoint.family == "nuvla" else "Ready")
    polls = list(endpoint.sandbox.journal)[: len(waiting.slept) + 1]
    if endpoint.family == "nuvla":
        assert {entry.query["select"][0] for entry in polls} == {"id,state"}
    else:
        assert {entry.path for entry in polls} == {f"/run/{node.id}/ss:state"}
    at_the_end = 2 if endpoint.family == "nuvla" else 1  # what brings the node up to date
    assert len(endpoint.sandbox.journal) == len(polls) + at_the_end
    assert waiting.slept[0] <= 1
    assert max(waiting.slept) <= 20
    current = driver.ex_get_node(node.id)
    assert node.state == NodeState.RUNNING
    assert node.public_ips + node.private_ips
    assert (node.public_ips, node.private_ips) == (current.public_ips, current.private_ips)
    assert node.extra == current.extra
    assert node.extra["service_url"]
    endpoint.sandbox.journal.clear()
    assert driver.ex_wait_node_in_state(node.id, NodeState.RUNNING) == state
    assert len(endpoint.sandbox.journal) == 1  # an id is not brought up to date


def test_wait_that_times_out_says_in_which_state(
    endpoint: LiveEndpoint, driver: Driver, node: Node, waiting: Any
) -> None:
    endpoint.hold(node)
    endpoint.sandbox.world.expire_sessions()
    state = "STARTING, not STARTED" if endpoint.family == "nuvla" else "Initializing, not Ready"
    message = rf"Timed out after 60 seconds.*{node.id} is {state}.*The deployment goes on"
    with pytest.raises(WaitTimeout, match=message):
        driver.ex_wait_node_in_state(node, wait_period=7, timeout=60)
    assert sum(waiting.slept) == pytest.approx(60, abs=1)


WRONG_STATES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"states": "Redy"}, BadInput, "Unknown state 'Redy'; did you mean 'Ready'"),
    ({"states": "runing"}, BadInput, "Unknown state 'runing'; did you mean 'running'"),
    ({"states": []}, BadInput, "state"),
    ({"states": [3]}, TypeError, "A state must be a string, not int"),
    ({"timeout": None}, BadInput, "timeout"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG_STATES)
def test_wait_with_wrong_arguments(
    driver: Driver, node: Node, sandbox: Sandbox, options: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        driver.ex_wait_node_in_state(node, **options)
    assert len(sandbox.journal) == 0


def test_wait_updates_a_node_that_ends(endpoint: LiveEndpoint, driver: Driver, node: Node) -> None:
    endpoint.pass_time()
    other = driver.ex_get_node(node)
    driver.destroy_node(node)
    driver.ex_wait_node_in_state(node, NodeState.TERMINATED)
    assert node.state == NodeState.TERMINATED
    with pytest.raises(NodeFailed):
        driver.ex_wait_node_in_state(other, NodeState.RUNNING)
    assert other.state == NodeState.TERMINATED
    assert other.extra["state"] == driver.ex_wait_node_in_state(node.id, NodeState.TERMINATED)


@on_nuvla
def test_stop_and_start_update_the_node(endpoint: Any, driver: Driver, node: Node) -> None:
    endpoint.pass_time()
    (listed,) = driver.list_nodes()
    driver.ex_explain(driver.stop_node, listed)
    assert listed.state == NodeState.RUNNING
    assert driver.stop_node(listed) is True
    assert listed.state == NodeState.STOPPING
    assert listed.extra["state"] == driver.ex_get_node(node.id).extra["state"] == "STOPPING"
    endpoint.pass_time()
    assert driver.start_node(listed) is True
    assert (listed.state, listed.extra["state"]) == (NodeState.STARTING, "STARTING")


def read(driver: Driver, *ids: str) -> list[Deployment]:
    """The deployments; the journal has the requests for them alone."""
    return list(driver._backend.get_deployments(ids))


@on_slipstream
def test_get_deployments_of_several_runs_reads_the_list(driver: Driver, sandbox: Sandbox) -> None:
    old = sandbox.world.add_runs(1200)
    node = driver.create_node(image="apps/WordPress/wordpress")
    sandbox.journal.clear()
    for ids, expected in (
        ([node.id, *old[-4:]], {"/run": 1}),
        # A few that are not among the newest are read one by one, many in the list.
        ([old[0], node.id], {"/run": 1, "/run/<id>/ss:state": 1, "/run/<id>": 1}),
    ):
        assert [item.id for item in read(driver, *ids)] == ids
        assert sent(sandbox) == expected
    assert len(read(driver, node.id, *old[:10])) == 11
    requests = sent(sandbox)
    assert requests["/run"] == 3
    assert sum(requests.values()) <= 3 + 2 * 3


@on_slipstream
@pytest.mark.parametrize(("number", "documents"), [(3, 3), (40, 0)])
def test_get_deployments_reads_a_few_documents_for_their_addresses(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, number: int, documents: int
) -> None:
    starting, ids = endpoint.deploy(driver), sandbox.world.add_runs(number)
    sandbox.journal.clear()
    deployments = read(driver, *ids)
    assert {item.phase for item in deployments} == {Phase.RUNNING}
    assert sum(bool(item.addresses) for item in deployments) == documents
    expected = {"/run": 1, "/api/virtual-machine": 1, "/run/<id>": documents}
    assert sent(sandbox) == Counter(expected)
    read(driver, starting.id, *ids)
    assert sent(sandbox) == {"/run": 1}


@on_nuvla
def test_get_deployments_searches_for_a_hundred(driver: Driver, sandbox: Sandbox) -> None:
    ids = sandbox.world.add_deployments(201, state="STARTING")
    deployments = read(driver, *reversed(ids), ids[0])
    assert [item.id for item in deployments] == [*reversed(ids), ids[0]]
    assert {item.phase for item in deployments} == {Phase.STARTING}
    assert sent(sandbox)["/api/deployment"] == 3
