from __future__ import annotations

import warnings

import pytest
from libcloud.compute.base import NodeImage

from slipstream.libcloud.errors import BadInput, NotFound, RequestFailed
from slipstream.sandbox import Sandbox

from .support import SYSTEM, UBUNTU, WORDPRESS, Driver, Login, changes


def ids(images: list[NodeImage]) -> list[str]:
    return [image.id for image in images]


def test_without_a_path_the_app_store_is_listed(driver: Driver, sandbox: Sandbox) -> None:
    images = driver.list_images()
    assert f"{WORDPRESS}/478" in ids(images)
    assert {image.extra["type"] for image in images} == {"component", "application"}
    assert [entry.path for entry in sandbox.journal] == ["/appstore"]


def test_a_path_lists_what_the_project_holds_and_nothing_below(
    driver: Driver, sandbox: Sandbox
) -> None:
    assert ids(driver.list_images(ex_path="examples/images")) == [
        "examples/images/centos-7/842",
        f"{UBUNTU}/871",
    ]
    assert len(sandbox.journal) == 1


@pytest.mark.parametrize("path", ["/examples/images/", "module/examples/images"])
def test_a_path_may_be_written_as_addresses_are(driver: Driver, path: str) -> None:
    assert len(driver.list_images(ex_path=path)) == 2


def test_the_root_holds_projects_alone(driver: Driver) -> None:
    assert driver.list_images(ex_path="") == []


def test_a_forbidden_project_is_skipped_and_named_once_by_a_warning(driver: Driver) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        images = driver.list_images(ex_path="examples", ex_recurse=True)
    assert [str(item.message) for item in caught] == [
        "1 of the projects below 'examples' may not be read and were skipped: examples/private."
    ]
    assert ids(images) == [
        "examples/images/centos-7/842",
        f"{UBUNTU}/871",
        "examples/tutorials/failing/545",
        "examples/images/old/ubuntu-14.04/480",
        "examples/tutorials/service-testing/apache/538",
        "examples/tutorials/service-testing/client/539",
        f"{SYSTEM}/540",
    ]


def test_a_listing_with_nothing_to_skip_warns_of_nothing(driver: Driver) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(driver.list_images(ex_path="examples/images", ex_recurse=True)) == 3


def test_everything_below_the_root_is_listed_with_one_request_a_project(
    driver: Driver, sandbox: Sandbox
) -> None:
    with pytest.warns(RuntimeWarning, match=r"below 'the root'|the root"):
        images = driver.list_images(ex_path="", ex_recurse=True)
    assert f"{WORDPRESS}/478" in ids(images)
    paths = [entry.path for entry in sandbox.journal]
    assert len(paths) == len(set(paths))
    assert not any(path.startswith(f"/module/{WORDPRESS}") for path in paths)


def test_latest_runs_of_a_project_are_not_taken_for_its_content(
    driver: Driver, sandbox: Sandbox
) -> None:
    body = """<?xml version="1.0" encoding="UTF-8"?>
    <projectModule category="Project" parentUri="module/" shortName="apps" version="3">
      <runs offset="0" limit="20" count="1" totalCount="1">
        <item uuid="x" name="not-me" category="Image" version="1"/>
      </runs>
      <children><item category="Image" name="me" version="7"/></children>
    </projectModule>"""
    sandbox.faults.add("GET", "/module/apps", body=body, headers={"Content-Type": "text/xml"})
    assert ids(driver.list_images(ex_path="apps")) == ["apps/me/7"]


def test_a_project_that_is_forbidden_itself_is_an_error(driver: Driver) -> None:
    with pytest.raises(RequestFailed) as caught:
        driver.list_images(ex_path="examples/private", ex_recurse=True)
    assert caught.value.http_code == 403


def test_a_project_that_is_not_there_is_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound, match="nowhere/at-all"):
        driver.list_images(ex_path="nowhere/at-all")


