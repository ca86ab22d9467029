"""Nodes, images, sizes, locations, key pairs and machines are what programs take them for."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from endpoints_under_test import KINDS, LiveEndpoint, serve
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.fixture(scope="module", params=KINDS)
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveEndpoint]:
    """An endpoint of each kind, for all tests of this module."""
    folder = tmp_path_factory.mktemp("objects")
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(request.param, folder, patch) as endpoint,
    ):
        yield endpoint


@pytest.fixture(scope="module")
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    return endpoint.login()


@pytest.fixture(scope="module")
def node(endpoint: LiveEndpoint, driver: SlipStreamNodeDriver) -> Node:
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    return node


@pytest.fixture(scope="module")
def objects(endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, node: Node) -> list[Any]:
    """Everything that the driver gives out."""
    return [
        node,
        driver.ex_get_node(node.id),
        *driver.list_nodes(),
        *driver.list_nodes(ex_addresses=True),
        *driver.list_images(),
        endpoint.image(driver),
        *driver.list_sizes(ex_all=True),
        *driver.list_locations(),
        driver.create_key_pair("made"),
        *driver.list_key_pairs(),
        *driver.ex_list_virtual_machines(),
        *driver.ex_list_virtual_machines(node=node),
    ]


def test_every_attribute_can_be_read_and_nothing_is_sent(
    objects: list[Any], endpoint: LiveEndpoint
) -> None:
    for cls in (Node, NodeImage, NodeSize, NodeLocation, KeyPair):
        assert any(isinstance(item, cls) for item in objects)
    endpoint.sandbox.journal.clear()
    for item in objects:
        for name in dir(item):
            getattr(item, name)
    assert len(endpoint.sandbox.journal) == 0


def test_every_object_belongs_to_the_driver(
    objects: list[Any], driver: SlipStreamNodeDriver
) -> None:
    parts = [getattr(item, name, None) for item in objects for name in ("image", "size")]
    assert all(item.driver is driver for item in [*objects, *filter(None, parts)])


def test_ids_and_names_are_texts(objects: list[Any]) -> None:
    for item in objects:
        assert isinstance(item.name, str)
        assert item.name
        if not isinstance(item, KeyPair):
            assert isinstance(item.id, str)
            assert item.id not in ("", "None")


def test_extra_is_json(objects: list[Any]) -> None:
    for item in objects:
        assert json.loads(json.dumps(item.extra)).keys() == item.extra.keys()


def test_repr_is_short_and_no_document(objects: list[Any]) -> None:
    for item in objects:
        text = repr(item)
        assert 0 < len(text) < 500
        assert not [word for word in ("acl", "{", "PRIVATE KEY") if word in text]


def test_attributes_without_the_driver_are_data_as_salt_reads_them(objects: list[Any]) -> None:
    for item in objects:
        attributes = copy.copy(item.__dict__)
        del attributes["driver"]
        assert attributes.get("id", item.name)
        json.dumps(attributes, default=str)
        assert item.driver


def test_uuid_follows_the_id(objects: list[Any]) -> None:
    by_id: dict[tuple[type, str], set[str]] = {}
    for item in objects:
        if not isinstance(item, KeyPair | NodeLocation):
            by_id.setdefault((type(item), item.id), set()).add(item.uuid)
    assert all(len(uuids) == 1 for uuids in by_id.values())
    for (_, uuids), (_, others) in itertools.pairwise(by_id.items()):
        assert uuids != others


def test_nodes_have_a_state_and_lists_of_addresses(objects: list[Any]) -> None:
    for node in [item for item in objects if isinstance(item, Node)]:
        assert isinstance(node.state, NodeState)
        for addresses in (node.public_ips, node.private_ips):
            assert isinstance(addresses, list)
            assert all(isinstance(address, str) for address in addresses)


def test_start_of_a_node_is_in_utc(driver: SlipStreamNodeDriver, node: Node) -> None:
    started = driver.ex_get_node(node.id).extra["started_at"]
    assert datetime.fromisoformat(started) == node.created_at
    assert started.endswith("+00:00")


def test_image_of_a_node_has_its_name(node: Node, endpoint: LiveEndpoint) -> None:
    assert node.image is not None
    assert node.image.name == ("WordPress" if endpoint.family == "nuvla" else "wordpress")


def test_numbers_of_sizes(objects: list[Any]) -> None:
    sizes = [item for item in objects if isinstance(item, NodeSize)]
    for size in sizes:
        for name in ("ram", "disk", "price"):
            value = getattr(size, name)
            assert type(value) in (int, float)
            assert (name not in size.extra["unknown"]) or value == 0
        assert size.bandwidth is None
        assert size.extra["currency"] or not size.price
    assert sorted(sizes, key=lambda size: (size.price, size.ram, size.disk))
    assert any(size.extra["unknown"] for size in sizes)


def test_country_of_a_location_is_a_text(driver: SlipStreamNodeDriver) -> None:
    for location in driver.list_locations():
        assert isinstance(location.country, str)
        assert location.extra["unknown"] == ([] if location.country else ["country"])


def test_extra_is_the_object_s_own(driver: SlipStreamNodeDriver) -> None:
    first, second = driver.list_locations()[0], driver.list_locations()[0]
    first.extra["note"] = "mine"
    assert "note" not in second.extra
