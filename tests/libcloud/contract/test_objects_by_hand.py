"""Objects that a program makes itself, and bare ids, are as good as what the driver lists."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint
from key_files import KEY
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize

from slipstream.libcloud.compute_driver import VirtualMachine
from slipstream.libcloud.errors import BadInput, KeyPairMissing

pytestmark = pytest.mark.usefixtures("waiting")
NODE_METHODS: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("start_node", "stop_node", "reboot_node", "ex_update_node")},
    **{name: {} for name in ("ex_operation", "destroy_node", "ex_list_virtual_machines")},
    "ex_get_node_parameter": {"parameter_name": "hostname"},
    "ex_wait_node_in_state": {"states": "running", "timeout": 0},
    "ex_get_node_logs": {"components": ["web"], "timeout": 0.01},
    "wait_until_running": {"timeout": 0.01},
}
"""The methods that take a node, and what else they need."""


def call(driver: Driver, method: str, node: Any) -> Any:
    options = NODE_METHODS[method]
    if method == "ex_list_virtual_machines":
        return driver.ex_list_virtual_machines(node=node)
    return getattr(driver, method)([node] if method == "wait_until_running" else node, **options)


@pytest.fixture(params=["of the driver", "of none"])
def owner(request: Any, driver: Driver) -> Any:
    """The driver that an object made by hand has."""
    return driver if request.param == "of the driver" else None


def node_of(identifier: str | None, owner: Any) -> Node:
    return Node(identifier, None, None, None, None, owner)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", NODE_METHODS)
def test_node_by_hand_and_id_do_what_the_listed_node_does(
    method: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    ids = [endpoint.deploy(driver).id for _ in range(4)]
    endpoint.pass_time()
    nodes = (driver.ex_get_node(ids[0]), node_of(ids[1], driver), node_of(ids[2], None), ids[3])
    outcomes = set()
    for node in nodes:
        try:
            outcomes.add((type(call(driver, method, node)).__name__, ""))
        except LibcloudError as error:
            text = str(error).replace(str(getattr(node, "id", node)), "...")
            outcomes.add((type(error).__name__, text[:60]))
    assert len(outcomes) == 1


def test_what_is_no_node_is_refused(driver: Driver, endpoint: LiveEndpoint) -> None:
    empty: dict[str, Any] = {"state": None, "public_ips": [], "private_ips": [], "driver": driver}
    hints = {"the-node": r"ex_get_node\('the-node'\)\.$", None: r"It belongs to no node\.$"}
    machines = [
        VirtualMachine("virtual-machine/1", name="i-1", extra={"node_id": node_id}, **empty)
        for node_id in hints
    ]
    wrong: list[tuple[Any, type[Exception], str]] = [
        *((node_of(None, owner), BadInput, "The node has no id") for owner in (driver, None)),
        *((value, TypeError, "[Nn]ode") for value in (7, {"id": "x"})),
        *(
            (machine, BadInput, f"is a machine, not a node.*{hint}")
            for machine, hint in zip(machines, hints.values(), strict=True)
        ),
    ]
    # Where logs are not supported, nothing else is looked at.
    unsupported = {"ex_get_node_logs"} if endpoint.family != "nuvla" else set()
    for method in NODE_METHODS.keys() - unsupported:
        for value, error, message in wrong:
            with pytest.raises(error, match=message):
                call(driver, method, value)
    for machine in machines:
        for own in (machine.destroy, machine.reboot, machine.start, machine.stop_node):
            with pytest.raises(BadInput, match="is a machine, not a node"):
                own()
    assert len(endpoint.sandbox.journal) == 0


def test_image_and_size_by_hand(driver: Driver, endpoint: LiveEndpoint, owner: Any) -> None:
    location, nuvla = endpoint.location(driver), endpoint.family == "nuvla"
    image: Any = NodeImage(BLOG, None, owner)  # type: ignore[arg-type]
    node = driver.create_node(image=image, location=location)
    assert node.image is not None
    assert node.image.id == endpoint.image(driver).id
    size_id = "any" if nuvla else driver.list_sizes(location)[0].id
    arguments: Any = {"image": image, "location": location}
    arguments["size"] = NodeSize(size_id, None, None, None, None, None, owner)  # type: ignore[arg-type]
    path = "apps/web/redis" if nuvla else "examples/images/ubuntu-16.04"
    if nuvla:
        with pytest.raises(BadInput, match="The only size here"):
            driver.create_node(**arguments)
    else:
        node = driver.create_node(**arguments)
        endpoint.pass_time()
        (machine,) = driver.ex_list_virtual_machines(node=node)
        assert machine.size is None or machine.size.id == size_id
        endpoint.sandbox.world.library.find(path).owner = "alice"
    image = NodeImage(driver.get_image(path).id, None, owner)  # type: ignore[arg-type]
    assert driver.delete_image(image) is True
    assert image.id not in [other.id for other in driver.list_images()]


Location: Any = NodeLocation


def test_location_by_hand_does_what_the_listed_one_does(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    listed = endpoint.location(driver)
    by_hand = [
        *(Location(listed.id, None, None, owner), Location(None, listed.name, None, owner)),
        *(Location("", listed.name, None, owner), listed.id),
    ]
    image = endpoint.image(driver)
    nodes = [driver.create_node(image=image, location=location) for location in by_hand]
    endpoint.pass_time()
    assert [node.extra["clouds"] for node in nodes] == [[listed.name]] * len(by_hand)
    for method in (driver.list_sizes, driver.ex_list_virtual_machines):
        ids = [[resource.id for resource in method(item)] for item in (listed, *by_hand)]
        assert ids == [ids[0]] * len(ids)
    assert bool(ids[0]) is (endpoint.family == "slipstream")


def test_object_without_id_and_name(driver: Driver, endpoint: LiveEndpoint, owner: Any) -> None:
    nameless: Any = NodeImage(None, "x", owner)  # type: ignore[arg-type]
    size = NodeSize(None, "x", None, None, None, None, owner)  # type: ignore[arg-type]
    for refused in (
        lambda: driver.create_node(image=nameless),
        lambda: driver.delete_image(nameless),
        lambda: driver.list_sizes(Location(None, None, None, owner)),
        lambda: driver.create_node(image=NodeImage(BLOG, "", owner), size=size),
    ):
        with pytest.raises(BadInput, match=r"The (image|location|size) has no id\."):
            refused()
    assert len(endpoint.sandbox.journal) == 0


def test_key_pair_by_hand_is_deleted(driver: Driver, owner: Any) -> None:
    before = driver.list_key_pairs()
    for public_key in (None, KEY):
        driver.import_key_pair_from_string("by-hand", KEY)
        pair = KeyPair("by-hand", public_key, None, owner)  # type: ignore[arg-type]
        assert driver.delete_key_pair(pair) is True
        names = [other.name for other in driver.list_key_pairs()]
        assert names == [other.name for other in before]
        with pytest.raises(KeyPairMissing, match="'by-hand'"):
            driver.delete_key_pair(pair)
