"""How programs for any cloud call a driver, without an ex_ argument, and what their nodes have."""

from __future__ import annotations

import inspect
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState
from libcloud.utils.retry import Retry

from slipstream.conformance.methods import METHODS
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.convert import split

WAIT = 20


def wait_for_address(driver: Driver, node: Node) -> Node:
    """Poll the list of nodes, as most programs do."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        (listed,) = [other for other in driver.list_nodes() if other.id == node.id]
        if listed.state == NodeState.RUNNING and listed.public_ips + listed.private_ips:
            return listed
        time.sleep(0.01)
    pytest.fail("the node got no address in time")


def test_the_first_documented_example_of_libcloud(endpoint: LiveEndpoint, driver: Driver) -> None:
    image = driver.list_images(endpoint.location(driver))[0]
    node = driver.create_node(name="test", image=image, size=driver.list_sizes()[0])
    with endpoint.passing_time():
        listed = wait_for_address(driver, node)
        interface = "public_ips" if listed.public_ips else "private_ips"
        [(running, addresses)] = driver.wait_until_running([node], ssh_interface=interface)
    # The services of Nuvla's sandbox have private addresses.
    assert bool(listed.public_ips) == (endpoint.family != "nuvla")
    assert listed.public_ips + listed.private_ips == addresses
    assert (running.name, running.id) == ("test", node.id)


def test_the_cheapest_size_can_be_had(endpoint: LiveEndpoint, driver: Driver) -> None:
    sizes = driver.list_sizes()
    cheapest = min(sizes, key=lambda size: size.price)
    assert sum(size.price + size.ram + size.disk for size in sizes) >= 0
    if endpoint.family != "nuvla":
        assert cheapest.price > 0
        assert "price" not in cheapest.extra["unknown"]
        assert cheapest.extra["location"] in repr(cheapest)
    assert driver.create_node("test", cheapest, BLOG).id


def test_call_retried_by_the_decorator_of_libcloud(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver, "shop")
    attempts = []

    def list_nodes() -> list[Node]:
        attempts.append(1)
        return driver.list_nodes()

    retried = Retry(timeout=5, retry_delay=0, backoff=1)(list_nodes)
    assert [listed.id for listed in retried()] == [node.id]
    # The driver repeats what reads by itself; six failures are more than it forgives.
    endpoint.sandbox.faults.add(path=".*(run|deployment).*", cut="before", times=6)
    assert [listed.id for listed in retried()] == [node.id]
    assert len(attempts) > 2


def test_older_ways_to_read_a_signature_give_that_of_libcloud(driver: Driver) -> None:
    for name in METHODS:
        base = inspect.getfullargspec(getattr(NodeDriver, name)).args
        assert inspect.getfullargspec(getattr(driver, name)).args[: len(base)] == base, name


SYSTEM = "examples/tutorials/service-testing/system"


PRIVATE = ["10.0.0.7", "::ffff:10.0.0.7", "::ffff:192.168.3.4", "fe80::1%eth0", "fd00::7"]
PUBLIC = ["::ffff:198.51.100.7", "2001:db8::7", "198.51.100.7", "host.example"]


def test_private_addresses() -> None:
    assert split([*PRIVATE, *PUBLIC]) == (PUBLIC, PRIVATE)


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_address_of_the_service_comes_first(endpoint: LiveEndpoint, driver: Driver) -> None:
    image = driver.get_image(SYSTEM)
    clouds = {"apache": "exoscale-ch-gva", "testclient": "ec2-eu-west"}
    nodes = [driver.create_node(name, image=image, ex_cloud=clouds) for name in ("a", "b")]
    for number in range(40):
        if number < 8:  # nothing but the orchestrators is up
            assert [node.public_ips for node in driver.list_nodes()] == [[], []]
        endpoint.sandbox.clock.advance(10)
        endpoint.sandbox.world.tick()  # the server looks at the machines from time to time
    own = {node.id: driver.ex_get_node(node) for node in nodes}
    waited = [node for node, _ in driver.wait_until_running(nodes)]
    for node in [*driver.list_nodes(), *waited]:
        document = own[node.id]
        assert node.public_ips[0] == urlsplit(document.extra["service_url"]).hostname
        assert {*document.public_ips} < {*node.public_ips}


@pytest.mark.parametrize("name", ["shop", None])
@pytest.mark.parametrize("tags", [None, ["shop", "spring"]])
def test_name_and_tags_in_listings(endpoint: LiveEndpoint, name: Any, tags: Any) -> None:
    driver = endpoint.login()
    image = endpoint.image(driver)
    node = endpoint.deploy(driver, name, ex_tags=tags)
    endpoint.pass_time()
    running = driver.wait_until_running([node], ssh_interface=endpoint.interface)
    read = [*driver.list_nodes(ex_addresses=True), driver.ex_get_node(node), running[0][0]]
    nodes: list[Any] = [node, *driver.list_nodes(), *read]
    assert len(nodes) == 5
    for current in nodes:
        assert current.extra["tags"] == (tags or [])
        assert current.name == (name or node.id)
        assert current.image.name == image.name
