"""Images and their versions, on a server of each family."""

from __future__ import annotations

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint

from slipstream.libcloud.errors import BadInput, Forbidden, NotFound

pytestmark = pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
VERSIONS = {"slipstream": (412, 478), "nuvla": (0, 2)}


@pytest.fixture
def versions(endpoint: LiveEndpoint) -> tuple[int, int]:
    """The versions of WordPress, which its user may delete."""
    if endpoint.family == "slipstream":
        for module in endpoint.sandbox.world.library.versions(BLOG):
            module.owner = "alice"
    return VERSIONS[endpoint.family]


def test_list_images_has_the_newest_version(driver: Driver, versions: tuple[int, int]) -> None:
    (image,) = [image for image in driver.list_images() if image.extra["path"] == BLOG]
    assert image.extra["version"] == versions[1]
    assert image.id == driver.get_image(BLOG).id
    (in_tree,) = [
        image
        for image in driver.list_images(ex_path="apps", ex_recurse=True)
        if image.extra["path"] == BLOG
    ]
    assert in_tree.id == image.id
    assert driver.list_images(ex_path="") == []  # the root has projects alone


def test_get_image_of_a_version(driver: Driver, versions: tuple[int, int]) -> None:
    for path, version in ((BLOG, versions[1]), (f"{BLOG}/{versions[0]}", versions[0])):
        image = driver.get_image(path)
        assert (image.extra["version"], image.extra["path"]) == (version, BLOG)
        assert driver.get_image(image.id).id == image.id
    with pytest.raises(NotFound):
        driver.get_image(f"{BLOG}/999")
    with pytest.raises(BadInput, match="list_images"):
        driver.get_image("apps")


def test_delete_image_of_one_version(driver: Driver, versions: tuple[int, int]) -> None:
    assert driver.delete_image(driver.get_image(BLOG)) is True
    assert driver.get_image(BLOG).extra["version"] == versions[0]


def test_delete_image_of_all_versions(driver: Driver, versions: tuple[int, int]) -> None:
    others = [image.id for image in driver.list_images() if image.extra["path"] != BLOG]
    assert driver.delete_image(driver.get_image(BLOG), ex_all_versions=True) is True
    with pytest.raises(NotFound):
        driver.get_image(BLOG)
    assert [image.id for image in driver.list_images()] == others


def test_delete_image_of_others(endpoint: LiveEndpoint, driver: Driver, bob: Driver) -> None:
    if endpoint.family == "nuvla":
        other, path = bob, BLOG
    else:
        other, path = driver, "examples/images/ubuntu-16.04"
    image = other.get_image(path)
    with pytest.raises(Forbidden, match="Cannot delete ") as caught:
        other.delete_image(image)
    assert caught.value.http_code == 403
    assert other.get_image(path).id == image.id
