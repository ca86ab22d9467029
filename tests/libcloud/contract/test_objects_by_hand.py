"""Objects that a program makes itself, and bare ids, are as good as what the driver lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from fake_time import FakeTime
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver, VirtualMachine
from slipstream.libcloud.errors import BadInput, KeyPairMissing, NotSupported

Driver = SlipStreamNodeDriver

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
    clock = FakeTime(endpoint.sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.clock.time", clock)


@pytest.fixture(params=["of the driver", "of none"])
def owner(request: pytest.FixtureRequest, driver: Driver) -> Any:
    """The driver that an object made by hand has."""
    return driver if request.param == "of the driver" else None


@pytest.fixture
def methods(endpoint: LiveEndpoint) -> list[Callable[[Driver, Any], Any]]:
    """The methods that take a node, less what the family can do with none."""
    left_out = {"ex_get_node_logs"} if endpoint.family == "slipstream" else set()
    return [method for name, method in NODE_METHODS.items() if name not in left_out]


def node_of(identifier: str | None, owner: Any) -> Node:
    return Node(identifier, None, None, None, None, owner)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", NODE_METHODS)
def test_node_by_hand_and_id_of_a_node_do_what_the_listed_node_does(
    method: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    ids = [endpoint.deploy(driver).id for _ in range(4)]
    endpoint.pass_time()
    outcomes = set()
    for node in (
        driver.ex_get_node(ids[0]),
        node_of(ids[1], driver),
        node_of(ids[2], None),
        ids[3],
    ):
        try:
            outcomes.add((type(NODE_METHODS[method](driver, node)).__name__, ""))
        except LibcloudError as error:
            text = str(error).replace(str(getattr(node, "id", node)), "...")
            outcomes.add((type(error).__name__, text[:60]))
    assert len(outcomes) == 1


OWN_METHODS: dict[str, Callable[[Node], bool]] = {
    "destroy": Node.destroy,
    "reboot": Node.reboot,
    "start": Node.start,
    "stop_node": Node.stop_node,
}


@pytest.mark.parametrize("method", OWN_METHODS)
def test_methods_of_a_node_are_those_of_the_driver(
    method: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    if endpoint.family != "nuvla" and method != "destroy":
        with pytest.raises(NotSupported, match=f"cannot {method.partition('_')[0]} a deployment"):
            OWN_METHODS[method](node)
        return
    if method == "start":
        node.stop_node()
        endpoint.pass_time()
    assert OWN_METHODS[method](node) is True


def test_a_node_is_read_anew_by_the_node_itself(driver: Driver, endpoint: LiveEndpoint) -> None:
    node = endpoint.deploy(driver)
    assert driver.ex_get_node(node).id == driver.ex_get_node(node.id).id == node.id


def test_a_node_without_an_id_is_refused(
    driver: Driver, owner: Any, endpoint: LiveEndpoint, methods: list[Callable[..., Any]]
) -> None:
    for method in methods:
        with pytest.raises(BadInput, match="The node has no id"):
            method(driver, node_of(None, owner))
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("wrong", [7, {"id": "x"}])
def test_another_type_is_no_node(
    wrong: object,
    driver: Driver,
    endpoint: LiveEndpoint,
    methods: list[Callable[..., Any]],
) -> None:
    for method in methods:
        with pytest.raises(TypeError, match=r"[Nn]ode"):
            method(driver, wrong)
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize(
    ("node_id", "hint"),
    [("the-node", r"ex_get_node\('the-node'\)\.$"), (None, r"It belongs to no node\.$")],
)
def test_a_machine_is_no_node_and_names_its_node(
    node_id: str | None,
    hint: str,
    driver: Driver,
    endpoint: LiveEndpoint,
    methods: list[Callable[..., Any]],
) -> None:
    machine = VirtualMachine(
        "virtual-machine/1",
        name="i-1",
        state=None,  # type: ignore[arg-type]
        public_ips=[],
        private_ips=[],
        driver=driver,
        extra={"node_id": node_id},
    )
    for method in methods:
        with pytest.raises(BadInput, match=f"is a machine and no node.*{hint}"):
            method(driver, machine)
    for call in (machine.destroy, machine.reboot, machine.start, machine.stop_node):
        with pytest.raises(BadInput, match="is a machine and no node"):
            call()
    assert len(endpoint.sandbox.journal) == 0


def test_image_and_size_with_only_an_id_are_deployed(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    location = endpoint.location(driver)
    image = NodeImage(BLOG, None, owner)  # type: ignore[arg-type]
    node = driver.create_node(image=image, location=location)
    assert node.image is not None
    assert node.image.id == endpoint.image(driver).id
    nuvla = endpoint.family == "nuvla"
    size_id = "any" if nuvla else driver.list_sizes(location)[0].id
    size = NodeSize(size_id, None, None, None, None, None, owner)  # type: ignore[arg-type]
    if nuvla:
        with pytest.raises(BadInput, match="There are no sizes here"):
            driver.create_node(image=image, location=location, size=size)
        return
    node = driver.create_node(image=image, location=location, size=size)
    endpoint.pass_time()
    (machine,) = driver.ex_list_virtual_machines(node=node)
    assert machine.size is None or machine.size.id == size_id


def test_an_image_with_only_an_id_is_deleted(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    path = "apps/web/redis"
    if endpoint.family != "nuvla":
        path, admin = "examples/images/ubuntu-16.04", endpoint.sandbox.users["super"]
        login = endpoint.login(admin.username, admin.password, ex_login_method="internal")
        driver, owner = login, owner and login
    image = driver.get_image(path)
    assert driver.delete_image(NodeImage(image.id, None, owner)) is True  # type: ignore[arg-type]
    assert image.id not in [other.id for other in driver.list_images()]


LOCATIONS: dict[str, Callable[[NodeLocation, Any], Any]] = {
    "id": lambda listed, owner: NodeLocation(listed.id, None, None, owner),  # type: ignore[arg-type]
    "name": lambda listed, owner: NodeLocation(None, listed.name, None, owner),  # type: ignore[arg-type]
    "name and empty id": lambda listed, owner: NodeLocation("", listed.name, None, owner),  # type: ignore[arg-type]
    "bare id": lambda listed, owner: listed.id,
}


@pytest.mark.parametrize("make", LOCATIONS.values(), ids=LOCATIONS)
def test_a_location_by_its_id_or_its_name_is_taken_everywhere(
    make: Callable[..., Any], driver: Driver, endpoint: LiveEndpoint
) -> None:
    listed = endpoint.location(driver)
    for owner in (driver, None):
        location = make(listed, owner)
        node = driver.create_node(image=endpoint.image(driver), location=location)
        endpoint.pass_time()
        assert node.extra["clouds"] == [listed.name]
        sizes, machines = (
            [[resource.id for resource in call(place)] for place in (location, listed)]
            for call in (driver.list_sizes, driver.ex_list_virtual_machines)
        )
        assert sizes[0] == sizes[1]
        assert machines[0] == machines[1]
        assert bool(machines[0]) is (endpoint.family == "slipstream")


NAMELESS: dict[str, Callable[[Driver, Any], Any]] = {
    "image": lambda d, owner: d.create_node(image=NodeImage(None, "x", owner)),  # type: ignore[arg-type]
    "deleted image": lambda d, owner: d.delete_image(NodeImage(None, "x", owner)),  # type: ignore[arg-type]
    "location": lambda d, owner: d.list_sizes(NodeLocation(None, None, None, owner)),  # type: ignore[arg-type]
    "size": lambda d, owner: d.create_node(
        image=NodeImage(BLOG, None, owner),  # type: ignore[arg-type]
        size=NodeSize(None, "x", None, None, None, None, owner),  # type: ignore[arg-type]
    ),
}


def test_an_object_without_id_and_name_is_refused(
    driver: Driver, endpoint: LiveEndpoint, owner: Any
) -> None:
    for call in NAMELESS.values():
        with pytest.raises(BadInput, match=r"The (image|location|size) has no id\."):
            call(driver, owner)
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("public_key", [None, KEY])
def test_a_key_pair_by_hand_is_deleted(driver: Driver, owner: Any, public_key: str | None) -> None:
    driver.import_key_pair_from_string("by-hand", KEY)
    pair = KeyPair("by-hand", public_key, None, owner)  # type: ignore[arg-type]
    assert driver.delete_key_pair(pair) is True
    assert "by-hand" not in [other.name for other in driver.list_key_pairs()]
    with pytest.raises(KeyPairMissing, match="by-hand"):
        driver.delete_key_pair(pair)
