"""Ids where objects are expected, and sizes and locations left out."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import NodeLocation, NodeSize
from libcloud.compute.providers import get_driver

from slipstream.errors import BadInput, DriverError, NotFound, NotSupported
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


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("list_nodes", {"ex_active_only": "no"}),
        ("list_nodes", {"ex_addresses": 0}),
        ("list_sizes", {"ex_all": "no"}),
        ("list_images", {"ex_path": "apps", "ex_recurse": "no"}),
        ("delete_image", {"node_image": BLOG, "ex_all_versions": "no"}),
        ("ex_operation", {"node": "", "ignore_abort": "no"}),
        ("ex_wait_node_in_state", {"node": "", "ignore_abort": "no"}),
        ("ex_get_node_parameter", {"node": "", "parameter_name": "a", "ignore_abort": "no"}),
        ("create_node", {"image": BLOG, "ex_scalable": 1}),
        ("destroy_node", {"node": "", "ex_force": "no"}),
    ],
)
def test_a_flag_is_true_or_false(
    endpoint: LiveEndpoint, driver: Driver, method: str, arguments: dict[str, Any]
) -> None:
    if "node" in arguments:
        arguments = arguments | {"node": endpoint.deploy(driver, "shop")}
    endpoint.sandbox.journal.clear()
    with pytest.raises(TypeError, match="must be True or False"):
        getattr(driver, method)(**arguments)
    assert list(endpoint.sandbox.journal) == []


def test_wrong_types_are_named(endpoint: LiveEndpoint, driver: Driver) -> None:
    with pytest.raises(TypeError, match=r"ex_path must be a string, not int\."):
        driver.list_images(ex_path=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"states must be a list of strings, not int\."):
        driver.ex_operation(endpoint.deploy(driver, "shop"), 3)  # type: ignore[arg-type]
    for option in ("region", "ex_endpoint_kind"):
        with pytest.raises(TypeError, match=rf"{option} must be a string, not int\."):
            endpoint.login(**{option: 3})


@pytest.mark.parametrize(
    "typed", ["wordpress", "WordPress", "wordpres", "module/wordpress", "apps/WordPress/wordpres"]
)
def test_the_image_that_was_meant_is_named(driver: Driver, typed: str) -> None:
    for call in (driver.get_image, lambda path: driver.create_node("shop", image=path)):
        with pytest.raises(NotFound, match=rf"did you mean '{BLOG}'\?"):
            call(typed)


def test_a_size_that_does_not_exist_names_the_call_that_lists(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    match = "default" if endpoint.family == "nuvla" else r"list_sizes\(location\)"
    with pytest.raises(DriverError, match=match):
        driver.create_node("shop", "small", BLOG)
    assert driver.list_nodes() == []


def test_nodes_are_listed_by_a_location_that_has_an_id_alone(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node, location = endpoint.deploy(driver, "shop"), endpoint.location(driver)
    constructed: Any = NodeLocation(location.id, None, None, driver)  # type: ignore[arg-type]
    assert [listed.id for listed in driver.list_nodes(location=constructed)] == [node.id]


def test_an_id_is_not_taken_for_a_name(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver, "shop")
    with pytest.raises(BadInput, match=r"is an id, not a name\. Give it to ex_get_node\(\)\."):
        driver.ex_find_node(node.id)
    with pytest.raises(BadInput, match=r"is an id, not a name\. Give it to get_image\(\)\."):
        driver.ex_find_image(BLOG)


@pytest.mark.parametrize(("name", "host"), [("slipstream", "nuv.la"), ("nuvla", "nuvla.io")])
def test_the_signature_of_a_derived_class_is_its_own(name: str, host: str) -> None:
    base: Any = get_driver(name)

    class Plain(base):  # type: ignore[misc]
        pass

    class Own(base):  # type: ignore[misc]
        def __init__(self, user: str, *, host: str = "cloud.example") -> None:
            super().__init__(user, "secret", host=host)

    assert inspect.signature(Plain).parameters["host"].default == host
    assert list(inspect.signature(Own).parameters) == ["user", "host"]
    assert inspect.getfullargspec(Own).args == ["user"]


@pytest.mark.parametrize(("name", "host"), [("slipstream", "nuv.la"), ("nuvla", "nuvla.io")])
def test_the_host_of_a_driver_is_the_hosted_service(name: str, host: str) -> None:
    assert inspect.signature(get_driver(name)).parameters["host"].default == host
