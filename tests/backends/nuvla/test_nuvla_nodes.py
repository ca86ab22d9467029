from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import UTC
from typing import Any

import pytest
from fake_time import FakeTime
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.backends import Nuvla
from slipstream.libcloud.errors import (
    BadInput,
    DriverError,
    NodeFailed,
    NotFound,
    RequestFailed,
    WaitTimeout,
)
from slipstream.sandbox import Sandbox
from slipstream.sandbox.nuvla import query
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

from .support import (
    CLUSTER,
    FAILING,
    JSON,
    NGINX,
    NOBODYS,
    WHOAMI,
    Driver,
    deploy,
    place,
    requests,
)


def started(driver: Driver, sandbox: Sandbox, *args: Any, **options: Any) -> Node:
    node = deploy(driver, *args, **options)
    sandbox.clock.advance(300)
    sandbox.journal.clear()
    return driver.ex_get_node(node.id)


class TestListing:
    def test_there_are_none_at_first(self, driver: Driver) -> None:
        assert driver.list_nodes() == []

    def test_the_newest_comes_first(self, driver: Driver, sandbox: Sandbox) -> None:
        ids = sandbox.world.add_deployments(3)
        assert [node.id for node in driver.list_nodes(ex_addresses=False)] == ids[::-1]

    @pytest.mark.parametrize("number", [499, 500, 501, 1200])
    def test_long_lists_are_complete(self, driver: Driver, sandbox: Sandbox, number: int) -> None:
        ids = sandbox.world.add_deployments(number)
        assert [node.id for node in driver.list_nodes(ex_addresses=False)] == ids[::-1]
        assert len(sandbox.journal) == -(-number // 500)

    def test_a_list_is_complete_beyond_what_one_search_can_give(
        self, driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The server's 10,000, made small: listing as many takes seconds.
        monkeypatch.setattr(query, "MOST_DOCUMENTS", 1000)
        ids = sandbox.world.add_deployments(2100)
        assert [node.id for node in driver.list_nodes(ex_addresses=False)] == ids[::-1]

    def test_a_page_of_the_same_moment_hides_nothing(
        self, driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Nuvla, "page_size", 10)
        ids = sandbox.world.add_deployments(45)
        for identifier in ids[5:40]:
            created = {"created": "2025-08-21T14:16:34.000Z"}
            sandbox.world.add_document(sandbox.world.store[identifier] | created)
        assert {node.id for node in driver.list_nodes()} == set(ids)

    def test_addresses_are_one_more_request_for_each_hundred(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox)
        sandbox.world.add_deployments(120)
        sandbox.journal.clear()
        nodes = driver.list_nodes(ex_addresses=True)
        assert requests(sandbox).count(("PUT", "deployment-parameter")) == 2
        assert len(sandbox.journal) == 3
        (found,) = [item for item in nodes if item.id == node.id]
        assert found.private_ips == ["127.0.0.1"]

    def test_names_tags_and_states_are_listed(self, driver: Driver, sandbox: Sandbox) -> None:
        deploy(driver, name="blog", ex_tags="prod, eu")
        (node,) = driver.list_nodes()
        assert node.name == "blog"
        assert node.extra["tags"] == ["prod", "eu"]
        assert node.state == NodeState.STARTING
        assert node.extra["state"] == "STARTING"
        assert node.extra["status"] == "starting"
        assert node.extra["username"] == sandbox.world.user_id("alice")
        assert node.extra["clouds"] == ["swarm-lausanne"]
        assert node.image.name == "WordPress"
        assert node.created_at is not None
        assert node.created_at.tzinfo == UTC

    @pytest.mark.parametrize(
        ("state", "means"),
        [
            ("CREATED", NodeState.PENDING),
            ("PENDING", NodeState.PENDING),
            ("STARTING", NodeState.STARTING),
            ("STARTED", NodeState.RUNNING),
            ("UPDATED", NodeState.RUNNING),
            ("UPDATING", NodeState.UPDATING),
            ("STOPPING", NodeState.STOPPING),
            ("STOPPED", NodeState.STOPPED),
            ("PAUSED", NodeState.PAUSED),
            ("SUSPENDED", NodeState.SUSPENDED),
            ("ERROR", NodeState.ERROR),
            ("BREWING", NodeState.UNKNOWN),
        ],
    )
    def test_every_state_has_a_meaning(
        self, driver: Driver, sandbox: Sandbox, state: str, means: NodeState
    ) -> None:
        sandbox.world.add_deployments(1, state=state)
        assert driver.list_nodes()[0].state == means

    def test_what_one_may_barely_see_is_listed_all_the_same(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        body = json.dumps({"resources": [{"id": NOBODYS}]})
        sandbox.faults.add("PUT", "/api/deployment", body=body, headers=JSON)
        (node,) = driver.list_nodes()
        assert node.id == node.name == NOBODYS
        assert node.state == NodeState.UNKNOWN


class TestReading:
    def test_a_node_on_a_plain_service_has_the_address_of_the_service(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox)
        assert node.private_ips == ["127.0.0.1"]
        assert node.public_ips == []

    def test_a_node_on_an_edge_has_every_address_of_the_edge(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox, where="edge-geneva")
        assert node.public_ips == ["203.0.113.9"]
        assert set(node.private_ips) == {"10.8.0.3", "192.168.1.20"}
        assert node.extra["nuvlabox-name"] == "edge-geneva"

    def test_a_host_that_is_a_name_is_no_address(
        self, driver: Driver, sandbox: Sandbox, running: Node
    ) -> None:
        sandbox.world.set_parameter(running.id, "hostname", "blog.example.org")
        node = driver.ex_get_node(running.id)
        assert node.extra["hostname"] == "blog.example.org"
        assert node.public_ips == node.private_ips == []

    def test_the_patterns_of_urls_are_filled_in(
        self, driver: Driver, running: Node, sandbox: Sandbox
    ) -> None:
        uuid = running.id.partition("/")[2]
        url = f"{sandbox.url}/site/{uuid}"
        assert running.extra["urls"] == {"blog": url}
        assert running.extra["service_url"] == url

    def test_a_url_of_which_a_part_is_not_known_is_none(
        self, driver: Driver, running: Node, sandbox: Sandbox
    ) -> None:
        parameters = sandbox.world.store.collection("deployment-parameter")
        (site,) = [item for item in parameters if item["name"] == "site"]
        sandbox.world.store.remove(site["id"])
        node = driver.ex_get_node(running.id)
        assert node.extra["urls"] == {}
        assert node.extra["service_url"] is None

    def test_a_node_that_has_not_started_has_no_url(self, driver: Driver, node: Node) -> None:
        read = driver.ex_get_node(node.id)
        assert read.extra["urls"] == {}
        assert read.extra["hostname"] is None

    def test_a_node_is_two_requests_with_addresses_and_urls(
        self, driver: Driver, running: Node, sandbox: Sandbox
    ) -> None:
        driver.ex_get_node(running.id)
        assert requests(sandbox) == [("GET", "deployment"), ("PUT", "deployment-parameter")]

    def test_a_uuid_alone_names_a_node(self, driver: Driver, running: Node) -> None:
        assert driver.ex_get_node(running.id.partition("/")[2]).id == running.id

    def test_a_node_in_error_tells_why(self, driver: Driver, sandbox: Sandbox) -> None:
        node = started(driver, sandbox, FAILING)
        assert node.state == NodeState.ERROR
        assert "manifest unknown" in node.extra["abort"]

    def test_an_unknown_node_is_not_found(self, driver: Driver) -> None:
        with pytest.raises(NotFound, match="not found"):
            driver.ex_get_node(NOBODYS)


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "value"), [("hostname", "127.0.0.1"), ("web.image", "wordpress")]
    )
    def test_one_is_read_in_one_request(
        self, driver: Driver, running: Node, sandbox: Sandbox, name: str, value: str
    ) -> None:
        assert driver.ex_get_node_parameter(running, name) == value
        assert requests(sandbox) == [("GET", "deployment-parameter")]

    @pytest.mark.parametrize(
        ("path", "where", "name", "value"),
        [
            (NGINX, CLUSTER, "Deployment.nginx.replicas.desired", "1"),
            (WHOAMI, "swarm-lausanne", "whoami.mode", "replicated"),
        ],
    )
    def test_one_whose_id_cannot_be_told_from_its_name_is_searched_for(
        self, driver: Driver, sandbox: Sandbox, path: str, where: str, name: str, value: str
    ) -> None:
        given = {"GREETING": "hi"} if path == NGINX else {}
        node = started(driver, sandbox, path, where, ex_parameters=given)
        sandbox.journal.clear()
        assert driver.ex_get_node_parameter(node, name) == value
        assert len(sandbox.journal) <= 2

    def test_one_without_a_value_yet_is_none(
        self, driver: Driver, running: Node, node: Node
    ) -> None:
        assert driver.ex_get_node_parameter(running, "admin_url") is None

    def test_before_the_start_there_is_none_at_all(self, driver: Driver, node: Node) -> None:
        assert driver.ex_get_node_parameter(node, "hostname") is None

    def test_an_unknown_one_is_refused_with_those_there_are(
        self, driver: Driver, running: Node
    ) -> None:
        with pytest.raises(BadInput, match=r"did you mean 'hostname'.*web.tcp.80"):
            driver.ex_get_node_parameter(running, "hostnam")

    @pytest.mark.parametrize("ignore_abort", [False, True])
    def test_nothing_of_a_deployment_that_is_gone_is_unset(
        self, driver: Driver, ignore_abort: bool
    ) -> None:
        with pytest.raises(NotFound):
            driver.ex_get_node_parameter(NOBODYS, "hostname", ignore_abort)

    @pytest.mark.parametrize("name", ["a b", "ä/../x", "'", '"', "x" * 5000, "ip."])
    def test_a_strange_name_is_unknown(self, driver: Driver, running: Node, name: str) -> None:
        with pytest.raises(BadInput, match="Unknown parameter"):
            driver.ex_get_node_parameter(running, name)

    def test_it_is_answered_in_error_unless_one_minds(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox, FAILING)
        assert driver.ex_get_node_parameter(node, "hostname") == "127.0.0.1"
        with pytest.raises(NodeFailed):
            driver.ex_get_node_parameter(node, "hostname", ignore_abort=False)


class TestLogs:
    def test_the_lines_of_each_component_are_fetched(
        self, driver: Driver, running: Node, waiting: FakeTime
    ) -> None:
        logs = driver.ex_get_node_logs(running, ["web", "db"])
        assert logs.keys() == {"web", "db"}
        assert logs["web"][0].endswith("web is up")

    def test_one_component_may_be_given_as_text(
        self, driver: Driver, running: Node, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        assert driver.ex_get_node_logs(running, "web", lines=7).keys() == {"web"}
        assert sandbox.journal[0].json == {"components": ["web"], "lines": 7}

    def test_one_of_several_components_must_be_named(self, driver: Driver, running: Node) -> None:
        with pytest.raises(BadInput, match=r"has 2 components.* db, web"):
            driver.ex_get_node_logs(running, [])

    def test_a_deployment_that_never_ran_has_none(self, driver: Driver, sandbox: Sandbox) -> None:
        (identifier,) = sandbox.world.add_deployments(1, state="CREATED")
        with pytest.raises(BadInput, match="has no components yet"):
            driver.ex_get_node_logs(identifier)

    def test_a_deployment_that_is_gone_is_not_found(self, driver: Driver) -> None:
        with pytest.raises(NotFound):
            driver.ex_get_node_logs(NOBODYS)

    def test_a_fetch_that_takes_too_long_is_given_up(
        self, driver: Driver, waiting: FakeTime, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox, where="edge-geneva")
        sandbox.world.set_edge_online("edge-geneva", online=False)
        with pytest.raises(WaitTimeout, match="not fetched after 30 seconds"):
            driver.ex_get_node_logs(node, ["web"], timeout=30)
        assert sum(waiting.slept) < 35

    def test_a_state_without_logs_is_named(self, driver: Driver, sandbox: Sandbox) -> None:
        (identifier,) = sandbox.world.add_deployments(1, state="STOPPED")
        with pytest.raises(RequestFailed, match="in state STOPPED"):
            driver.ex_get_node_logs(driver.ex_get_node(identifier), ["web"])


class TestMachines:
    def test_they_are_the_edges_with_what_they_report(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        machines = {machine.name: machine for machine in driver.ex_list_virtual_machines()}
        assert machines.keys() == {"edge-geneva", "edge-zurich", "edge-basel"}
        geneva = machines["edge-geneva"]
        assert geneva.state == NodeState.RUNNING
        assert geneva.public_ips == ["203.0.113.9"]
        assert set(geneva.private_ips) == {"10.8.0.3", "192.168.1.20"}
        assert (geneva.size.extra["cpu"], geneva.size.ram, geneva.size.disk) == (4, 7821, 118)
        assert geneva.extra["state"] == "COMMISSIONED"
        assert geneva.extra["status"] == "OPERATIONAL"
        assert len(sandbox.journal) == 2

    def test_one_that_is_not_heard_of_is_unknown(self, driver: Driver) -> None:
        (zurich,) = [m for m in driver.ex_list_virtual_machines() if m.name == "edge-zurich"]
        assert zurich.state == NodeState.UNKNOWN

    @pytest.mark.parametrize(
        ("state", "means"),
        [
            ("NEW", NodeState.PENDING),
            ("ACTIVATED", NodeState.PENDING),
            ("SUSPENDED", NodeState.SUSPENDED),
            ("DECOMMISSIONING", NodeState.STOPPING),
            ("DECOMMISSIONED", NodeState.TERMINATED),
            ("ERROR", NodeState.ERROR),
        ],
    )
    def test_the_life_of_an_edge_is_told(
        self, driver: Driver, sandbox: Sandbox, state: str, means: NodeState
    ) -> None:
        for edge in list(sandbox.world.store.collection("nuvlabox")):
            sandbox.world.change(edge["id"], sandbox.world.now(), state=state)
        assert {m.state for m in driver.ex_list_virtual_machines()} == {means}

    def test_those_of_a_node_are_the_edge_it_runs_on(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = started(driver, sandbox, where="edge-geneva")
        (machine,) = driver.ex_list_virtual_machines(node=node)
        assert machine.name == "edge-geneva"
        assert machine.extra["node_id"] == node.id

    def test_a_node_on_a_plain_service_has_none(
        self, driver: Driver, running: Node, sandbox: Sandbox
    ) -> None:
        assert driver.ex_list_virtual_machines(node=running) == []
        assert len(sandbox.journal) <= 1

    def test_those_of_a_location_are_its_edge(self, driver: Driver) -> None:
        (machine,) = driver.ex_list_virtual_machines(place(driver, "edge-basel"))
        assert machine.name == "edge-basel"
        assert driver.ex_list_virtual_machines(place(driver)) == []

    def test_those_of_somebody_else_are_not_seen(self, bob: Driver) -> None:
        assert bob.ex_list_virtual_machines() == []

    def test_a_machine_is_not_destroyed_by_itself(self, driver: Driver) -> None:
        machine = driver.ex_list_virtual_machines()[0]
        with pytest.raises(DriverError, match="is a machine and no node"):
            driver.destroy_node(machine)


def test_addresses_are_searched_side_by_side_with_the_next_page(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sandbox.world.add_deployments(1_200)
    sandbox.faults.add("PUT", "/api/deployment.*", times=None, delay=0.1)
    send, under_way, met = Transport.send, dict[int, str](), set[tuple[str, ...]]()

    def watched(self: Transport, request: Request, **options: Any) -> Response:
        under_way[id(request)] = request.path
        met.add(tuple(sorted(under_way.values())))
        try:
            return send(self, request, **options)
        finally:
            del under_way[id(request)]

    monkeypatch.setattr(Transport, "send", watched)
    nodes = driver.list_nodes(ex_addresses=True)
    assert [node.id for node in nodes] == ids[::-1]
    sent = Counter(path for _, path in requests(sandbox))
    assert sent == {"deployment": 3, "deployment-parameter": 12}
    assert any({"/api/deployment", "/api/deployment-parameter"} <= set(paths) for paths in met)
    assert 3 <= max(map(len, met)) <= 6


def test_who_leaves_a_list_with_addresses_ends_its_threads(
    driver: Driver, sandbox: Sandbox
) -> None:
    sandbox.world.add_deployments(1_200)
    nodes = driver.ex_iterate_nodes(ex_addresses=True)
    next(nodes)
    nodes.close()
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("slipstream-ahead") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
