from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, NodeFailed, NotFound, RequestFailed, WaitTimeout
from slipstream.sandbox import Sandbox

from .support import (
    CLUSTER,
    FAILING,
    JSON,
    NGINX,
    NOBODYS,
    SWARM,
    WHOAMI,
    WORDPRESS,
    Driver,
    deploy,
    get_location,
    requests,
    stored,
)

Start = Callable[..., Node]


@pytest.fixture
def start(driver: Driver, sandbox: Sandbox) -> Start:
    """Deploy, let five minutes pass, and read the node; the journal starts then."""

    def start(*args: Any, **options: Any) -> Node:
        node = deploy(driver, *args, **options)
        sandbox.clock.advance(300)
        read = driver.ex_get_node(node)
        sandbox.journal.clear()
        return read

    return start


SAME = ("PENDING", "STARTING", "UPDATING", "STOPPING", "STOPPED", "PAUSED", "SUSPENDED", "ERROR")
STATES = {state: getattr(NodeState, state) for state in SAME}
STATES |= {"CREATED": NodeState.PENDING, "BREWING": NodeState.UNKNOWN}
STATES |= dict.fromkeys(("STARTED", "UPDATED"), NodeState.RUNNING)


def test_node_has_the_state_of_the_deployment(driver: Driver, sandbox: Sandbox) -> None:
    for state in STATES:
        sandbox.world.add_deployments(1, state=state)
    assert {node.extra["state"]: node.state for node in driver.list_nodes()} == STATES


def test_node_of_which_the_id_alone_may_be_seen(driver: Driver, sandbox: Sandbox) -> None:
    body = json.dumps({"resources": [{"id": NOBODYS}], "count": 1})
    sandbox.faults.add("PUT", "/api/deployment", body=body, headers=JSON)
    (node,) = driver.list_nodes()
    assert node.id == node.name == NOBODYS
    assert node.state == NodeState.UNKNOWN


EDGE = ("edge-geneva", ["203.0.113.9"], {"10.8.0.3", "192.168.1.20"})


@pytest.mark.parametrize(("where", "public", "private"), [(SWARM, [], {"127.0.0.1"}), EDGE])
def test_node_that_is_read_and_listed(
    driver: Any, sandbox: Sandbox, start: Start, where: str, public: Any, private: Any
) -> None:
    node = start(where=where, ex_tags="prod, eu")
    sandbox.world.add_deployments(2)
    listed = {item.id: item for item in driver.list_nodes(ex_addresses=True)}
    for item in (node, listed.pop(node.id)):
        assert (item.public_ips, set(item.private_ips)) == (public, private)
        assert (item.extra["tags"], item.extra["status"]) == (["prod", "eu"], "started")
        assert item.extra["clouds"] == [where]
        assert item.extra.get("nuvlabox-name") == (where if public else None)
        assert item.extra["username"] == sandbox.world.user_id("alice")
        assert item.created_at is not None
        assert item.created_at.tzinfo == UTC
    assert [other.private_ips for other in listed.values()] == [[], []]


def test_node_has_urls_and_a_host_name(driver: Driver, running: Node, sandbox: Sandbox) -> None:
    sandbox.world.set_parameter(running.id, "hostname", "blog.example.org")
    node = driver.ex_get_node(running)
    assert node.extra["hostname"] == "blog.example.org"
    assert node.public_ips == node.private_ips == []
    url = f"{sandbox.url}/site/{str(running.id).partition('/')[2]}"
    assert running.extra["urls"] == {"blog": url}
    assert running.extra["service_url"] == url
    parameters = sandbox.world.store.collection("deployment-parameter")
    (site,) = [item for item in parameters if item["name"] == "site"]
    sandbox.world.store.remove(site["id"])
    incomplete = driver.ex_get_node(running).extra
    assert (incomplete["urls"], incomplete["service_url"]) == ({}, None)


def test_node_that_has_not_started(driver: Driver, node: Node) -> None:
    read = driver.ex_get_node(str(node.id).partition("/")[2])  # its UUID is enough
    assert (read.id, read.extra["urls"], read.extra["hostname"]) == (node.id, {}, None)
    assert driver.ex_get_node_parameter(node, "hostname") is None


def test_parameter_is_read_in_one_request(driver: Driver, running: Node, sandbox: Sandbox) -> None:
    values = {"hostname": "127.0.0.1", "web.image": "wordpress", "admin_url": None}
    assert {name: driver.ex_get_node_parameter(running, name) for name in values} == values
    assert requests(sandbox) == [("GET", "deployment-parameter")] * 3
    odd: dict[str, Any] = {"": "", " ": " ", "null": "null", "0": 0, "false": False}
    for text, value in odd.items():
        sandbox.world.set_parameter(running.id, "admin_url", value)
        assert driver.ex_get_node_parameter(running, "admin_url") == text


