"""Waiting for many nodes at once, on each kind of endpoint."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
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

POLLS = {"slipstream": "/run.*", "nuvla": "/api/deployment"}
"""The path of the requests that polls send, by family."""


def by_hand(*ids: str) -> list[Node]:
    return [Node(node_id, node_id, NodeState.UNKNOWN, [], [], None) for node_id in ids]  # type: ignore[arg-type]


def deployed(endpoint: LiveEndpoint, driver: Driver, *names: str) -> list[Node]:
    nodes = [endpoint.deploy(driver, name) for name in names]
    endpoint.sandbox.journal.clear()
    return nodes


def locate(endpoint: LiveEndpoint, node: Node, address: str) -> None:
    """Let the only address of a node be this one."""
    world = endpoint.sandbox.world
    name = "hostname" if endpoint.family == "nuvla" else "machine:hostname"
    world.set_parameter(node.id, name, address)


def up(endpoint: LiveEndpoint, driver: Driver, address: str) -> Node:
    [node] = deployed(endpoint, driver, "blog")
    endpoint.pass_time()
    locate(endpoint, node, address)
    return node


def sent(endpoint: LiveEndpoint) -> Counter[str]:
    """The number of requests by path, ids left out."""
    paths = (entry.path for entry in endpoint.sandbox.journal)
    return Counter(re.sub(r"[0-9a-f-]{36}", "<id>", path) for path in paths)


def test_wait_until_running_keeps_the_order_of_the_nodes(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    one, two, three = deployed(endpoint, driver, "one", "two", "three")
    result = driver.wait_until_running([two, one, three, two], ssh_interface=endpoint.interface)
    assert [node.id for node, _ in result] == [two.id, one.id, three.id]
    assert [node.name for node, _ in result] == ["two", "one", "three"]
    for node, addresses in result:
        assert node.state == NodeState.RUNNING
        assert node.driver is driver
        assert addresses
        assert addresses in (node.public_ips, node.private_ips)
        assert node.extra["state"] in {"Ready", "STARTED"}
    assert one.state != NodeState.RUNNING


def test_the_arguments_are_those_of_libcloud(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = up(endpoint, driver, "203.0.113.80")
    [(running, addresses)] = driver.wait_until_running([node], 5, 600, "public_ips", True, None)
    assert running.id == node.id
    assert addresses == ["203.0.113.80"]


def test_one_node_costs_no_list(endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime) -> None:
    [node] = deployed(endpoint, driver, "blog")
    driver.wait_until_running([node], ssh_interface=endpoint.interface)
    requests = sent(endpoint)
    if endpoint.family == "nuvla":
        assert requests.pop("/api/deployment-parameter") == 1
        assert set(requests) == {"/api/deployment"}
    else:
        assert requests.pop("/run/<id>") == 1
        assert set(requests) == {"/run/<id>/ss:state"}
    assert sum(requests.values()) == len(waiting.slept) + 1


def test_wait_until_running_of_more_nodes_than_one_request_names(
    endpoint: LiveEndpoint,
    driver: Driver,
    waiting: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.runs.AT_ONCE", 5)
    monkeypatch.setattr("slipstream.backends.nuvla.deployments.AT_ONCE", 5)
    nodes = deployed(endpoint, driver, *"cafedb")
    result = driver.wait_until_running(nodes, wait_period=60, ssh_interface=endpoint.interface)
    assert [node.id for node, _ in result] == [node.id for node in nodes]
    polls = len(waiting.slept) + 1
    assert polls > 3
    listing, machines = (
        ({"/api/deployment": 2 * polls}, "/api/deployment-parameter")
        if endpoint.family == "nuvla"
        else ({"/run": polls}, "/api/virtual-machine")
    )
    assert sent(endpoint) == {**listing, machines: 2}


def test_a_node_that_fails_ends_it_at_once_and_is_named_with_the_reason(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    good, bad = deployed(endpoint, driver, "good", "bad")
    endpoint.fail(bad, "The disk is full")
    with pytest.raises(NodeFailed, match=rf"bad \({bad.id}\) .*The disk is full") as caught:
        driver.wait_until_running([good, bad], timeout=36000, ssh_interface=endpoint.interface)
    assert caught.value.node_ids == (bad.id,)
    assert (caught.value.reason or "").endswith("The disk is full")
    assert good.id not in str(caught.value)
    assert sum(waiting.slept) < 150


def test_wait_until_running_names_every_failed_node(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    nodes = deployed(endpoint, driver, *(f"node-{number}" for number in range(7)))
    for node in nodes:
        endpoint.fail(node, "no quota")
    with pytest.raises(NodeFailed, match="no quota") as caught:
        driver.wait_until_running(nodes)
    assert len(caught.value.node_ids) >= 1
    assert set(caught.value.node_ids) <= {node.id for node in nodes}
    # A message is cut before it becomes unreadable; node_ids names all.
    assert 1 <= str(caught.value).count("no quota") <= min(5, len(caught.value.node_ids))


def test_a_destroyed_node_ends_the_wait_at_once(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    [node, other] = deployed(endpoint, driver, "blog", "other")
    endpoint.pass_time()
    driver.destroy_node(node)
    with pytest.raises(NodeFailed, match=rf"blog \({node.id}\) is .* and cannot run any more"):
        driver.wait_until_running([other, node], ssh_interface=endpoint.interface)
    with pytest.raises(NodeFailed, match="cannot run any more"):
        driver.wait_until_running([node], ssh_interface=endpoint.interface)
    endpoint.pass_time()
    with pytest.raises(NodeFailed, match=r"is (Done|DELETED) and cannot run any more"):
        driver.wait_until_running([node, other], ssh_interface=endpoint.interface)
    assert waiting.slept == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_node_that_the_server_does_not_know_is_gone(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime, number: int
) -> None:
    ids = [f"0d3a3e2c-5f5f-4c8e-9a4e-00000000000{digit}" for digit in range(number)]
    full = [f"deployment/{item}" if endpoint.family == "nuvla" else item for item in ids]
    with pytest.raises(NodeFailed, match=r"is (Deleted|DELETED) and cannot run") as caught:
        driver.wait_until_running(by_hand(*ids))
    assert caught.value.node_ids == tuple(full)
    assert waiting.slept == []


def test_nodes_made_by_hand_are_taken(endpoint: LiveEndpoint, driver: Driver) -> None:
    [node] = deployed(endpoint, driver, "blog")
    bare = node.id.rpartition("/")[2].upper() if endpoint.family != "nuvla" else node.id
    result = driver.wait_until_running(by_hand(bare, node.id), ssh_interface=endpoint.interface)
    assert [running.id for running, _ in result] == [node.id]


def test_without_time_to_wait_it_polls_once(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    [node, other] = deployed(endpoint, driver, "blog", "shop")
    with pytest.raises(WaitTimeout, match=r"blog .* is .*; shop .* is ") as caught:
        driver.wait_until_running([node, other], timeout=0)
    assert "The nodes go on" in str(caught.value)
    endpoint.pass_time()
    assert (
        len(driver.wait_until_running([node, other], timeout=0, ssh_interface=endpoint.interface))
        == 2
    )
    assert waiting.slept == []


def test_the_timeout_names_the_late_node_and_no_other(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    late, early = deployed(endpoint, driver, "late", "early")
    endpoint.hold(late)
    with pytest.raises(WaitTimeout, match="Timed out after 900 seconds") as caught:
        driver.wait_until_running([early, late], timeout=900, ssh_interface=endpoint.interface)
    assert f"late ({late.id})" in str(caught.value)
    assert "early" not in str(caught.value)
    assert 898 <= sum(waiting.slept) <= 902


def test_without_nodes_nothing_is_sent(endpoint: LiveEndpoint, driver: Driver) -> None:
    endpoint.sandbox.journal.clear()
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
def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    endpoint: LiveEndpoint,
    driver: Driver,
    options: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    [node] = deployed(endpoint, driver, "blog")
    with pytest.raises(error, match=words):
        driver.wait_until_running([node], **options)
    assert len(endpoint.sandbox.journal) == 0


def test_objects_that_are_no_nodes_of_this_endpoint_are_refused(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    [node] = deployed(endpoint, driver, "blog")
    foreign = Node(node.id, "blog", NodeState.UNKNOWN, [], [], NodeDriver("key"))
    for nodes, error in (
        ([node, foreign], BadInput),
        (node, TypeError),
        (by_hand("no-such-id"), BadInput),
    ):
        with pytest.raises(error):
            driver.wait_until_running(nodes)  # type: ignore[arg-type]
    assert len(endpoint.sandbox.journal) == 0


def test_the_keywords_of_list_nodes_are_taken_and_change_nothing(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    [node] = deployed(endpoint, driver, "blog")
    options = {"ex_active_only": True, "ex_addresses": False}
    [(running, addresses)] = driver.wait_until_running(
        [node], ex_list_nodes_kwargs=options, ssh_interface=endpoint.interface
    )
    assert running.id == node.id
    assert addresses


def test_wait_until_running_polls_thrice_for_an_address(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    node = up(endpoint, driver, "10.0.0.5")
    with pytest.raises(NodeFailed) as caught:
        driver.wait_until_running([node], timeout=36000)
    text = str(caught.value)
    assert f"({node.id}) runs and has no public IPv4 address, but 10.0.0.5" in text
    assert "ssh_interface='private_ips'" in text
    assert caught.value.node_ids == (node.id,)
    assert len(waiting.slept) == 3
    [(_, addresses)] = driver.wait_until_running([node], ssh_interface="private_ips")
    assert addresses == ["10.0.0.5"]


def test_an_address_that_comes_in_time_is_waited_for(
    endpoint: LiveEndpoint, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = up(endpoint, driver, "10.0.0.5")
    seen: list[DeploymentState] = []

    def comes_later(answer: DeploymentState) -> None:
        seen.append(answer)
        if len(seen) == 3:
            locate(endpoint, node, "203.0.113.80")

    [(running, addresses)] = driver.wait_until_running([node], progress=comes_later)
    assert addresses == running.public_ips == ["203.0.113.80"]
    assert len(seen) == 4


def test_the_timeout_ends_the_wait_for_an_address_too(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    node = up(endpoint, driver, "10.0.0.5")
    with pytest.raises(NodeFailed, match="runs and has no public IPv4 address"):
        driver.wait_until_running([node], timeout=0)
    assert waiting.slept == []


def test_ipv6_addresses_are_taken_when_they_are_wanted(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = up(endpoint, driver, "2001:db8::5")
    with pytest.raises(NodeFailed, match=r"but 2001:db8::5 .*Pass force_ipv4=False"):
        driver.wait_until_running([node])
    [(running, addresses)] = driver.wait_until_running([node], force_ipv4=False)
    assert addresses == running.public_ips == ["2001:db8::5"]


def test_a_node_can_be_reached_by_the_name_of_a_host(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = up(endpoint, driver, "blog.example.org")
    [(_, addresses)] = driver.wait_until_running([node])
    assert addresses == ["blog.example.org"]


def test_faults_that_pass_are_survived(endpoint: LiveEndpoint, driver: Driver) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")
    endpoint.sandbox.faults.add(path=POLLS[endpoint.family], status=503, times=9)
    assert len(driver.wait_until_running(nodes, ssh_interface=endpoint.interface)) == 2
    endpoint.sandbox.faults.add(path=POLLS[endpoint.family], cut="after", times=6)
    assert len(driver.wait_until_running(nodes, ssh_interface=endpoint.interface)) == 2


def test_faults_that_do_not_pass_end_it(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")
    endpoint.sandbox.faults.add(path=POLLS[endpoint.family], status=502, times=None)
    with pytest.raises(ServiceUnavailable):
        driver.wait_until_running(nodes, timeout=36000)
    assert len(waiting.slept) == 4 * 3 + 3
    endpoint.sandbox.faults.clear()
    endpoint.sandbox.faults.add(path=POLLS[endpoint.family], cut="before", times=None)
    with pytest.raises(NoAnswer):
        driver.wait_until_running(nodes, timeout=0)


def test_retry_after_is_waited_for(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")
    endpoint.sandbox.faults.add(path=POLLS[endpoint.family], status=429, retry_after=120, times=5)
    driver.wait_until_running(nodes, wait_period=1, timeout=3600, ssh_interface=endpoint.interface)
    assert waiting.slept[:5] == [120] * 5
    assert max(waiting.slept[5:], default=0) <= 1


def test_retry_after_beyond_the_timeout_ends_it(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")
    endpoint.sandbox.faults.add(
        path=POLLS[endpoint.family], status=429, retry_after=120, times=None
    )
    with pytest.raises(RateLimitReached) as caught:
        driver.wait_until_running(nodes, timeout=60)
    assert caught.value.retry_after == 120
    assert waiting.slept == []


def test_progress_is_called_for_each_node_at_each_poll(
    endpoint: LiveEndpoint, driver: Driver, waiting: FakeTime
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")
    states: list[DeploymentState] = []
    driver.wait_until_running(nodes, progress=states.append, ssh_interface=endpoint.interface)
    assert {state.deployment_id for state in states} == {node.id for node in nodes}
    assert len(states) == 2 * (len(waiting.slept) + 1)
    assert len({state.state for state in states}) > 1


def test_a_failing_progress_callback_is_logged_and_does_not_end_the_wait(
    endpoint: LiveEndpoint, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")

    def fail(_: DeploymentState) -> None:
        raise UnicodeEncodeError("ascii", "x", 0, 1, "ordinal not in range")

    endpoint.pass_time()
    assert (
        len(driver.wait_until_running(nodes, progress=fail, ssh_interface=endpoint.interface)) == 2
    )
    assert driver.ex_wait_node_in_state(nodes[0], NodeState.RUNNING, progress=fail)
    # Once for each wait.
    assert caplog.text.count("the progress callback failed: UnicodeEncodeError") == 2


@pytest.mark.parametrize("where", ["polling", "sleeping"])
def test_an_interrupt_ends_it_at_once_and_leaves_the_driver_usable(
    endpoint: LiveEndpoint,
    driver: Driver,
    waiting: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    nodes = deployed(endpoint, driver, "blog", "shop")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if where == "polling":
            patched.setattr(Transport, "_exchange", interrupt)
        else:
            patched.setattr(waiting, "sleep", interrupt)
        for wait in (
            lambda: driver.wait_until_running(nodes),
            lambda: driver.ex_wait_node_in_state(nodes[0]),
            lambda: driver.ex_operation(nodes[0]).wait(),
        ):
            with pytest.raises(KeyboardInterrupt):
                wait()
    assert len(driver.wait_until_running(nodes, ssh_interface=endpoint.interface)) == 2
    assert all(driver.destroy_node(node) for node in nodes)


def test_timeout_is_an_error_of_libcloud(endpoint: LiveEndpoint, driver: Driver) -> None:
    [node] = deployed(endpoint, driver, "blog")
    with pytest.raises(LibcloudError, match="Timed out after 1 seconds"):
        driver.wait_until_running([node], timeout=1)
