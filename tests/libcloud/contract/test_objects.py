"""Nodes, images, sizes, locations, key pairs and machines are what programs take them for."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver, VirtualMachine

Driver = SlipStreamNodeDriver


@pytest.fixture
def things(driver: Driver, endpoint: LiveEndpoint) -> list[Any]:
    """Everything that the driver gives out; the journal forgets how it came."""
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    things = [
        node,
        driver.ex_get_node(node.id),
        *driver.list_nodes(),
        *driver.list_nodes(ex_addresses=True),
        *driver.list_images(),
        endpoint.image(driver),
        *driver.list_sizes(),
        *driver.list_locations(),
        driver.create_key_pair("made"),
        *driver.list_key_pairs(),
        *driver.ex_list_virtual_machines(),
    ]
    endpoint.sandbox.journal.clear()
    return things


def of(things: list[Any], cls: type) -> Iterator[Any]:
    found = [thing for thing in things if isinstance(thing, cls)]
    assert found or cls in {NodeSize, VirtualMachine}
    return iter(found)


def test_every_attribute_can_be_looked_at_and_nothing_is_sent(
    things: list[Any], endpoint: LiveEndpoint
) -> None:
    seen = {type(thing) for thing in things}
    assert {Node, NodeImage, NodeLocation, KeyPair} <= seen
    for thing in things:
        for name in dir(thing):
            getattr(thing, name)
    assert len(endpoint.sandbox.journal) == 0


def test_every_thing_belongs_to_the_driver(things: list[Any], driver: Driver) -> None:
    assert all(thing.driver is driver for thing in things)
    assert all(node.image.driver is driver for node in of(things, Node) if node.image)
    assert all(node.size.driver is driver for node in of(things, Node) if node.size)


def test_ids_and_names_are_texts(things: list[Any]) -> None:
    for thing in things:
        assert isinstance(thing.name, str)
        assert thing.name
        if not isinstance(thing, KeyPair):
            assert isinstance(thing.id, str)
            assert thing.id not in ("", "None")


def test_a_node_has_a_state_and_lists_of_addresses(things: list[Any]) -> None:
    for node in of(things, Node):
        assert isinstance(node.state, NodeState)
        for addresses in (node.public_ips, node.private_ips):
            assert isinstance(addresses, list)
            assert all(isinstance(address, str) for address in addresses)


def test_size_numbers_and_unknown(things: list[Any], endpoint: LiveEndpoint) -> None:
    sizes = list(of(things, NodeSize))
    assert sizes
    for size in sizes:
        for name in ("ram", "disk", "price"):
            value = getattr(size, name)
            assert type(value) in (int, float)
            assert (name not in size.extra["unknown"]) or value == 0
        assert size.bandwidth is None
    assert sorted(sizes, key=lambda size: (size.price, size.ram, size.disk)) or not sizes
    assert any(size.extra["unknown"] for size in sizes) or not sizes
    assert all(size.extra["currency"] for size in sizes if size.price)


def test_the_country_of_a_location_is_a_text(things: list[Any]) -> None:
    for location in of(things, NodeLocation):
        assert isinstance(location.country, str)
        assert location.extra["unknown"] == ([] if location.country else ["country"])


def test_what_a_thing_prints_as_is_short_and_no_document(things: list[Any]) -> None:
    for thing in things:
        text = repr(thing)
        assert 0 < len(text) < 500
        assert "acl" not in text
        assert "{" not in text
        assert "PRIVATE KEY" not in text


def test_a_thing_can_be_taken_apart_as_salt_does_it(things: list[Any], driver: Driver) -> None:
    for thing in things:
        apart = copy.copy(thing.__dict__)
        del apart["driver"]
        assert apart.get("id", thing.name)
        json.dumps(apart, default=str)
        assert thing.driver is driver


def test_extra_is_a_dict_that_is_the_thing_s_own(driver: Driver) -> None:
    first, second = driver.list_locations()[0], driver.list_locations()[0]
    first.extra["note"] = "mine"
    assert "note" not in second.extra


def test_the_same_thing_has_the_same_uuid_and_another_one_another(things: list[Any]) -> None:
    by_id: dict[tuple[type, str], set[str]] = {}
    for thing in things:
        if not isinstance(thing, KeyPair | NodeLocation):
            by_id.setdefault((type(thing), thing.id), set()).add(thing.uuid)
    assert all(len(uuids) == 1 for uuids in by_id.values())
    for (_, uuids), (_, others) in itertools.pairwise(by_id.items()):
        assert uuids != others


METHODS: dict[str, Callable[[Node], bool]] = {
    "destroy": lambda node: node.destroy(),
    "reboot": lambda node: node.reboot(),
    "start": lambda node: node.start(),
    "stop_node": lambda node: node.stop_node(),
}


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_of_a_node_are_those_of_the_driver(
    method: str, driver: Driver, endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    monkeypatch.setattr(
        "slipstream.transport.clock.time", FakeTime(endpoint.sandbox.clock.advance)
    )
    if method == "start" and endpoint.family == "nuvla":
        node.stop_node()
        endpoint.pass_time()
    if endpoint.family == "nuvla":
        assert METHODS[method](node) is True
    elif method == "destroy":
        assert METHODS[method](node) is True
        assert driver.ex_get_node(node.id).state == NodeState.TERMINATED
    else:
        with pytest.raises(NotImplementedError, match=f"{method.partition('_')[0]} a deployment"):
            METHODS[method](node)


def test_extra_of_every_object_is_json_and_says_when_in_utc(
    driver: Driver, endpoint: LiveEndpoint
) -> None:
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    objects: list[Any] = [
        driver.ex_get_node(node.id),
        endpoint.image(driver),
        *driver.list_nodes(),
        *driver.list_images(),
        *driver.list_sizes(),
        *driver.list_locations(),
        *driver.list_key_pairs(),
        *driver.ex_list_virtual_machines(node=node),
    ]
    for thing in objects:
        assert json.loads(json.dumps(thing.extra)).keys() == thing.extra.keys()
    started = objects[0].extra["started_at"]
    assert datetime.fromisoformat(started) == objects[0].created_at
    assert started.endswith("+00:00")


def test_the_image_of_a_node_has_its_name(driver: Driver, endpoint: LiveEndpoint) -> None:
    image = endpoint.deploy(driver).image
    assert image is not None
    assert image.name == ("WordPress" if endpoint.family == "nuvla" else "wordpress")
