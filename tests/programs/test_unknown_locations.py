"""A location or a node that does not exist is an error, and never an empty list."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import NodeLocation

from slipstream.errors import BadInput, NotFound, UnknownName
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

CALLS: dict[str, Callable[[Driver, Any], Any]] = {
    "list_sizes": lambda driver, location: driver.list_sizes(location),
    "list_images": lambda driver, location: driver.list_images(location),
    "list_nodes": lambda driver, location: driver.list_nodes(location=location),
    "ex_list_virtual_machines": lambda driver, location: driver.ex_list_virtual_machines(location),
    "create_node": lambda driver, location: driver.create_node("n", None, BLOG, location),
}


@pytest.mark.parametrize("is_constructed", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_misspelt_location(endpoint: Any, driver: Driver, call: str, is_constructed: bool) -> None:
    name = endpoint.location(endpoint.login()).name
    typed: Any = name[:-1]
    if is_constructed:
        typed = NodeLocation(typed, typed, "", driver)
    with pytest.raises(BadInput, match=f"'{name[:-1]}'.*{name}"):
        CALLS[call](driver, typed)
    assert driver.list_nodes() == []


@pytest.mark.parametrize("call", CALLS)
def test_location_of_the_other_family(endpoint: LiveEndpoint, driver: Driver, call: str) -> None:
    is_nuvla = endpoint.family == "nuvla"
    other = "connector/exoscale-ch-gva" if is_nuvla else f"infrastructure-service/{uuid.uuid4()}"
    with pytest.raises(BadInput, match=other):
        CALLS[call](driver, other)


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


def test_the_locations_that_exist_are_listed(driver: Driver) -> None:
    with pytest.raises(UnknownName) as caught:
        driver.list_sizes("nowhere-at-all")
    assert {location.name for location in driver.list_locations()} <= set(caught.value.names)
