"""Ids where objects are expected, and sizes and locations left out."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import NodeSize
from libcloud.compute.providers import get_driver

from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver


@pytest.mark.parametrize("kind", ["id", "name", "object", "any object with an id"])
def test_what_stands_for_an_object_is_enough(
    endpoint: LiveEndpoint, driver: Driver, kind: str
) -> None:
    location = endpoint.location(driver)
    size = driver.list_sizes(location)[0]
    ids = {"image": BLOG, "location": location.id, "size": size.id}
    arguments = {
        "id": ids,
        "name": ids | {"location": location.name},
        "object": {"image": driver.get_image(BLOG), "location": location, "size": size},
        "any object with an id": {name: SimpleNamespace(id=i) for name, i in ids.items()},
    }[kind]
    node = driver.create_node("shop", **arguments)
    assert driver.destroy_node(node.id if kind in {"id", "name"} else node) is True


@pytest.mark.parametrize("argument", ["image", "size", "location"])
def test_what_stands_for_nothing_names_the_call_that_lists(
    endpoint: LiveEndpoint, driver: Driver, argument: str
) -> None:
    arguments = {"image": BLOG, "location": endpoint.location(driver), argument: 7}
    with pytest.raises((TypeError, BadInput), match=rf"get_image\(|list_{argument}s\(\)"):
        driver.create_node("shop", **arguments)
    assert driver.list_nodes() == []


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


def test_a_location_that_is_left_out(endpoint: LiveEndpoint) -> None:
    if endpoint.family != "nuvla":
        assert endpoint.login().create_node("shop", image=BLOG).extra["clouds"]
        return
    with pytest.raises(BadInput, match="swarm-lausanne"):
        endpoint.login().create_node("shop", image=BLOG)
    location = endpoint.location(endpoint.login())
    for region in (location.id, location.name):
        driver = endpoint.login(region=region)
        node = driver.create_node("shop", image=BLOG)
        endpoint.pass_time()
        assert node.id in {listed.id for listed in driver.list_nodes(location=location)}


def test_images_can_be_listed_by_location(endpoint: LiveEndpoint, driver: Driver) -> None:
    everything = {image.id for image in driver.list_images()}
    by_location = [{i.id for i in driver.list_images(each)} for each in driver.list_locations()]
    assert all(images <= everything for images in by_location)
    if endpoint.family == "nuvla":
        assert len(set(map(frozenset, by_location))) > 1


def test_a_flag_is_true_or_false(driver: Driver) -> None:
    with pytest.raises(TypeError, match="True or False"):
        driver.list_nodes(ex_active_only="no")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "host"), [("slipstream", "nuv.la"), ("nuvla", "nuvla.io")])
def test_the_host_of_a_driver_is_the_hosted_service(name: str, host: str) -> None:
    assert inspect.signature(get_driver(name)).parameters["host"].default == host
