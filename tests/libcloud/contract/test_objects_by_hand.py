"""Objects that a program makes itself are as good as those that the driver lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver, VirtualMachine
from slipstream.libcloud.errors import BadInput, KeyPairMissing, NotSupported

Driver = SlipStreamNodeDriver
Make = Callable[..., Any]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7Ho0PkFJdWOBMLcKPq3MS0rVyRb0Dd0gPn1cKzVSK9 laptop"
NODE_METHODS: dict[str, Callable[[Driver, Any], Any]] = {
    "start_node": lambda driver, node: driver.start_node(node),
    "stop_node": lambda driver, node: driver.stop_node(node),
    "reboot_node": lambda driver, node: driver.reboot_node(node),
    "ex_update_node": lambda driver, node: driver.ex_update_node(node),
    "ex_get_node_parameter": lambda driver, node: driver.ex_get_node_parameter(node, "hostname"),
    "ex_wait_node_in_state": lambda driver, node: driver.ex_wait_node_in_state(
        node, "running", timeout=0
    ),
    "ex_list_virtual_machines": lambda driver, node: driver.ex_list_virtual_machines(node=node),
    "ex_get_node_logs": lambda driver, node: driver.ex_get_node_logs(node, ["web"], timeout=0.01),
    "ex_operation": lambda driver, node: driver.ex_operation(node),
    "wait_until_running": lambda driver, node: driver.wait_until_running([node], timeout=0.01),
    "destroy_node": lambda driver, node: driver.destroy_node(node),
}


@pytest.fixture(autouse=True)
def _no_pauses(endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waiting for logs move the sandbox's clock and take no time."""
    fake = SimpleNamespace(
        sleep=endpoint.sandbox.clock.advance, monotonic=time.monotonic, time=time.time
    )
    monkeypatch.setattr("slipstream.transport.clock.time", fake)


@pytest.fixture(params=["of the driver", "of none"])
def owner(request: pytest.FixtureRequest, driver: Driver) -> Any:
    """Whom an object that is made by hand says it belongs to."""
    return driver if request.param == "of the driver" else None


def outcome(method: str, driver: Driver, node: Node) -> tuple[str, str]:
    """What comes out, told by its type and, if it is an error, by its text."""
    try:
        result = NODE_METHODS[method](driver, node)
    except LibcloudError as error:
        return type(error).__name__, str(error).replace(str(node.id), "...")[:60]
    return type(result).__name__, ""


def node_of(identifier: str | None, owner: Any) -> Node:
    return Node(identifier, None, None, None, None, owner)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", NODE_METHODS)
def test_a_node_with_only_an_id_does_what_the_listed_one_does(
    method: str, driver: Driver, owner: Any, endpoint: LiveEndpoint
) -> None:
    one, other = endpoint.deploy(driver), endpoint.deploy(driver)
    endpoint.pass_time()
    listed = outcome(method, driver, driver.ex_get_node(one.id))
    assert outcome(method, driver, node_of(other.id, owner)) == listed


def test_a_node_is_read_anew_by_the_node_itself(driver: Driver, endpoint: LiveEndpoint) -> None:
    node = endpoint.deploy(driver)
    assert driver.ex_get_node(node).id == driver.ex_get_node(node.id).id == node.id