@pytest.mark.parametrize(
    ("path", "where", "name", "value"),
    [
        (NGINX, CLUSTER, "Deployment.nginx.replicas.desired", "1"),
        (WHOAMI, SWARM, "whoami.mode", "replicated"),
    ],
)
def test_parameter_with_another_id(
    driver: Driver, sandbox: Sandbox, start: Start, path: str, where: str, name: str, value: str
) -> None:
    node = start(path, where, ex_parameters={"GREETING": "hi"} if path == NGINX else {})
    assert driver.ex_get_node_parameter(node, name) == value
    assert len(sandbox.journal) <= 2


def test_parameter_that_does_not_exist(driver: Driver, running: Node) -> None:
    for name in ("hostnam", "a b", "ä/../x", "'", '"', "x" * 5000, "ip."):
        nearest = r".*did you mean 'hostname'.*web.tcp.80" if name == "hostnam" else ""
        with pytest.raises(BadInput, match=f"Unknown parameter{nearest}"):
            driver.ex_get_node_parameter(running, name)
    for ignore_abort in (False, True):
        with pytest.raises(NotFound):
            driver.ex_get_node_parameter(NOBODYS, "hostname", ignore_abort)


def test_node_in_error_has_the_reason_and_parameters(driver: Driver, start: Start) -> None:
    node = start(FAILING)
    assert node.state == NodeState.ERROR
    reason = node.extra["abort"]
    assert "manifest unknown" in reason
    assert driver.ex_get_node_parameter(node, "hostname") == "127.0.0.1"
    with pytest.raises(NodeFailed, match=re.escape(reason)) as caught:
        driver.ex_get_node_parameter(node, "hostname", ignore_abort=False)
    assert (caught.value.reason, caught.value.node_ids) == (reason, (node.id,))


def test_logs(driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox) -> None:
    logs = driver.ex_get_node_logs(running, ["web", "db"])
    assert logs.keys() == {"web", "db"}
    assert logs["web"][0].endswith("web is up")
    sandbox.journal.clear()
    assert driver.ex_get_node_logs(running, "web", lines=7).keys() == {"web"}
    assert sandbox.journal[0].json == {"components": ["web"], "lines": 7}
    for wrong in (7, b"web", [7]):
        with pytest.raises(TypeError, match=r"components must be|name of a component must be"):
            driver.ex_get_node_logs(running, wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"has 2 components.* db, web"):
        driver.ex_get_node_logs(running, [])


def test_logs_of_a_node_that_does_not_run(driver: Driver, sandbox: Sandbox) -> None:
    (identifier,) = sandbox.world.add_deployments(1, state="CREATED")
    with pytest.raises(BadInput, match="has no components yet"):
        driver.ex_get_node_logs(identifier)
    with pytest.raises(NotFound):
        driver.ex_get_node_logs(NOBODYS)
    (identifier,) = sandbox.world.add_deployments(1, state="STOPPED")
    with pytest.raises(RequestFailed, match="in state STOPPED"):
        driver.ex_get_node_logs(driver.ex_get_node(identifier), ["web"])


def test_logs_that_time_out(driver: Driver, waiting: Any, sandbox: Sandbox, start: Start) -> None:
    node = start(where="edge-geneva")
    sandbox.world.set_edge_online("edge-geneva", online=False)
    with pytest.raises(WaitTimeout, match="not fetched after 30 seconds"):
        driver.ex_get_node_logs(node, ["web"], timeout=30)
    assert sum(waiting.slept) < 35


def test_list_machines_are_edges_with_what_they_report(driver: Driver, sandbox: Sandbox) -> None:
    machines = {machine.name: machine for machine in driver.ex_list_virtual_machines()}
    assert machines.keys() == {"edge-geneva", "edge-zurich", "edge-basel"}
    assert machines["edge-zurich"].state == NodeState.UNKNOWN
    geneva = machines["edge-geneva"]
    assert geneva.state == NodeState.RUNNING
    assert geneva.public_ips == ["203.0.113.9"]
    assert set(geneva.private_ips) == {"10.8.0.3", "192.168.1.20"}
    assert geneva.size is not None
    assert (geneva.size.extra["cpu"], geneva.size.ram, geneva.size.disk) == (4, 7821, 118)
    assert geneva.extra["state"] == "COMMISSIONED"
    assert geneva.extra["status"] == "OPERATIONAL"
    assert len(sandbox.journal) == 2


