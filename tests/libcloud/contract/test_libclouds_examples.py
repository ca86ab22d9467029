"""
What libcloud's documentation shows for compute (docs/examples/compute), told with this driver.

Told here, by the name of the example there: ``list_nodes``, ``create_node``, ``create_ec2_node``
and ``trystack`` (a size and an image picked by id, by name or by what they offer),
``list_nodes_across_multiple_providers`` and ``example_compute``, ``create_key_pair``,
``import_key_pair_from_string`` and ``import_key_pair_from_file``, ``ecs/list_locations``,
``kamatera/selecting_location_size_image`` and ``kamatera/node_operations``.

Left out: ``bootstrapping_puppet_on_node``, ``deployment_single_step_install_public_key``,
``gce/deploy_node`` and ``gridscale/deploy_node``, which the tests of deploying tell with a real
SSH server; and what shows a provider's own features: its logins, regions, security groups, elastic
addresses, networks, firewalls, volumes, tags, consoles and autoscaling.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation, NodeSize
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider

import slipstream.libcloud  # noqa: F401 - importing it registers the drivers
from slipstream.sandbox import Sandbox

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7Ho0PkFJdWOBMLcKPq3MS0rVyRb0Dd0gPn1cKzVSK9 laptop"
NAME = "from-an-example"


@pytest.fixture
def conn(endpoint: LiveEndpoint) -> Iterator[NodeDriver]:
    """A driver made as every example makes one."""
    provider = getattr(Provider, endpoint.family.upper())
    driver_class: Any = get_driver(provider)
    conn = driver_class(
        endpoint.sandbox.username,
        endpoint.sandbox.password,
        ex_endpoint=endpoint.url,
        ex_login_method="internal",
    )
    yield conn
    conn.close()


def chosen_location(conn: NodeDriver, endpoint: LiveEndpoint) -> NodeLocation:
    wanted = endpoint.location(conn).name  # type: ignore[arg-type]
    return next(location for location in conn.list_locations() if location.name == wanted)


def chosen_image(conn: NodeDriver) -> NodeImage:
    return next(image for image in conn.list_images() if image.name.lower() == "wordpress")


def sizes_of(
    conn: NodeDriver, location: NodeLocation, endpoint: LiveEndpoint
) -> dict[str, NodeSize]:
    """The argument ``size``: the first one of the location."""
    return {"size": conn.list_sizes(location)[0]}


def test_list_nodes(conn: NodeDriver, endpoint: LiveEndpoint) -> None:
    endpoint.deploy(conn, "bob")  # type: ignore[arg-type]
    (node,) = conn.list_nodes()
    assert node.name == "bob"
    assert "name=bob" in repr(node)
    assert f"provider={conn.name}" in repr(node)


def test_create_node_with_an_image_and_a_size_from_the_lists(
    conn: NodeDriver, endpoint: LiveEndpoint
) -> None:
    location = chosen_location(conn, endpoint)
    node = conn.create_node(
        name="test",
        image=chosen_image(conn),
        location=location,
        **sizes_of(conn, location, endpoint),  # type: ignore[arg-type]
    )
    assert isinstance(node, Node)
    assert node.name == "test"
    assert node.id in [listed.id for listed in conn.list_nodes()]


def test_create_node_with_an_image_and_a_size_picked_by_their_ids(
    conn: NodeDriver, endpoint: LiveEndpoint
) -> None:
    location = chosen_location(conn, endpoint)
    size_id = {size.id for size in sizes_of(conn, location, endpoint).values()}
    image_id = chosen_image(conn).id
    sizes = [size for size in conn.list_sizes() if size.id in size_id]
    images = [image for image in conn.list_images() if image.id == image_id]
    assert len(images) == 1
    given = {"size": sizes[0]} if sizes else {}
    node = conn.create_node(name=NAME, image=images[0], location=location, **given)  # type: ignore[arg-type]
    endpoint.pass_time()
    (listed,) = [one for one in conn.list_nodes() if one.id == node.id]
    assert listed.state == NodeState.RUNNING


def test_a_size_picked_by_what_it_offers(conn: NodeDriver, endpoint: LiveEndpoint) -> None:
    location = chosen_location(conn, endpoint)
    enough = [size for size in conn.list_sizes(location) if size.ram >= 2048 and size.disk >= 20]
    if endpoint.family == "nuvla":
        assert enough == []
        return
    cheapest = min(
        (size for size in enough if "price" not in size.extra["unknown"]),
        key=lambda size: (size.price, size.ram),
    )
    assert cheapest.ram >= 2048
    assert all(cheapest.price <= size.price for size in enough if size.price)


def test_an_image_picked_by_its_name_has_an_id_that_finds_it(conn: NodeDriver) -> None:
    image = chosen_image(conn)
    assert conn.get_image(image.id).name == image.name
    assert conn.get_image(BLOG).id == image.id


def test_nodes_across_several_providers_are_one_list(
    endpoint: LiveEndpoint, conn: NodeDriver
) -> None:
    other_family = "nuvla" if endpoint.family == "slipstream" else "slipstream"
    with Sandbox(family=other_family, speed=0) as sandbox:
        beside = LiveEndpoint(other_family, sandbox)
        drivers = [conn, beside.login()]
        for driver, of in zip(drivers, [endpoint, beside], strict=True):
            of.deploy(driver, "test")  # type: ignore[arg-type]
            of.deploy(driver, "another")  # type: ignore[arg-type]
        dummy: Any = get_driver(Provider.DUMMY)
        drivers.append(dummy(0))
        nodes: list[Node] = []
        for driver in drivers:
            nodes += driver.list_nodes()
        named = [node for node in nodes if node.name == "test"]
        assert {node.driver.type for node in named} >= {conn.type}
        assert len(named) == 2
        assert len({node.uuid for node in nodes}) == len(nodes)
        for node in named:
            if node.driver.list_sizes()[0].id != "default":
                with pytest.raises(NotImplementedError, match="cannot reboot a deployment"):
                    node.reboot()
            assert node.destroy() is True
        beside.close()


def test_a_key_pair_that_is_created_has_its_private_key(conn: NodeDriver) -> None:
    key_pair = conn.create_key_pair(name="my-key-pair-1")
    assert key_pair.private_key is not None
    assert key_pair.private_key.startswith("-----BEGIN")
    assert key_pair.public_key.startswith("ssh-ed25519 ")
    private = load_ssh_private_key(key_pair.private_key.encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert key_pair.public_key.split()[:2] == public.split()
    assert conn.get_key_pair("my-key-pair-1").fingerprint == key_pair.fingerprint


def test_a_key_pair_is_imported_from_a_string(conn: NodeDriver) -> None:
    key_pair = conn.import_key_pair_from_string(name="my-key-pair-2", key_material=KEY)
    assert key_pair.name == "my-key-pair-2"
    assert "my-key-pair-2" in [one.name for one in conn.list_key_pairs()]


def test_a_key_pair_is_imported_from_a_file(conn: NodeDriver, tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519.pub"
    path.write_text(KEY, "utf-8")
    key_pair = conn.import_key_pair_from_file(name="my-key-pair-3", key_file_path=str(path))
    assert key_pair.public_key.split()[1] == KEY.split()[1]
    assert conn.delete_key_pair(key_pair) is True


def test_locations_are_listed_with_their_names_and_countries(conn: NodeDriver) -> None:
    assert all(len(f"{one.name} {one.country}") > 1 for one in conn.list_locations())


def test_a_node_from_creation_to_its_end(conn: NodeDriver, endpoint: LiveEndpoint) -> None:
    location = chosen_location(conn, endpoint)
    node = conn.create_node(name=NAME, size=None, image=chosen_image(conn), location=location)  # type: ignore[arg-type]
    assert node.state in {NodeState.PENDING, NodeState.STARTING}
    endpoint.pass_time()
    (node,) = [one for one in conn.list_nodes() if one.id == node.id]
    assert node.state == NodeState.RUNNING
    if endpoint.family == "nuvla":
        assert node.stop_node() is True
        endpoint.pass_time()
        assert conn.list_nodes()[0].state == NodeState.STOPPED
        assert node.start() is True
        endpoint.pass_time()
    assert node.destroy() is True
    endpoint.pass_time()
    assert node.id not in [one.id for one in conn.list_nodes()]
