"""Each list method with each of its options, and lists longer than a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = [
    pytest.mark.scenario,
    # A project that this account may not read is left out with a warning.
    pytest.mark.filterwarnings("ignore::Warning"),
]

FEW = 20
"""Fewer entries than this fit into one page of any server."""


def ids(objects: Iterable[Any]) -> list[str]:
    return [each.id for each in objects]


@pytest.mark.parametrize("ex_addresses", [False, True], ids=["plain", "addresses"])
@pytest.mark.parametrize("ex_active_only", [False, True], ids=["all", "active"])
def test_nodes(driver: Driver, ex_active_only: bool, ex_addresses: bool) -> None:
    nodes = driver.list_nodes(ex_active_only=ex_active_only, ex_addresses=ex_addresses)
    again = driver.ex_iterate_nodes(ex_active_only=ex_active_only, ex_addresses=ex_addresses)
    assert ids(nodes) == ids(again)
    assert len(set(ids(nodes))) == len(nodes)


def test_more_pages_than_one(driver: Driver, scenario: Scenario) -> None:
    nodes = driver.list_nodes(ex_active_only=False, ex_addresses=False)
    if len(nodes) <= FEW:
        scenario.unsupported("this account has too few deployments for a second page")
    assert len(set(ids(nodes))) == len(nodes)
    assert all(driver.ex_get_node(node).id == node.id for node in (nodes[0], nodes[-1]))


def test_root_projects(driver: Driver) -> None:
    images = driver.list_images(ex_path="")
    assert ids(images) == ids(driver.ex_iterate_images(ex_path=""))


def test_virtual_machines(driver: Driver, running: Any) -> None:
    everything = ids(driver.ex_list_virtual_machines())
    of_node = ids(driver.ex_list_virtual_machines(node=running))
    on_clouds = [
        ids(driver.ex_list_virtual_machines(location))
        for location in driver.list_locations()
        if location.name in running.extra["clouds"]
    ]
    assert set(of_node) <= set(everything)
    assert all(set(each) <= set(everything) for each in on_clouds)


def test_sizes_of_each_location(driver: Driver, scenario: Scenario) -> None:
    sizes = driver.list_sizes(ex_all=True)
    if not sizes:
        scenario.unsupported("it offers no sizes of machines")
    for location in driver.list_locations():
        here = driver.list_sizes(location)
        assert {size.extra["location"] for size in here} - {None} <= {location.name}
        assert set(ids(here)) <= set(ids(sizes))


def test_edge_devices(driver: Driver, scenario: Scenario) -> None:
    edges = [
        location
        for location in driver.list_locations()
        if "nuvlabox" in str(location.extra) or "edge" in location.name.lower()
    ]
    if not edges:
        scenario.unsupported("this account has no edge device")
    machines = driver.ex_list_virtual_machines()
    assert {machine.name for machine in machines} & {edge.name for edge in edges}
