from __future__ import annotations

import pytest
from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import VirtualMachine
from slipstream.sandbox import Sandbox

from .support import SYSTEM, WORDPRESS, Driver


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
