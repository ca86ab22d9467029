from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import VirtualMachine
from slipstream.sandbox import Sandbox
from slipstream.values import Phase

from .support import JSON, SYSTEM, WORDPRESS, Driver, Login

CREATED = datetime(2017, 10, 13, 17, 7, 26, 79000, UTC)


def document(sandbox: Sandbox, identifier: str) -> dict[str, Any]:
    result: dict[str, Any] = sandbox.world.store[identifier]
    return result


def test_list_nodes_leaves_out_those_that_have_ended(driver: Driver, sandbox: Sandbox) -> None:
    first, second = sandbox.world.add_runs(2)
    assert driver.destroy_node(driver.ex_get_node(first)) is True
    (node,) = driver.list_nodes()
    assert (node.id, node.public_ips, node.private_ips) == (second, [], [])
    states = {node.id: node.state for node in driver.list_nodes(ex_active_only=False)}
    assert states == {first: NodeState.TERMINATED, second: NodeState.RUNNING}
    assert sandbox.journal.entries("GET", "/run")[0].query["limit"] == ["500"]


@pytest.mark.parametrize(("at_once", "searches"), [(250, 1), (2, 2)])
def test_list_nodes_with_addresses(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, at_once: int, searches: int
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.runs.LISTED_AT_ONCE", at_once)
    image = driver.get_image(SYSTEM)
    created = [driver.create_node(image=image) for _ in range(3)]
    sandbox.clock.advance(1000)
    sandbox.world.add_machine()
    sandbox.journal.clear()
    nodes = {node.id: node for node in driver.list_nodes(ex_addresses=True)}
    assert len(sandbox.journal) == 1 + searches
    for node in created:
        machines = driver.ex_list_virtual_machines(node=node)
        expected = sorted(address for machine in machines for address in machine.public_ips)
        assert sorted(nodes[node.id].public_ips) == expected != []


def test_node_has_the_state_of_the_run(driver: Driver, sandbox: Sandbox) -> None:
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    for seconds, word, state in (
        (0, "Initializing", NodeState.PENDING),
        (30, "Provisioning", NodeState.STARTING),
        (120, "Executing", NodeState.RECONFIGURING),
        (80, "SendingReports", NodeState.RECONFIGURING),
        (70, "Ready", NodeState.RUNNING),
    ):
        sandbox.clock.advance(seconds)
        for result in (driver.ex_get_node(node), driver.list_nodes()[0]):
            assert (result.extra["state"], result.state) == (word, state)
            assert result.extra["status"] == word.lower()
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.world.abort_run(node.id, "disk full")
    for result in (driver.ex_get_node(node), driver.list_nodes()[0]):
        assert (result.state, result.extra["abort"]) == (NodeState.ERROR, "disk full")
    driver.destroy_node(node)
    assert driver.ex_get_node(node).state == NodeState.TERMINATED
    assert Driver.NODE_STATE_MAP["starting"] == NodeState.STARTING
    assert set(Driver.NODE_STATE_MAP) == {phase.value for phase in Phase}


def test_node_has_what_the_server_knows_of_it(driver: Driver, sandbox: Sandbox) -> None:
    image = driver.get_image(SYSTEM)
    node = driver.create_node(name="blog", image=image, ex_scalable=True)
    sandbox.clock.advance(1000)
    result = driver.ex_get_node(node)
    extra = result.extra
    assert extra["scalable"] is True
    assert (extra["module"], extra["username"]) == (f"{SYSTEM}/540", "alice")
    assert extra["clouds"] == ["exoscale-ch-gva"]
    assert datetime.fromisoformat(extra["last_state_change"]).tzinfo == UTC
    assert extra["service_url"].startswith("http://")
    assert result.image is not None
    assert (result.image.id, result.image.name) == (f"{SYSTEM}/540", "system")
    assert len(result.public_ips) == 2
    # The server writes no zeros before milliseconds.
    sandbox.world.runs[node.id].created = CREATED
    assert driver.ex_get_node(node).created_at == driver.list_nodes()[0].created_at == CREATED


def test_list_sizes_are_offers_with_prices(driver: Driver) -> None:
    sizes = {size.name: size for size in driver.list_sizes(ex_all=True)}
    assert len(sizes) > 90
    assert {size.extra["resource:type"] for size in sizes.values()} == {"VM"}
    size = sizes["(2/4096/50 Medium) [CH]"]
    assert (size.ram, size.disk, size.extra["cpu"]) == (4096, 50, 2)
    assert size.price == pytest.approx(0.037384)
    assert (size.extra["currency"], size.extra["price_unit"]) == ("EUR", "HUR")
    assert (size.extra["location"], size.extra["country"]) == ("exoscale-ch-gva", "CH")
    assert size.extra["unknown"] == []
    assert size.id.startswith("service-offer/")
    flexible, metal = sizes["(flexible) [CH]"], sizes["(32 baremetal) [DE]"]
    assert (flexible.ram, flexible.disk, flexible.extra["unknown"]) == (0, 0, ["ram", "disk"])
    assert flexible.price > 0
    assert (metal.price, metal.extra["unknown"]) == (0, ["ram", "disk", "price"])


def test_size_with_an_amount(driver: Driver, sandbox: Sandbox) -> None:
    name = driver.list_sizes()[0].id
    odd: Any = ("NaN", "Infinity", "-inf", "many", True, None, [], {})
    numbers = (("512", 512), (512.0, 512), ("0.5", 0.5), (0, 0))
    for value, ram in (*((value, None) for value in odd), *numbers):
        document(sandbox, name)["resource:ram"] = value
        (size,) = [size for size in driver.list_sizes(ex_all=True) if size.id == name]
        expected = (0, int, ["ram"]) if ram is None else (ram, type(ram), [])
        assert (size.ram, type(size.ram), size.extra["unknown"]) == expected, value


def test_list_sizes_of_a_location(driver: Driver, sandbox: Sandbox) -> None:
    for location in driver.list_locations():
        before = [size.id for size in driver.list_sizes(location)]
        # The server spells the name in two ways.
        document(sandbox, before[0])["connector"] = {"href": f"connector/{location.name}"}
        sizes = driver.list_sizes(location)
        assert sorted(size.id for size in sizes) == sorted(before)
        assert {size.extra["location"] for size in sizes} == {location.name}


@pytest.mark.parametrize("user", ["alice", "bob", "super"])
def test_list_sizes_of_the_own_locations(login: Login, sandbox: Sandbox, user: str) -> None:
    driver = login(user)
    own = {location.name for location in driver.list_locations()}
    sandbox.journal.clear()
    sizes = driver.list_sizes()
    assert len(sandbox.journal) == (3 if own else 2)  # profile, credentials, offers
    everything = driver.list_sizes(ex_all=True)
    assert [size.id for size in sizes] == [
        size.id
        for size in everything
        if size.extra["location"] in own and not size.extra["unknown"]
    ]
    assert {size.extra["location"] for size in sizes} == own
    assert all(f"location={size.extra['location']}" in repr(size) for size in sizes)
    assert everything[-1].extra["unknown"] == ["ram", "disk", "price"]


@pytest.mark.parametrize("name", ["price:unitCost", "resource:ram", "resource:disk"])
def test_list_sizes_that_all_leave_something_open(driver: Driver, sandbox: Any, name: str) -> None:
    location, *_ = driver.list_locations()
    ids = {size.id for size in driver.list_sizes(location, ex_all=True)}
    first, *others = [size.id for size in driver.list_sizes(location)]
    for identifier in others:
        document(sandbox, identifier).pop(name)
    assert [size.id for size in driver.list_sizes(location)] == [first]
    document(sandbox, first).pop(name)
    assert {size.id for size in driver.list_sizes(location)} == ids


def test_list_locations_with_their_countries(driver: Driver, sandbox: Sandbox) -> None:
    def listed() -> list[tuple[str, str, str, list[str]]]:
        locations = driver.list_locations()
        return [(item.id, item.name, item.country, item.extra["unknown"]) for item in locations]

    ireland, geneva = listed()
    assert ireland == ("connector/ec2-eu-west", "ec2-eu-west", "IE", [])
    assert geneva == ("connector/exoscale-ch-gva", "exoscale-ch-gva", "CH", [])
    for size in driver.list_sizes(ex_all=True):
        if size.extra["location"] == "ec2-eu-west":
            document(sandbox, size.id).pop("resource:country", None)
    assert listed() == [("connector/ec2-eu-west", "ec2-eu-west", "", ["country"]), geneva]


def test_list_locations_of_one_source(driver: Driver, login: Login, sandbox: Sandbox) -> None:
    admin = login("super")
    assert admin.list_locations() == []
    principal = {"principal": "super", "type": "USER"}
    sandbox.world.add_document(
        {
            "id": "credential/11111111-2222-4333-8444-555555555555",
            "type": "cloud-cred-exoscale",
            "connector": {"href": "connector/exoscale-ch-gva"},
            "acl": {"owner": principal, "rules": [{**principal, "right": "MODIFY"}]},
        }
    )
    assert "exoscale-ch-gva" in [item.name for item in admin.list_locations()]
    body = json.dumps({"status": 403, "message": "credentials required"})
    sandbox.faults.add("PUT", "/api/credential", status=403, body=body, headers=JSON)
    assert len(driver.list_locations()) == 2


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    created = driver.create_node(image=driver.get_image(SYSTEM), ex_cloud="exoscale-ch-gva")
    sandbox.clock.advance(1000)
    sandbox.journal.clear()
    return created


def test_machines_of_a_node_or_a_location(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.clock.advance(1000)
    sandbox.world.add_machine(cloud="ec2-eu-west")
    sandbox.world.add_machine(user="bob")
    ireland, geneva = sorted(driver.list_locations(), key=lambda item: item.name)
    sandbox.journal.clear()
    machines = driver.ex_list_virtual_machines(node=node)
    assert {machine.extra["node_id"] for machine in machines} == {node.id}
    assert len(machines) == 3  # the orchestrator is one of them
    assert len(sandbox.journal) == 1
    (there,) = driver.ex_list_virtual_machines(ireland)
    assert (there.extra["location"], there.extra["node_id"]) == ("ec2-eu-west", None)
    bare = NodeLocation("exoscale-ch-gva", "exoscale-ch-gva", "CH", driver)
    for location in (geneva, bare):
        assert len(driver.ex_list_virtual_machines(location)) == 4
    assert len(driver.ex_list_virtual_machines()) == 5
    assert driver.ex_list_virtual_machines(ireland, node) == []


def test_machine_is_a_node_of_libcloud(driver: Driver, node: Node, sandbox: Sandbox) -> None:
    machine = driver.ex_list_virtual_machines(node=node)[0]
    assert isinstance(machine, VirtualMachine)
    assert machine.driver is driver
    assert machine.state == NodeState.RUNNING
    assert (len(machine.public_ips), machine.private_ips) == (1, [])
    assert machine.size is not None
    assert machine.size.extra["currency"] == "EUR"
    assert machine.created_at is not None
    assert repr(machine).startswith("<VirtualMachine: id=virtual-machine/")
    assert machine.extra["node_id"] == node.id
    document = sandbox.world.add_machine()
    for name in ("ip", "serviceOffer", "deployment", "created"):
        document.pop(name, None)
    document["serviceOffer"] = {"href": "service-offer/unknown"}
    machines = {machine.id: machine for machine in driver.ex_list_virtual_machines()}
    bare = machines[document["id"]]
    assert (bare.public_ips, bare.private_ips, bare.created_at) == ([], [], None)


STATES = {
    **dict.fromkeys(("running", "Running", "RUNNING"), NodeState.RUNNING),
    **dict.fromkeys(("poweroff", "stopped"), NodeState.STOPPED),
    **dict.fromkeys(("deleted", "terminated"), NodeState.TERMINATED),
    **dict.fromkeys(("error", "failed"), NodeState.ERROR),
    "Booting": NodeState.STARTING,
    "Stopping": NodeState.STOPPING,
    "pending": NodeState.PENDING,
    "paused": NodeState.PAUSED,
    "suspended": NodeState.SUSPENDED,
    "rebooting": NodeState.REBOOTING,
    "levitating": NodeState.UNKNOWN,
}


def test_machine_has_the_state_that_the_cloud_names(driver: Driver, sandbox: Sandbox) -> None:
    for word in STATES:
        sandbox.world.add_machine(state=word)
    machines = driver.ex_list_virtual_machines()
    assert {machine.extra["state"]: machine.state for machine in machines} == STATES
