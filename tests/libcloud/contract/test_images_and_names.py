"""Images and their versions, and names that are exact, nearly right, or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint

from slipstream.libcloud.errors import BadInput, Forbidden, NotFound, NotSupported

VERSIONS = {"slipstream": (412, 478), "nuvla": (0, 2)}


@pytest.fixture
def versions(endpoint: LiveEndpoint) -> tuple[int, int]:
    """The versions of WordPress, which its user may delete."""
    if endpoint.family == "slipstream":
        for module in endpoint.sandbox.world.library.versions(BLOG):
            module.owner = "alice"
    return VERSIONS[endpoint.family]


def test_image_of_each_version(driver: Driver, versions: tuple[int, int]) -> None:
    for listed in (driver.list_images(), driver.list_images(ex_path="apps", ex_recurse=True)):
        (image,) = [image for image in listed if image.extra["path"] == BLOG]
        assert image.extra["version"] == versions[1]
        assert image.id == driver.get_image(BLOG).id
    assert driver.list_images(ex_path="") == []  # the root has projects alone
    for path, version in ((BLOG, versions[1]), (f"{BLOG}/{versions[0]}", versions[0])):
        image = driver.get_image(path)
        assert (image.extra["version"], image.extra["path"]) == (version, BLOG)
        assert driver.get_image(image.id).id == image.id
    with pytest.raises(NotFound):
        driver.get_image(f"{BLOG}/999")
    with pytest.raises(BadInput, match="list_images"):
        driver.get_image("apps")


@pytest.mark.parametrize("ex_all_versions", [False, True])
def test_delete_image(driver: Driver, versions: tuple[int, int], ex_all_versions: bool) -> None:
    others = [image.id for image in driver.list_images() if image.extra["path"] != BLOG]
    assert driver.delete_image(driver.get_image(BLOG), ex_all_versions=ex_all_versions) is True
    if not ex_all_versions:
        assert driver.get_image(BLOG).extra["version"] == versions[0]
        return
    with pytest.raises(NotFound):
        driver.get_image(BLOG)
    assert [image.id for image in driver.list_images()] == others


def test_delete_image_of_others(endpoint: LiveEndpoint, driver: Driver, bob: Driver) -> None:
    other, path = driver, "examples/images/ubuntu-16.04"
    if endpoint.family == "nuvla":
        other, path = bob, BLOG
    image = other.get_image(path)
    with pytest.raises(Forbidden, match="Cannot delete ") as caught:
        other.delete_image(image)
    assert caught.value.http_code == 403
    assert other.get_image(path).id == image.id


PATHS = ["wordpress", "WordPress", "apps/WordPress/wordpres", "apps/wordpress/wordpress"]


def test_image_nearly_right_names_the_right_one(endpoint: LiveEndpoint, driver: Any) -> None:
    location = endpoint.location(driver)
    for call in (driver.get_image, lambda path: driver.create_node("x", None, path, location)):
        for path in PATHS:
            with pytest.raises(NotFound, match=f"did you mean '{BLOG}'\\?"):
                call(path)
    assert driver.list_nodes() == []
    with pytest.raises(NotFound) as caught:
        driver.get_image("zzz")
    assert "did you mean" not in str(caught.value)
    name = driver.get_image(BLOG).name
    assert driver.ex_find_image(name).extra["path"] == BLOG
    with pytest.raises(BadInput, match=f"did you mean '{name}'"):
        driver.ex_find_image("wordpres")


def test_find_node_by_its_exact_name(driver: Driver, endpoint: LiveEndpoint) -> None:
    node, location = endpoint.deploy(driver, "shop"), endpoint.location(driver)
    other_location = next(x for x in driver.list_locations() if x.id != location.id)
    assert [listed.id for listed in driver.list_nodes(location=location)] == [node.id]
    assert driver.list_nodes(location=other_location) == []
    endpoint.pass_time()
    match = driver.ex_find_node("shop")
    assert match.id == node.id
    assert match.public_ips + match.private_ips
    with pytest.raises(BadInput, match=r"Unknown node 'shop1'; did you mean 'shop'\?"):
        driver.ex_find_node("shop1")
    other = endpoint.deploy(driver, "shop")
    with pytest.raises(BadInput, match="2 nodes are named 'shop'") as caught:
        driver.ex_find_node("shop")
    assert all(item.id in str(caught.value) for item in (node, other))


def test_logs_are_not_supported_or_need_a_node(driver: Any, endpoint: LiveEndpoint) -> None:
    expected = BadInput if endpoint.family == "nuvla" else NotSupported
    nothing: list[Any] = [None, [], ""]
    for components in nothing:
        with pytest.raises(expected):
            driver.ex_get_node_logs("no-such-node", components)
    if endpoint.family != "nuvla":
        with pytest.raises(NotSupported):
            driver.ex_get_node_logs(None, 1, lines=-1, timeout=-1)


def test_login_method_nearly_right_names_the_right_one(endpoint: LiveEndpoint) -> None:
    for name in ("apikey", "api_key", "API-Key"):
        with pytest.raises(BadInput, match="did you mean 'api-key'"):
            endpoint.login("credential/1", "secret", ex_login_method=name)
