"""Ids where objects are expected, locations left out or misspelt, and sizes."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint
from libcloud.compute.base import NodeLocation, NodeSize
from libcloud.compute.providers import get_driver
from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.errors import BadInput, DriverError, NotFound, NotSupported, UnknownName


@pytest.mark.parametrize(("name", "host"), [("slipstream", "nuv.la"), ("nuvla", "nuvla.io")])
def test_signature_of_a_driver_class(name: str, host: str) -> None:
    base: Any = get_driver(name)

    class Plain(base):  # type: ignore[misc]
        pass

    class Own(base):  # type: ignore[misc]
        def __init__(self, user: str, *, host: str = "cloud.example") -> None:
            super().__init__(user, "secret", host=host)

    assert inspect.signature(base).parameters["host"].default == host
    assert inspect.signature(Plain).parameters["host"].default == host
    assert list(inspect.signature(Own).parameters) == ["user", "host"]


@pytest.mark.parametrize("kind", ["id", "any object with an id"])
def test_create_node_by_ids(endpoint: LiveEndpoint, driver: Driver, kind: str) -> None:
    location = endpoint.location(driver)
    ids: dict[str, Any] = {"image": BLOG, "location": location.id}
    ids["size"] = driver.list_sizes(location)[0].id
    if kind != "id":
        ids = {name: SimpleNamespace(id=value) for name, value in ids.items()}
    node: Any = driver.create_node("shop", **ids)
    assert driver.destroy_node(node.id if kind == "id" else node) is True


def test_the_one_size_of_nuvla(endpoint: LiveEndpoint, driver: Driver) -> None:
    if endpoint.family != "nuvla":
        assert len(driver.list_sizes()) < len(driver.list_sizes(ex_all=True))
        return
    endpoint.sandbox.journal.clear()
    (size,) = driver.list_sizes()
    assert list(endpoint.sandbox.journal) == []
    assert (size.id, size.name, size.ram, size.disk, size.price) == ("default",) * 2 + (0,) * 3
    assert {"ram", "disk", "price"} <= set(size.extra["unknown"])
    other = NodeSize("m1.small", "small", 1, 1, 1, 1, driver)
    with pytest.raises((BadInput, NotSupported)):
        driver.create_node("shop", other, BLOG)


Wrong = Callable[[Any, LiveEndpoint, Any], object]
FLAGS: list[Wrong] = [
    lambda d, e, node: d.list_nodes(ex_active_only="no"),
    lambda d, e, node: d.list_nodes(ex_addresses=0),
    lambda d, e, node: d.list_sizes(ex_all="no"),
    lambda d, e, node: d.list_images(ex_path="apps", ex_recurse="no"),
    lambda d, e, node: d.delete_image(BLOG, ex_all_versions="no"),
    lambda d, e, node: d.ex_operation(node, ignore_abort="no"),
    lambda d, e, node: d.ex_wait_node_in_state(node, ignore_abort="no"),
    lambda d, e, node: d.ex_get_node_parameter(node, "a", ignore_abort="no"),
    lambda d, e, node: d.create_node(image=BLOG, ex_scalable=1),
    lambda d, e, node: d.destroy_node(node, ex_force="no"),
]
TEXT, AN_ID = r"{} must be a string, not int\.", r"is an id, not a name\. Pass it to {}\(\)\."
WRONG: list[tuple[type[Exception], str, Wrong]] = [
    *((TypeError, "must be True or False", call) for call in FLAGS),
    (TypeError, TEXT.format("ex_path"), lambda d, e, node: d.list_images(ex_path=3)),
    (TypeError, TEXT.format("region"), lambda d, e, node: e.login(region=3)),
    (TypeError, TEXT.format("ex_endpoint_kind"), lambda d, e, node: e.login(ex_endpoint_kind=3)),
    (TypeError, "no argument 'tenant'; it takes", lambda d, e, node: e.login(tenant="shop")),
    (TypeError, r"states must be a list, not int\.", lambda d, e, node: d.ex_operation(node, 3)),
    (TypeError, "node must be a Node", lambda d, e, node: d.ex_get_node(None)),
    (TypeError, "node must be a Node", lambda d, e, node: d.ex_get_node(7)),
    (TypeError, "node must be a Node", lambda d, e, node: d.ex_get_node([])),
    (TypeError, "node must be a Node", lambda d, e, node: d.ex_get_node(object())),
    (NotFound, r"See list_images\(\)", lambda d, e, node: d.get_image("no/such/thing")),
    (BadInput, AN_ID.format("ex_get_node"), lambda d, e, node: d.ex_find_node(node.id)),
    (BadInput, AN_ID.format("get_image"), lambda d, e, node: d.ex_find_image(BLOG)),
    (TypeError, r"get_image\(", lambda d, e, node: d.create_node(image=7)),
    (TypeError, r"list_locations\(\)", lambda d, e, node: d.create_node(image=BLOG, location=7)),
    (TypeError, r"list_sizes\(", lambda d, e, node: d.create_node(image=BLOG, size=7)),
    (DriverError, r"list_sizes\(|default", lambda d, e, node: e.deploy(d, size="small")),
]


def test_wrong_arguments_are_named(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver, "shop")
    for error, message, call in WRONG:
        endpoint.sandbox.journal.clear()
        with pytest.raises(error, match=message):
            call(driver, endpoint, node)
        assert error is not TypeError or len(endpoint.sandbox.journal) == 0, message
    assert [listed.id for listed in driver.list_nodes()] == [node.id]


def test_a_node_is_got_by_whatever_has_its_id(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver, "shop")
    by: Any
    for by in (node, SimpleNamespace(id=node.id), UUID(str(node.id).rpartition("/")[2])):
        assert driver.ex_get_node(by).id == node.id


def test_a_typing_error_in_the_name_of_a_key_pair_is_named(driver: Driver) -> None:
    driver.create_key_pair("workshop")
    for call in (driver.get_key_pair, driver.delete_key_pair):
        with pytest.raises(KeyPairDoesNotExistError, match=r"Did you mean 'workshop'\?"):
            call("worksho")


CALLS: dict[str, Callable[[Driver, Any], Any]] = {
    "list_sizes": lambda driver, location: driver.list_sizes(location),
    "list_images": lambda driver, location: driver.list_images(location),
    "list_nodes": lambda driver, location: driver.list_nodes(location=location),
    "ex_list_virtual_machines": lambda driver, location: driver.ex_list_virtual_machines(location),
    "create_node": lambda driver, location: driver.create_node("n", None, BLOG, location),
}


@pytest.mark.parametrize("call", CALLS)
def test_wrong_location(endpoint: LiveEndpoint, driver: Driver, call: str) -> None:
    name, is_nuvla = endpoint.location(endpoint.login()).name, endpoint.family == "nuvla"
    typed: Any
    for typed in (name[:-1], NodeLocation(name[:-1], name[:-1], "", driver)):
        with pytest.raises(UnknownName, match=f"'{name[:-1]}'.*{name}") as caught:
            CALLS[call](driver, typed)
        assert {location.name for location in driver.list_locations()} <= set(caught.value.names)
    # An id of the other family.
    other = "connector/exoscale-ch-gva" if is_nuvla else f"infrastructure-service/{uuid.uuid4()}"
    with pytest.raises(BadInput, match=other):
        CALLS[call](driver, other)
    assert driver.list_nodes() == []


def test_a_listed_location_is_not_looked_up(endpoint: LiveEndpoint, driver: Driver) -> None:
    location = endpoint.location(driver)
    endpoint.sandbox.journal.clear()
    driver.list_sizes(location)
    driver.list_images(location)
    assert len(endpoint.sandbox.journal) == 2


def test_machines_of_a_node_that_does_not_exist(endpoint: LiveEndpoint, driver: Driver) -> None:
    node: Any = endpoint.deploy(driver)
    assert driver.ex_list_virtual_machines(node=node.id) == []
    other = str(uuid.uuid4())
    with pytest.raises(NotFound):
        driver.ex_list_virtual_machines(node=f"deployment/{other}" if "/" in node.id else other)
