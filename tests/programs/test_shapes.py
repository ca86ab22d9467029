"""The shapes in which programs for any cloud call a driver, and none of them an ex_ argument."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from key_files import make_pair
from libcloud.compute.base import KeyPair, Node, NodeDriver, NodeImage
from libcloud.compute.deployment import ScriptDeployment
from libcloud.compute.types import NodeState
from libcloud.utils.retry import Retry

from slipstream.conformance.methods import METHODS, placeholders
from slipstream.errors import Forbidden
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

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


def test_the_first_of_each_list_fit_together(endpoint: LiveEndpoint, driver: Driver) -> None:
    location = driver.list_locations()[-1]
    image = driver.list_images(location)[0]
    node = driver.create_node("test", driver.list_sizes(location)[0], image, location)
    assert [listed.id for listed in driver.list_nodes()] == [node.id]


def test_the_cheapest_size_can_be_had(endpoint: LiveEndpoint, driver: Driver) -> None:
    sizes = driver.list_sizes()
    cheapest = min(sizes, key=lambda size: size.price)
    assert sum(size.price + size.ram + size.disk for size in sizes) >= 0
    if endpoint.family != "nuvla":
        assert cheapest.price > 0
        assert "price" not in cheapest.extra["unknown"]
        assert cheapest.extra["location"] in repr(cheapest)
    assert driver.create_node("test", cheapest, BLOG).id


def test_a_call_is_retried_by_the_decorator_of_libcloud(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
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


STATE_CHANGES = ("reboot_node", "stop_node", "start_node")
RESULTS = {
    "create_key_pair": KeyPair, "create_node": Node, "delete_image": bool, "delete_key_pair": bool,
    "destroy_node": bool, "get_image": NodeImage, "get_key_pair": KeyPair,
    "import_key_pair_from_file": KeyPair, "import_key_pair_from_string": KeyPair,
    "list_images": list, "list_key_pairs": list, "list_locations": list, "list_nodes": list,
    "list_sizes": list, "wait_until_running": list,
}  # fmt: skip
"""What the methods return; the others are refused everywhere, or where a state cannot change."""


@pytest.mark.parametrize("by", ["position", "keyword"])
def test_all_methods_can_be_called_as_the_base_declares_them(
    endpoint: LiveEndpoint, driver: Driver, by: str, tmp_path: Path
) -> None:
    node, pair = endpoint.deploy(driver, "shop"), make_pair(tmp_path, "pair")
    (tmp_path / "pair.pub").write_text(pair.public, "utf-8")
    is_nuvla = endpoint.family == "nuvla"
    objects = placeholders(driver)
    values: dict[str, Any] = {
        "node": node, "nodes": [node], "location": endpoint.location(driver), "name": "extra",
        "image": endpoint.image(driver), "image_id": BLOG, "node_image": endpoint.image(driver),
        "size": driver.list_sizes()[0] if is_nuvla else None, "volume": objects["volume"],
        "snapshot": objects["snapshot"], "source_region": "ch", "key_material": pair.public,
        "key_file_path": str(tmp_path / "pair.pub"), "deploy": ScriptDeployment("true"),
        "timeout": WAIT, "ssh_interface": endpoint.interface,
        "key_pair": KeyPair("extra", "", "", driver),
    }  # fmt: skip

    def call(name: str) -> Any:
        base = inspect.signature(getattr(NodeDriver, name)).parameters.values()
        arguments = {
            parameter.name: values.get(parameter.name, parameter.default)
            for parameter in list(base)[1:]
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        }
        method = getattr(driver, name)
        try:
            return method(*arguments.values()) if by == "position" else method(**arguments)
        except NotImplementedError:
            return NotImplementedError
        except Forbidden:  # images belong to others here
            return name == "delete_image"

    order = ["import_key_pair_from_file", *RESULTS, *STATE_CHANGES, *METHODS]
    last = ["delete_key_pair", "create_key_pair", "destroy_node", "delete_image"]
    results = RESULTS | (dict.fromkeys(STATE_CHANGES, bool) if is_nuvla else {})
    called = []
    with endpoint.passing_time():
        for name in [name for name in dict.fromkeys(order) if name not in last] + last:
            result = call(name)
            expected = results.get(name)
            is_expected = expected is not None and isinstance(result, expected)
            assert is_expected or (expected, result) == (None, NotImplementedError)
            called.append(name)
            if name in STATE_CHANGES and is_nuvla:
                driver.ex_wait_node_in_state(node, "STOPPED" if name == "stop_node" else "STARTED")
    assert sorted(called) == sorted(METHODS)
