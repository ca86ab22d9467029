from __future__ import annotations

from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.libcloud.errors import BadInput, NotFound
from slipstream.sandbox import Sandbox

from .support import (
    CLUSTER,
    COMPONENT,
    FAILING,
    JSON,
    KEY,
    NGINX,
    REDIS,
    WHOAMI,
    WORDPRESS,
    Driver,
    get_location,
    requests,
)


def paths(images: list[NodeImage]) -> set[str]:
    return {image.extra["path"] for image in images}


def module(sandbox: Sandbox, path: str) -> Any:
    return next(item for item in sandbox.world.store.collection("module") if item["path"] == path)


STORE = {WORDPRESS, WHOAMI, NGINX, REDIS}
TREE = {*STORE, COMPONENT, FAILING}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, STORE),
        ({"ex_path": "apps/web"}, {WHOAMI, NGINX, REDIS}),
        ({"ex_path": "/apps/"}, set()),
        ({"ex_path": "app", "ex_recurse": True}, set()),
        ({"ex_path": "apps", "ex_recurse": True}, TREE),
        ({"ex_path": "", "ex_recurse": True}, TREE),
        ({"ex_path": "private"}, set()),
    ],
)
def test_list_images(driver: Driver, sandbox: Sandbox, options: Any, expected: set[str]) -> None:
    assert paths(driver.list_images(**options)) == expected
    assert requests(sandbox) == [("PUT", "module")]


@pytest.mark.parametrize("path", ["a'b", "a b", "../x", "a//b", "x') or (subtype='project"])
def test_list_images_of_an_impossible_path(driver: Driver, sandbox: Sandbox, path: str) -> None:
    with pytest.raises(BadInput):
        driver.list_images(ex_path=path)
    with pytest.raises(BadInput):
        driver.get_image(path)
    assert len(sandbox.journal) == 0


def test_get_image_by_path(driver: Driver, sandbox: Sandbox) -> None:
    image = driver.get_image(WORDPRESS)
    assert image.id == f"{module(sandbox, WORDPRESS)['id']}_2"
    assert image.extra["type"] == image.extra["subtype"] == "application"
    assert image.extra["compatibility"] == "docker-compose"
    parameters = {p["name"]: p for p in image.extra["parameters"]}
    assert parameters["wordpress_title"]["category"] == "environment"
    assert parameters["admin_url"]["category"] == "output"
    assert parameters["php.ini"] == {
        "name": "php.ini", "category": "file", "value": "memory_limit=256M", "type": "",
        "description": "", "mandatory": False, "choices": (), "mapped_to": None,
    }  # fmt: skip
    (greeting,) = driver.get_image(NGINX).extra["parameters"]
    assert (greeting["name"], greeting["mandatory"]) == ("GREETING", True)


def test_get_image_by_id(driver: Driver, sandbox: Sandbox) -> None:
    identity = module(sandbox, WORDPRESS)["id"]
    for name, version in ((identity, 2), (f"{identity}_0", 0), (identity.split("/")[1], 2)):
        sandbox.journal.clear()
        image = driver.get_image(name)
        assert image.id == f"{identity}_{version}"
        assert image.extra["version"] == version
        assert bool(image.extra["parameters"]) is bool(version)
        assert requests(sandbox) == [("GET", "module")] or len(sandbox.journal) == 1

    for gone in (f"{WORDPRESS}/1", f"{WORDPRESS}/9", f"{identity}_1", f"{identity}_9"):
        with pytest.raises(NotFound):
            driver.get_image(gone)


def test_list_locations_with_their_credentials(driver: Any, bob: Driver, sandbox: Sandbox) -> None:
    names = [location.name for location in driver.list_locations()]
    assert names == ["edge-basel", "edge-geneva", "edge-zurich", "k8s-lausanne", "swarm-lausanne"]
    assert bob.list_locations() == []
    location = get_location(driver)
    (credential,) = location.extra["credentials"]
    assert (credential["name"], credential["status"]) == ("swarm-lausanne admin", "VALID")
    assert location.extra["subtype"] == "swarm"
    assert location.extra["swarm-enabled"] is True
    assert "PRIVATE" not in repr(location.extra)
    sandbox.world.add_credential(location.id, name="a second one")
    names = [item["name"] for item in get_location(driver).extra["credentials"]]
    assert names == ["a second one", "swarm-lausanne admin"]


def test_list_images_of_a_location(driver: Driver) -> None:
    swarm, cluster = get_location(driver), get_location(driver, CLUSTER)
    for by in (swarm, swarm.id):
        assert {i.extra["subtype"] for i in driver.list_images(by)} == {"application"}
    kinds = {i.extra["subtype"] for i in driver.list_images(cluster)}
    assert set() < kinds <= {"application_kubernetes", "application_helm"}


@pytest.mark.parametrize("versions", [[None, None], [], None])
def test_application_without_a_version(driver: Driver, sandbox: Sandbox, versions: Any) -> None:
    document = module(sandbox, WORDPRESS)
    before = {image.id for image in driver.list_images()}
    sandbox.world.change(document["id"], sandbox.world.now(), versions=versions)
    assert before - {image.id for image in driver.list_images()} == {f"{document['id']}_2"}
    body = '{"status": 500, "message": "Unexpected exception thrown: "}'
    path = f"/api/{document['id']}(_.*)?"
    sandbox.faults.add("GET", path, times=None, status=500, body=body, headers=JSON)
    image = NodeImage(document["id"], "x", driver)
    for call in (lambda: driver.get_image(WORDPRESS), lambda: driver.delete_image(image)):
        with pytest.raises(NotFound, match=f"{WORDPRESS} has no version.*ex_all_versions"):
            call()
    assert driver.delete_image(image, ex_all_versions=True)


def test_list_key_pairs_reads_no_private_one(driver: Driver, sandbox: Sandbox) -> None:
    private = "-----BEGIN RSA PRIVATE KEY-----\ns3cret"
    alice, add = sandbox.world.user_id("alice"), sandbox.world.document
    add("credential", alice, name="old", subtype="ssh-key", public_key=KEY, private_key=private)
    for fields in ({"public_key": "rubbish"}, {"public_key": ""}, {}):
        add("credential", alice, name="broken", subtype="ssh-key", **fields)
    pairs = {pair.name: pair for pair in driver.list_key_pairs()}
    assert pairs["old"].private_key is None
    assert "s3cret" not in repr(pairs["old"].extra)
    selected = (sandbox.journal[0].form or {})["select"][0].split(",")
    assert "public-key" in selected
    assert "private-key" not in selected
    credentials = sandbox.world.store.collection("credential")
    others = {item["name"] for item in credentials if item["subtype"] != "ssh-key"}
    assert others
    assert ({"broken"} | others).isdisjoint(pairs)


@pytest.mark.parametrize("name", ["O'Neill", "x') or (id!='"])
def test_key_pair_under_a_strange_name(driver: Driver, name: str) -> None:
    driver.import_key_pair_from_string(name, KEY)
    assert driver.get_key_pair(name).name == name
    assert driver.delete_key_pair(driver.get_key_pair(name))


def test_key_pair_under_a_name_too_long_to_index(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match=r"name of the key pair .* is too long for the server"):
        driver.import_key_pair_from_string("é" * 16_384, KEY)
    assert len(sandbox.journal) == 0