EDGE_STATES = {s: getattr(NodeState, s) for s in ("SUSPENDED", "ERROR")}
EDGE_STATES |= dict.fromkeys(("NEW", "ACTIVATED"), NodeState.PENDING)
EDGE_STATES |= {"DECOMMISSIONING": NodeState.STOPPING, "DECOMMISSIONED": NodeState.TERMINATED}


def test_machine_has_the_state_of_the_edge(driver: Driver, sandbox: Sandbox) -> None:
    for state, expected in EDGE_STATES.items():
        for edge in list(sandbox.world.store.collection("nuvlabox")):
            sandbox.world.change(edge["id"], sandbox.world.now(), state=state)
        assert {m.state for m in driver.ex_list_virtual_machines()} == {expected}


def test_list_machines_of_a_node_or_location(
    driver: Driver, bob: Driver, running: Node, sandbox: Sandbox, start: Start
) -> None:
    assert driver.ex_list_virtual_machines(node=running) == []
    assert len(sandbox.journal) <= 1
    node = start(where="edge-geneva")
    (machine,) = driver.ex_list_virtual_machines(node=node)
    assert (machine.name, machine.extra["node_id"]) == ("edge-geneva", node.id)
    (machine,) = driver.ex_list_virtual_machines(get_location(driver, "edge-basel"))
    assert machine.name == "edge-basel"
    assert driver.ex_list_virtual_machines(get_location(driver)) == []
    sandbox.journal.clear()
    assert bob.ex_list_virtual_machines() == []
    assert len(sandbox.journal) == 1, "no reports are read where there are no edges"


def test_iterate_machines(driver: Driver, sandbox: Sandbox, monkeypatch: Any) -> None:
    whole = [(item.id, item.name, item.public_ips) for item in driver.ex_list_virtual_machines()]
    assert any(addresses for _, _, addresses in whole)
    monkeypatch.setattr("slipstream.backends.nuvla.locations.EDGES_AT_ONCE", 1)
    sandbox.journal.clear()
    machines = driver.ex_iterate_virtual_machines()
    first = next(machines)
    assert len(sandbox.journal) == 2
    assert [(item.id, item.name, item.public_ips) for item in (first, *machines)] == whole
    assert len(sandbox.journal) == 1 + len(whole)


VALUE = "hunter2-of-the-blog"


def test_node_shows_no_environment_and_no_credentials(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = deploy(driver, name="blog", ex_parameters={"WP_ADMIN_PASSWORD": VALUE})
    sandbox.clock.advance(300)
    document = stored(sandbox, created.id)
    secret = document["api-credentials"]["api-secret"]
    (listed,) = driver.list_nodes(ex_addresses=True)
    nodes = [created, listed, driver.ex_get_node(created)]
    assert VALUE in repr(document)
    # A server that sends what was not selected.
    sandbox.faults.add("GET", r"/api/deployment/.*", body=json.dumps(document), headers=JSON)
    nodes.append(driver.ex_get_node(created))
    for text in (*(repr(node) + repr(vars(node)) for node in nodes), caplog.text):
        assert secret not in text
        assert VALUE not in text
    assert not any("api-credentials" in node.extra for node in nodes)


SECRET = {
    "api-credentials", "private-key", "secret-key", "key", "cert", "ca", "password", "token",
    "digest", "claims",
}  # fmt: skip
HEAVY = {"coe-resources", "content"}


def test_searches_select_no_secret(driver: Driver, sandbox: Sandbox, running: Node) -> None:
    edge = deploy(driver, where="edge-geneva")
    sandbox.journal.clear()
    driver.list_nodes()
    options: dict[str, Any]
    for options in ({}, {"ex_path": "apps/web"}, {"ex_path": "apps", "ex_recurse": True}):
        driver.list_images(**options)
    driver.get_image(WORDPRESS)
    driver.list_locations()
    driver.list_key_pairs()
    driver.ex_list_virtual_machines()
    driver.ex_list_virtual_machines(node=edge)
    driver.ex_get_node(running)
    driver.ex_wait_node_in_state(running)
    searches = [entry.form for entry in sandbox.journal if entry.form is not None]
    assert len(searches) > 12
    for form in searches:
        assert (SECRET | HEAVY).isdisjoint(form["select"][0].split(","))
        assert {"orderby", "first", "last"} <= form.keys()
        assert form.get("filter") != [""]
    reads = sandbox.journal.entries("GET", f"/api/{running.id}")
    assert reads
    assert not any("api-credentials" in entry.query["select"][0].split(",") for entry in reads)
