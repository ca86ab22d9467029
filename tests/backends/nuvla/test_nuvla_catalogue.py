from __future__ import annotations

from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.libcloud.errors import BadInput, NotFound, RequestFailed
from slipstream.sandbox import Sandbox

from .support import (
    CLUSTER,
    COMPONENT,
    JSON,
    NGINX,
    REDIS,
    WHOAMI,
    WORDPRESS,
    Driver,
    changes,
    place,
    requests,
)


def paths(images: list[NodeImage]) -> set[str]:
    return {image.extra["path"] for image in images}


def module(sandbox: Sandbox, path: str) -> Any:
    return next(item for item in sandbox.world.store.collection("module") if item["path"] == path)


def test_the_app_store_holds_what_is_published(driver: Driver, sandbox: Sandbox) -> None:
    assert paths(driver.list_images()) == {WORDPRESS, WHOAMI, NGINX, REDIS}
    assert requests(sandbox) == [("PUT", "module")]


def test_a_project_is_listed_without_what_lies_deeper(driver: Driver) -> None:
    assert paths(driver.list_images(ex_path="apps/web")) == {WHOAMI, NGINX, REDIS}
    assert paths(driver.list_images(ex_path="/apps/")) == set()
    assert driver.list_images(ex_path="") == []


def test_a_whole_tree_is_one_request(driver: Driver, sandbox: Sandbox) -> None:
    everything = {WORDPRESS, WHOAMI, NGINX, REDIS, COMPONENT, "apps/trials/failing"}
    assert paths(driver.list_images(ex_path="apps", ex_recurse=True)) == everything
    assert len(sandbox.journal) == 1
    assert paths(driver.list_images(ex_path="", ex_recurse=True)) == everything


def test_a_project_whose_name_begins_alike_is_another_tree(driver: Driver) -> None:
    assert driver.list_images(ex_path="app", ex_recurse=True) == []


def test_what_others_keep_to_themselves_is_not_listed(driver: Driver, bob: Driver) -> None:
    assert paths(bob.list_images(ex_path="private")) == {"private/diary"}
    assert driver.list_images(ex_path="private") == []


@pytest.mark.parametrize("path", ["a'b", "a b", "../x", "a//b", "x') or (subtype='project"])
def test_a_path_that_cannot_be_one_is_refused_before_anything_is_asked(
    driver: Driver, sandbox: Sandbox, path: str
) -> None:
    with pytest.raises(BadInput):
        driver.list_images(ex_path=path)
    with pytest.raises(BadInput):
        driver.get_image(path)
    assert len(sandbox.journal) == 0


def test_listed_images_name_the_newest_version(driver: Driver, sandbox: Sandbox) -> None:
    result = next(i for i in driver.list_images() if i.extra["path"] == WORDPRESS)
    assert result.id == f"{module(sandbox, WORDPRESS)['id']}_2"
    assert result.extra["version"] == 2
    assert result.extra["type"] == "application"
    assert result.extra["subtype"] == "application"
    assert result.extra["compatibility"] == "docker-compose"


def test_an_image_is_read_by_its_path(driver: Driver, sandbox: Sandbox) -> None:
    image = driver.get_image(WORDPRESS)
    assert image.id == f"{module(sandbox, WORDPRESS)['id']}_2"
    parameters = {p["name"]: p for p in image.extra["parameters"]}
    assert parameters["wordpress_title"]["category"] == "environment"
    assert parameters["php.ini"] == {
        "name": "php.ini",
        "category": "file",
        "value": "memory_limit=256M",
        "type": "",
        "description": "",
        "mandatory": False,
        "choices": (),
        "mapped_to": None,
    }
    assert parameters["admin_url"]["category"] == "output"


def test_an_image_is_read_by_its_id_in_one_request(driver: Driver, sandbox: Sandbox) -> None:
    identity = module(sandbox, WORDPRESS)["id"]
    for name, version in ((identity, 2), (f"{identity}_0", 0), (identity.split("/")[1], 2)):
        sandbox.journal.clear()
        image = driver.get_image(name)
        assert image.id == f"{identity}_{version}"
        assert image.extra["version"] == version
        assert requests(sandbox) == [("GET", "module")] or len(sandbox.journal) == 1


def test_a_version_is_named_after_the_path_too(driver: Driver) -> None:
    image = driver.get_image(f"{WORDPRESS}/0")
    assert image.extra["version"] == 0
    assert image.extra["parameters"] == []


@pytest.mark.parametrize("version", ["1", "9"])
def test_a_version_that_was_deleted_or_never_made_is_not_found(
    driver: Driver, sandbox: Sandbox, version: str
) -> None:
    with pytest.raises(NotFound):
        driver.get_image(f"{WORDPRESS}/{version}")
    with pytest.raises(NotFound):
        driver.get_image(f"{module(sandbox, WORDPRESS)['id']}_{version}")


