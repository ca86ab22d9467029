"""What programs read from nodes, images and the others; tests/conformance has the rest."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest.mock import ANY

import pytest
from endpoints_under_test import KINDS, Driver, LiveEndpoint, serve
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud import convert
from slipstream.values import Deployment


@pytest.fixture(scope="module", params=KINDS)
def endpoint(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEndpoint]:
    """An endpoint of each kind, for all tests of this module."""
    folder = tmp_path_factory.mktemp("objects")
    with pytest.MonkeyPatch.context() as patch, serve(request.param, folder, patch) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def driver(endpoint: LiveEndpoint) -> Driver:
    return endpoint.login()


@pytest.fixture(scope="module")
def node(endpoint: LiveEndpoint, driver: Driver) -> Node:
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    return driver.ex_get_node(node.id)


@pytest.fixture(scope="module")
def objects(endpoint: LiveEndpoint, driver: Driver, node: Node) -> list[Any]:
    """Everything that the driver returns."""
    return [
        *(node, endpoint.image(driver), driver.create_key_pair("fresh"), *driver.list_nodes()),
        *(*driver.list_nodes(ex_addresses=True), *driver.list_images(), *driver.list_locations()),
        *(*driver.list_sizes(ex_all=True), *driver.list_key_pairs()),
        *(*driver.ex_list_virtual_machines(), *driver.ex_list_virtual_machines(node=node)),
    ]


def test_objects_are_plain_data_that_send_nothing(
    objects: list[Any], endpoint: LiveEndpoint, driver: Driver
) -> None:
    for cls in (Node, NodeImage, NodeSize, NodeLocation, KeyPair):
        assert any(isinstance(item, cls) for item in objects)
    endpoint.sandbox.journal.clear()
    for item in objects:
        for name in dir(item):
            getattr(item, name)
        parts = [getattr(item, name, None) for name in ("image", "size")]
        assert all(part.driver is driver for part in [item, *filter(None, parts)])
        assert isinstance(item.name, str)
        assert item.name
        assert not [word for word in ("acl", "{", "PRIVATE KEY") if word in repr(item)]
        attributes = copy.copy(item.__dict__)  # as Salt reads them
        del attributes["driver"]
        json.dumps(attributes, default=str)
        assert item.driver
    assert len(endpoint.sandbox.journal) == 0
    by_id: dict[tuple[type, str], set[str]] = {}
    for item in objects:
        if not isinstance(item, KeyPair | NodeLocation):
            by_id.setdefault((type(item), item.id), set()).add(item.uuid)
    assert all(len(uuids) == 1 for uuids in by_id.values())
    assert all(first != other for first, other in itertools.pairwise(by_id.values()))


def test_attributes_of_nodes_sizes_and_locations(
    objects: list[Any], node: Node, endpoint: LiveEndpoint, driver: Driver
) -> None:
    started = node.extra["started_at"]
    assert datetime.fromisoformat(started) == node.created_at
    assert started.endswith("+00:00")
    assert node.image is not None
    assert node.image.name == ("WordPress" if endpoint.family == "nuvla" else "wordpress")
    sizes = [item for item in objects if isinstance(item, NodeSize)]
    for size in sizes:  # what is unknown is 0
        assert not any(getattr(size, name) for name in size.extra["unknown"])
        assert size.bandwidth is None
        assert size.extra["currency"] or not size.price
    assert any(size.extra["unknown"] for size in sizes)
    for location in driver.list_locations():
        assert isinstance(location.country, str)
        assert location.extra["unknown"] == ([] if location.country else ["country"])
        location.extra["note"] = "mine"
    assert not any("note" in location.extra for location in driver.list_locations())


def test_listed_node_is_like_any_other(driver: Driver, node: Node) -> None:
    def listed() -> Node:
        return next(item for item in driver.list_nodes() if item.id == node.id)

    whole = listed()
    by_hand: Any = Node("x", "x", NodeState.RUNNING, [], [], driver)
    assert vars(whole).keys() == vars(by_hand).keys() == vars(copy.copy(listed())).keys()
    assert vars(copy.copy(listed())) == vars(whole) | {"image": ANY, "size": ANY}
    assert copy.deepcopy(listed()).extra == whole.extra
    assert pickle.loads(pickle.dumps(listed())).extra == whole.extra
    fresh = listed()
    assert fresh.extra is fresh.extra is copy.copy(fresh).extra
    fresh.public_ips = ["192.0.2.1"]
    assert vars(fresh)["public_ips"] == ["192.0.2.1"]
    assert not hasattr(fresh, "price")
    other = type(fresh)("x", "x", NodeState.RUNNING, ["192.0.2.1"], [], driver, extra={"a": 1})
    assert (other.public_ips, other.extra) == (["192.0.2.1"], {"a": 1})


def test_first_day_of_the_calendar_can_be_read(driver: Driver) -> None:
    first_day = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    node = convert.node(Deployment(id="d", started=first_day), driver)
    assert (node.created_at, node.extra["started_at"]) == (first_day, first_day.isoformat())