def test_a_location_leaves_no_image_out_whose_clouds_a_listing_does_not_tell(
    driver: Driver, sandbox: Sandbox
) -> None:
    location = driver.list_locations()[0]
    images = [image.id for image in driver.list_images()]
    sandbox.journal.clear()
    assert [image.id for image in driver.list_images(location)] == images
    assert len(sandbox.journal) == 1


def test_recursing_into_the_app_store_is_refused(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match="ex_recurse needs ex_path"):
        driver.list_images(ex_recurse=True)
    assert len(sandbox.journal) == 0


def test_an_image_without_a_version_is_the_latest(driver: Driver) -> None:
    image = driver.get_image(WORDPRESS)
    assert image.id == f"{WORDPRESS}/478"
    assert (image.name, image.extra["version"], image.extra["path"]) == (
        "wordpress",
        478,
        WORDPRESS,
    )


def test_an_image_of_a_version_is_that_version(driver: Driver) -> None:
    assert driver.get_image(f"{WORDPRESS}/412").id == f"{WORDPRESS}/412"


def test_a_component_tells_its_parameters_and_a_base_image_where_it_runs(driver: Driver) -> None:
    parameters = {item["name"]: item for item in driver.get_image(WORDPRESS).extra["parameters"]}
    assert parameters["wordpress_title"]["value"] == "Hello from SlipStream"
    assert parameters["admin_password"]["category"] == "Output"
    assert "exoscale-ch-gva" in driver.get_image(UBUNTU).extra["locations"]


def test_an_application_tells_its_nodes_and_what_can_be_set_on_them(driver: Driver) -> None:
    nodes = driver.get_image(SYSTEM).extra["nodes"]
    assert set(nodes) == {"apache", "testclient"}
    assert nodes["apache"]["multiplicity"] == 1
    assert "port" in [item["name"] for item in nodes["apache"]["parameters"]]


def test_a_project_is_no_image(driver: Driver) -> None:
    with pytest.raises(BadInput, match="examples is a project, not an image"):
        driver.get_image("examples")


def test_an_image_that_is_not_there_is_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound) as caught:
        driver.get_image("apps/nothing")
    assert caught.value.http_code == 404


@pytest.fixture
def publisher(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for a user who may delete WordPress."""
    for module in sandbox.world.library.versions(WORDPRESS):
        module.owner = "alice"
    return login()


def test_deleting_an_image_deletes_its_version_and_uncovers_the_older_one(
    publisher: Driver, sandbox: Sandbox
) -> None:
    assert publisher.delete_image(publisher.get_image(WORDPRESS)) is True
    assert publisher.get_image(WORDPRESS).id == f"{WORDPRESS}/412"


def test_every_version_of_an_image_can_be_deleted(publisher: Driver) -> None:
    image = publisher.get_image(WORDPRESS)
    assert publisher.delete_image(image, ex_all_versions=True) is True
    with pytest.raises(NotFound):
        publisher.get_image(WORDPRESS)
    assert publisher.get_image(UBUNTU)


def test_deleting_what_is_not_yours_is_an_error_with_the_servers_reason(
    driver: Driver,
) -> None:
    image = driver.get_image(UBUNTU)
    with pytest.raises(RequestFailed, match="Cannot delete examples/images/ubuntu") as caught:
        driver.delete_image(image)
    assert caught.value.http_code == 403
    assert driver.get_image(UBUNTU)


def test_a_deletion_whose_answer_was_lost_is_not_sent_again(
    publisher: Driver, sandbox: Sandbox
) -> None:
    sandbox.faults.add("DELETE", cut="after", times=None, path="/module/.*")
    image = publisher.get_image(f"{WORDPRESS}/478")
    with pytest.raises(Exception, match="no complete response"):
        publisher.delete_image(image)
    assert len(changes(sandbox)) == 2  # the login and one deletion
    assert publisher.get_image(WORDPRESS).id == f"{WORDPRESS}/412"
