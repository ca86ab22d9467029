from __future__ import annotations

import attrs
import pytest
from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import VirtualMachine
from slipstream.libcloud.errors import BadInput
from slipstream.sandbox import Sandbox

from .support import SYSTEM, WORDPRESS, Driver


@pytest.fixture
def node(driver: Driver, sandbox: Sandbox) -> Node:
    created = driver.create_node(image=driver.get_image(SYSTEM), ex_cloud="exoscale-ch-gva")
    sandbox.clock.advance(1000)
    sandbox.journal.clear()
    return created


def test_machines_of_a_node_are_listed_with_one_request(
    driver: Driver, node: Node, sandbox: Sandbox
) -> None:
    driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.clock.advance(1000)
    sandbox.journal.clear()
    machines = driver.ex_list_virtual_machines(node=node)
    assert {machine.extra["node_id"] for machine in machines} == {node.id}
    assert len(machines) == 3  # the orchestrator is one of them
    assert len(sandbox.journal) == 1


def test_machines_can_be_listed_for_a_location(
    driver: Driver, node: Node, sandbox: Sandbox
) -> None:
    sandbox.world.add_machine(cloud="ec2-eu-west")
    locations = {item.name: item for item in driver.list_locations()}
    (there,) = driver.ex_list_virtual_machines(locations["ec2-eu-west"])
    assert there.extra["location"] == "ec2-eu-west"
    assert len(driver.ex_list_virtual_machines(locations["exoscale-ch-gva"])) == 3
    assert len(driver.ex_list_virtual_machines()) == 4
    assert driver.ex_list_virtual_machines(locations["ec2-eu-west"], node) == []


def test_a_location_is_found_by_its_bare_name_too(driver: Driver, node: Node) -> None:
    bare = NodeLocation("exoscale-ch-gva", "exoscale-ch-gva", "CH", driver)
    assert len(driver.ex_list_virtual_machines(bare)) == 3


def test_a_machine_started_elsewhere_belongs_to_no_node(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.world.add_machine()
    (machine,) = driver.ex_list_virtual_machines()
    assert machine.extra["node_id"] is None


def test_a_machine_is_a_node_of_libcloud(driver: Driver, node: Node) -> None:
    machine = driver.ex_list_virtual_machines(node=node)[0]
    assert isinstance(machine, Node)
    assert isinstance(machine, VirtualMachine)
    assert attrs.has(type(machine))
    assert machine.driver is driver
    assert machine.state == NodeState.RUNNING
    assert len(machine.public_ips) == 1
    assert machine.private_ips == []
    assert machine.size is not None
    assert machine.size.extra["currency"] == "EUR"
    assert machine.created_at is not None
    assert len(machine.uuid) == 40
    assert repr(machine).startswith("<VirtualMachine: id=virtual-machine/")


def test_a_machine_cannot_be_taken_for_its_deployment(
    driver: Driver, node: Node, sandbox: Sandbox
) -> None:
    machine = driver.ex_list_virtual_machines(node=node)[0]
    sandbox.journal.clear()
    with pytest.raises(BadInput, match="is a machine and no node") as caught:
        machine.destroy()
    assert f"ex_get_node({node.id!r})" in str(caught.value)
    with pytest.raises(BadInput, match="is a machine and no node"):
        machine.reboot()
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("running", NodeState.RUNNING),
        ("Running", NodeState.RUNNING),
        ("RUNNING", NodeState.RUNNING),
        ("Booting", NodeState.STARTING),
        ("poweroff", NodeState.STOPPED),
        ("stopped", NodeState.STOPPED),
        ("Stopping", NodeState.STOPPING),
        ("deleted", NodeState.TERMINATED),
        ("terminated", NodeState.TERMINATED),
        ("error", NodeState.ERROR),
        ("failed", NodeState.ERROR),
        ("pending", NodeState.PENDING),
        ("paused", NodeState.PAUSED),
        ("suspended", NodeState.SUSPENDED),
        ("rebooting", NodeState.REBOOTING),
        ("levitating", NodeState.UNKNOWN),
    ],
)
def test_the_clouds_own_words_are_understood_in_any_case(
    driver: Driver, sandbox: Sandbox, word: str, state: NodeState
) -> None:
    sandbox.world.add_machine(state=word)
    (machine,) = driver.ex_list_virtual_machines()
    assert (machine.state, machine.extra["state"]) == (state, word)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("203.0.113.7", True),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("172.20.0.1", False),
        ("2001:db8::1", True),
        ("fd00::1", False),
        ("host.example.org", True),
    ],
)
def test_private_addresses_are_told_from_public_ones(
    driver: Driver, sandbox: Sandbox, address: str, public: bool
) -> None:
    sandbox.world.add_machine()["ip"] = address
    (machine,) = driver.ex_list_virtual_machines()
    assert machine.public_ips == ([address] if public else [])
    assert machine.private_ips == ([] if public else [address])


def test_a_machine_with_little_said_of_it_is_listed(driver: Driver, sandbox: Sandbox) -> None:
    document = sandbox.world.add_machine()
    for name in ("ip", "serviceOffer", "deployment", "created"):
        document.pop(name, None)
    document["serviceOffer"] = {"href": "service-offer/unknown"}
    (machine,) = driver.ex_list_virtual_machines()
    assert (machine.public_ips, machine.private_ips, machine.created_at) == ([], [], None)


def test_machines_of_others_are_not_listed(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.world.add_machine(user="bob")
    assert driver.ex_list_virtual_machines() == []


def test_machines_beyond_one_page_are_all_listed(driver: Driver, sandbox: Sandbox) -> None:
    for _ in range(1100):
        sandbox.world.add_machine()
    assert len({machine.id for machine in driver.ex_list_virtual_machines()}) == 1100
    assert len(sandbox.journal) == 2
