"""What can be deployed, in which sizes and where."""

from __future__ import annotations

import pytest
from libcloud.compute.base import NodeImage, NodeLocation

from slipstream.errors import NotFound
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario


def test_app_store(images: list[NodeImage]) -> None:
    assert {image.extra["type"] for image in images} <= {"component", "application"}
    assert len({image.id for image in images}) == len(images)
    assert all(image.extra["path"] and image.extra["version"] is not None for image in images)


def test_project_of_an_app(driver: Driver, images: list[NodeImage]) -> None:
    path = images[0].extra["path"]
    content = driver.list_images(ex_path=path.rpartition("/")[0])
    assert path in {image.extra["path"] for image in content}


@pytest.mark.filterwarnings("ignore::Warning")
def test_whole_tree_of_an_app(driver: Driver, images: list[NodeImage]) -> None:
    path = images[0].extra["path"]
    content = driver.list_images(ex_path=path.partition("/")[0], ex_recurse=True)
    assert path in {image.extra["path"] for image in content}


def test_image_with_and_without_version(driver: Driver, images: list[NodeImage]) -> None:
    exact = driver.get_image(images[0].id)
    latest = driver.get_image(images[0].extra["path"])
    assert exact.id == images[0].id
    assert latest.extra["path"] == exact.extra["path"]
    assert latest.extra["version"] >= exact.extra["version"]


def test_unknown_image(driver: Driver) -> None:
    with pytest.raises(NotFound, match="read no/such/image"):
        driver.get_image("no/such/image")


def test_sizes_have_numbers(driver: Driver, scenario: Scenario) -> None:
    sizes = driver.list_sizes(ex_all=True)
    if not any(size.extra["locations"] for size in sizes):
        scenario.unsupported("it offers no sizes of machines")
    assert len({size.id for size in sizes}) == len(sizes)
    assert any(size.ram and size.disk and size.extra["cpu"] for size in sizes)
    assert all(isinstance(size.price, int | float | None) for size in sizes)


def test_locations_and_their_sizes(driver: Driver, locations: list[NodeLocation]) -> None:
    names = [location.name for location in locations]
    assert names == sorted(names)
    sizes = driver.list_sizes(locations[0])
    # The one size of a server that sells none is of no location.
    assert {size.extra["location"] for size in sizes} - {None} <= {names[0]}
