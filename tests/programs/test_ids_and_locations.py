"""Ids where objects are expected, sizes and locations left out, and nodes that stay up to date."""

from __future__ import annotations

import asyncio
import inspect
import time
from types import SimpleNamespace

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import NodeSize
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider

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


def test_a_path_that_exists_costs_no_look_at_others(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    driver.get_image(BLOG)
    assert len(endpoint.sandbox.journal) == (2 if endpoint.family == "nuvla" else 1)


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


def test_old_names_of_start_and_stop(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver, "shop")
    endpoint.pass_time()
    if endpoint.family != "nuvla":
        for call in (driver.ex_start_node, driver.ex_stop_node, driver.reboot_node):
            with pytest.raises(NotSupported):
                call(node)
        return
    assert driver.ex_stop_node(node) is True
    assert node.state == NodeState.STOPPING
    endpoint.pass_time()
    assert driver.ex_start_node(node) is True
    assert node.state == NodeState.STARTING


def test_a_wait_brings_the_node_up_to_date(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = driver.create_node("shop", image=BLOG, location=endpoint.location(driver))
    endpoint.pass_time()
    state = driver.ex_wait_node_in_state(node, NodeState.RUNNING)
    assert node.extra["state"] == state
    assert node.state == NodeState.RUNNING
    assert node.public_ips + node.private_ips
    assert node.extra["service_url"] == driver.ex_get_node(node.id).extra["service_url"]


def test_making_a_key_pair_stops_no_event_loop(driver: Driver) -> None:
    async def make() -> float:
        begin = time.process_time()
        pair = driver.create_key_pair("desk")
        assert "PRIVATE KEY" in pair.private_key
        return time.process_time() - begin

    assert asyncio.run(make()) >= 0
    assert driver.get_key_pair("desk").public_key.startswith("ssh-ed25519 ")


def test_arguments_that_are_nearly_right_are_refused_with_a_sentence(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    with pytest.raises(TypeError, match="True or False"):
        driver.list_nodes(ex_active_only="no")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="did you mean 'api-key'"):
        endpoint.login("credential/1", "secret", ex_login_method="apikey")
    assert driver.ex_explain(driver.create_node, "shop", image="zzz").method == "create_node"
    node = endpoint.deploy(driver, "shop")
    assert f"node {node.id} waits to be " in repr(driver.ex_operation(node))
    if endpoint.family != "nuvla":
        with pytest.raises(NotSupported) as raised:
            driver.ex_get_node_logs(node)
        assert "cannot" in str(raised.value)


@pytest.mark.parametrize(("name", "host"), [("slipstream", "nuv.la"), ("nuvla", "nuvla.io")])
def test_a_driver_by_its_name(name: str, host: str) -> None:
    cls = get_driver(name)
    assert inspect.signature(cls).parameters["host"].default == host
    member = getattr(Provider, name.upper())
    assert member == name
    assert (member.value, Provider.tostring(member)) == (name, name.upper())
    assert get_driver(member) is cls