def test_an_unknown_image_is_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound, match="no module of that path"):
        driver.get_image("apps/blog/typo")


def test_a_project_is_no_image(driver: Driver) -> None:
    with pytest.raises(BadInput, match="list_images"):
        driver.get_image("apps/web")


def test_what_a_deployed_application_must_be_given_is_told(driver: Driver) -> None:
    (greeting,) = driver.get_image(NGINX).extra["parameters"]
    assert greeting["name"] == "GREETING"
    assert greeting["mandatory"] is True


def test_one_version_is_deleted_and_the_others_stay(driver: Driver, sandbox: Sandbox) -> None:
    image = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    assert driver.delete_image(image)
    assert changes(sandbox) == [("POST", "module/delete-version")]
    assert len(sandbox.journal) == 1
    assert driver.get_image(WORDPRESS).extra["version"] == 0


def test_every_version_is_deleted_by_the_id_that_has_none(
    driver: Driver, sandbox: Sandbox
) -> None:
    image = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    assert driver.delete_image(image, ex_all_versions=True)
    (entry,) = sandbox.journal
    assert (entry.method, entry.path) == ("DELETE", f"/api/{image.id.removesuffix('_2')}")
    with pytest.raises(NotFound):
        driver.get_image(WORDPRESS)


def test_an_image_of_somebody_else_is_not_deleted(bob: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(RequestFailed) as caught:
        bob.delete_image(bob.get_image(WORDPRESS), ex_all_versions=True)
    assert caught.value.http_code == 403
    assert bob.get_image(WORDPRESS).extra["version"] == 2


def test_locations_are_the_services_that_one_has_a_credential_for(
    driver: Driver, bob: Driver
) -> None:
    names = [location.name for location in driver.list_locations()]
    assert names == ["edge-basel", "edge-geneva", "edge-zurich", "k8s-lausanne", "swarm-lausanne"]
    assert bob.list_locations() == []


def test_a_location_lists_its_credentials_and_no_secret(driver: Driver) -> None:
    location = place(driver)
    (credential,) = location.extra["credentials"]
    assert credential["name"] == "swarm-lausanne admin"
    assert credential["status"] == "VALID"
    assert location.extra["subtype"] == "swarm"
    assert location.extra["swarm-enabled"] is True
    assert "PRIVATE" not in repr(location.extra)


def test_a_location_lists_every_credential_there_is(driver: Driver, sandbox: Sandbox) -> None:
    service = place(driver).id
    sandbox.world.add_credential(service, name="a second one")
    names = [item["name"] for item in place(driver).extra["credentials"]]
    assert names == ["a second one", "swarm-lausanne admin"]


def test_there_is_one_size_and_no_request_is_sent_for_it(driver: Driver, sandbox: Sandbox) -> None:
    location = place(driver)
    sandbox.journal.clear()
    for sizes in (driver.list_sizes(), driver.list_sizes(location)):
        assert [(size.id, size.name, size.ram, size.disk, size.price) for size in sizes] == [
            ("default", "default", 0, 0, 0)
        ]
        assert sizes[0].extra["unknown"] == ["ram", "disk", "price"]
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize("by", ["id", "object"])
def test_images_of_a_location_are_those_of_its_kind(driver: Driver, by: str) -> None:
    swarm, cluster = place(driver), place(driver, CLUSTER)
    kinds = [
        {i.extra["subtype"] for i in driver.list_images(x.id if by == "id" else x)}
        for x in (swarm, cluster)
    ]
    assert kinds[0] == {"application"}
    assert kinds[1] <= {"application_kubernetes", "application_helm"}
    assert kinds[1]


@pytest.mark.parametrize("versions", [[None, None], [], None])
def test_application_without_a_version(
    driver: Driver, sandbox: Sandbox, versions: list[None] | None
) -> None:
    document = module(sandbox, WORDPRESS)
    before = {image.id for image in driver.list_images()}
    sandbox.world.change(document["id"], sandbox.world.now(), versions=versions)
    assert before - {image.id for image in driver.list_images()} == {f"{document['id']}_2"}
    body = '{"status": 500, "message": "Unexpected exception thrown: "}'
    path = f"/api/{document['id']}(_.*)?"
    sandbox.faults.add("GET", path, times=None, status=500, body=body, headers=JSON)
    for call in (
        lambda: driver.get_image(WORDPRESS),
        lambda: driver.delete_image(NodeImage(document["id"], "x", driver)),
    ):
        with pytest.raises(NotFound, match=f"{WORDPRESS} has no version.*ex_all_versions"):
            call()
    assert driver.delete_image(NodeImage(document["id"], "x", driver), ex_all_versions=True)