@pytest.mark.parametrize("method", NODE_METHODS)
def test_the_id_of_a_node_does_what_the_listed_one_does(
    method: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    one, other = endpoint.deploy(driver), endpoint.deploy(driver)
    endpoint.pass_time()
    expected = outcome(method, driver, driver.ex_get_node(one.id))
    try:
        result = type(NODE_METHODS[method](driver, other.id)).__name__, ""
    except LibcloudError as error:
        result = type(error).__name__, str(error).replace(str(other.id), "...")[:60]
    assert result == expected


def test_ids_are_taken_for_image_location_and_size(driver: Driver, endpoint: LiveEndpoint) -> None:
    location = endpoint.location(driver)
    options = {"image": endpoint.image(driver).id, "location": location.id}
    if endpoint.family != "nuvla":
        options["size"] = driver.list_sizes(location)[0].id
    node = driver.create_node(**options)
    endpoint.pass_time()
    assert driver.ex_get_node(node.id).extra["clouds"] == [location.name]
    assert [s.id for s in driver.list_sizes(location.id)] == [
        s.id for s in driver.list_sizes(location)
    ]


def methods_of(endpoint: LiveEndpoint) -> list[Callable[[Driver, Any], Any]]:
    """The methods that take a node, less what the family cannot do with any."""
    left_out = {"ex_get_node_logs"} if endpoint.family == "slipstream" else set()
    return [method for name, method in NODE_METHODS.items() if name not in left_out]


def test_a_node_without_an_id_is_refused_and_nothing_is_sent(
    driver: Driver, owner: Any, endpoint: LiveEndpoint
) -> None:
    for method in methods_of(endpoint):
        with pytest.raises(BadInput, match="The node has no id"):
            method(driver, node_of(None, owner))
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize(
    ("owner_id", "told"),
    [("the-node", r"ex_get_node\('the-node'\)\.$"), (None, r"It belongs to no node\.$")],
)
def test_a_machine_is_no_node_and_names_the_one_it_belongs_to(
    owner_id: str | None, told: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    machine = VirtualMachine(
        "virtual-machine/1",
        name="i-1",
        state=None,  # type: ignore[arg-type]
        public_ips=[],
        private_ips=[],
        driver=driver,
        extra={"node_id": owner_id},
    )
    for method in methods_of(endpoint):
        with pytest.raises(BadInput, match=f"is a machine and no node.*{told}"):
            method(driver, machine)
    assert len(endpoint.sandbox.journal) == 0


def test_the_methods_of_a_machine_name_the_node_as_well(
    driver: Driver, endpoint: LiveEndpoint
) -> None:
    if endpoint.family == "slipstream":
        endpoint.deploy(driver)
        endpoint.pass_time()
    machine = driver.ex_list_virtual_machines()[0]
    endpoint.sandbox.journal.clear()
    for method in (machine.destroy, machine.reboot, machine.start, machine.stop_node):
        with pytest.raises(BadInput, match="is a machine and no node"):
            method()
    assert len(endpoint.sandbox.journal) == 0


def test_an_image_with_only_an_id_is_deployed(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    image = NodeImage(BLOG, None, owner)  # type: ignore[arg-type]
    node = driver.create_node(image=image, location=endpoint.location(driver))
    assert node.image is not None
    assert node.image.id == endpoint.image(driver).id


def test_an_image_with_only_an_id_is_deleted(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    path = "apps/web/redis" if endpoint.family == "nuvla" else "examples/images/ubuntu-16.04"
    admin = endpoint.sandbox.users["super"]
    entitled = (
        driver
        if endpoint.family == "nuvla"
        else endpoint.login(admin.username, admin.password, ex_login_method="internal")
    )
    found = entitled.get_image(path)
    owner = entitled if owner is driver else owner
    assert entitled.delete_image(NodeImage(found.id, None, owner)) is True  # type: ignore[arg-type]
    assert found.id not in [image.id for image in entitled.list_images()]


def test_a_size_with_only_an_id_is_taken_where_there_are_sizes(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    location, image = endpoint.location(driver), endpoint.image(driver)
    if endpoint.family == "nuvla":
        size = NodeSize("any", None, None, None, None, None, owner)  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="There are no sizes here"):
            driver.create_node(image=image, location=location, size=size)
        return
    listed = driver.list_sizes(location)[0]
    size = NodeSize(listed.id, None, None, None, None, None, owner)  # type: ignore[arg-type]
    node = driver.create_node(image=image, location=location, size=size)
    endpoint.pass_time()
    (machine,) = driver.ex_list_virtual_machines(node=node)
    assert machine.size is None or machine.size.id == listed.id


BY: list[Callable[[NodeLocation, Any], NodeLocation]] = [
    lambda listed, owner: NodeLocation(listed.id, None, None, owner),  # type: ignore[arg-type]
    lambda listed, owner: NodeLocation(None, listed.name, None, owner),  # type: ignore[arg-type]
    lambda listed, owner: NodeLocation("", listed.name, None, owner),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", BY, ids=["id", "name", "name and empty id"])
def test_a_location_with_only_an_id_or_only_a_name_is_taken_everywhere(
    make: Make, driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    listed = endpoint.location(driver)
    location = make(listed, owner)
    node = driver.create_node(image=endpoint.image(driver), location=location)
    endpoint.pass_time()
    assert node.extra["clouds"] == [listed.name]
    assert [s.id for s in driver.list_sizes(location)] == [s.id for s in driver.list_sizes(listed)]
    machines = [[m.id for m in driver.ex_list_virtual_machines(p)] for p in (location, listed)]
    assert machines[0] == machines[1]
    assert bool(machines[0]) is (endpoint.family == "slipstream")


NAMELESS: list[Callable[[Driver, LiveEndpoint, Any], Any]] = [
    lambda d, p, owner: d.create_node(image=NodeImage(None, "x", owner)),  # type: ignore[arg-type]
    lambda d, p, owner: d.delete_image(NodeImage(None, "x", owner)),  # type: ignore[arg-type]
    lambda d, p, owner: d.list_sizes(NodeLocation(None, None, None, owner)),  # type: ignore[arg-type]
    lambda d, p, owner: d.create_node(
        image=NodeImage(BLOG, None, owner),  # type: ignore[arg-type]
        size=NodeSize(None, "x", None, None, None, None, owner),  # type: ignore[arg-type]
    ),
]


@pytest.mark.parametrize("call", NAMELESS, ids=["image", "deleted image", "location", "size"])
def test_a_thing_that_nothing_is_known_of_is_refused_and_nothing_is_sent(
    call: Callable[[Driver, LiveEndpoint, Any], Any],
    driver: Driver,
    endpoint: LiveEndpoint,
    owner: Any,
) -> None:
    with pytest.raises(BadInput, match=r"The (image|location|size) has no id\."):
        call(driver, endpoint, owner)
    assert len(endpoint.sandbox.journal) == 0


def test_a_key_pair_with_only_a_name_is_deleted(driver: Driver, owner: Any) -> None:
    driver.import_key_pair_from_string("by-hand", KEY)
    by_hand = KeyPair("by-hand", None, None, owner)  # type: ignore[arg-type]
    assert driver.delete_key_pair(by_hand) is True
    with pytest.raises(KeyPairMissing, match="by-hand"):
        driver.delete_key_pair(by_hand)


def test_a_key_pair_with_its_public_key_and_nothing_else_is_deleted(
    driver: Driver, owner: Any
) -> None:
    driver.import_key_pair_from_string("by-hand", KEY)
    by_hand = KeyPair("by-hand", KEY, None, owner)  # type: ignore[arg-type]
    assert driver.delete_key_pair(by_hand) is True
    assert "by-hand" not in [pair.name for pair in driver.list_key_pairs()]


@pytest.mark.parametrize("wrong", [7, {"id": "x"}])
def test_what_is_no_node_is_a_type_error(
    wrong: object, driver: Driver, endpoint: LiveEndpoint
) -> None:
    for method in methods_of(endpoint):
        with pytest.raises(TypeError, match=r"[Nn]ode"):
            method(driver, wrong)
    assert len(endpoint.sandbox.journal) == 0


def test_unsupported_methods_of_a_family_with_any_node(
    driver: Driver, endpoint: LiveEndpoint
) -> None:
    if endpoint.family == "nuvla":
        pytest.skip("Nuvla can do all that is done to nodes")
    with pytest.raises(NotSupported, match="cannot reboot a deployment"):
        driver.reboot_node(node_of("0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab", None))
