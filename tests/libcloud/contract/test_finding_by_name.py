"""Names that are nearly right bring the right one; exact names find nodes and images."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint

from slipstream.libcloud.errors import BadInput, NotFound, NotSupported

PATHS = ["wordpress", "WordPress", "apps/WordPress/wordpres", "apps/wordpress/wordpress"]


@pytest.mark.parametrize("path", PATHS)
def test_image_nearly_right_names_the_right_one(endpoint: Any, driver: Any, path: str) -> None:
    location = endpoint.location(driver)
    for call in (driver.get_image, lambda path: driver.create_node("x", None, path, location)):
        with pytest.raises(NotFound, match=f"did you mean '{BLOG}'\\?"):
            call(path)
    assert driver.list_nodes() == []
    with pytest.raises(NotFound) as caught:
        driver.get_image("zzz")
    assert "did you mean" not in str(caught.value)


def test_find_image_by_its_exact_name(driver: Driver) -> None:
    name = driver.get_image(BLOG).name
    assert driver.ex_find_image(name).extra["path"] == BLOG
    with pytest.raises(BadInput, match=f"did you mean '{name}'"):
        driver.ex_find_image("wordpres")


def test_find_node_by_its_exact_name(driver: Driver, endpoint: LiveEndpoint) -> None:
    node = endpoint.deploy(driver, "shop")
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


def test_list_nodes_of_a_location(driver: Driver, endpoint: LiveEndpoint) -> None:
    node, location = endpoint.deploy(driver, "shop"), endpoint.location(driver)
    others = [other for other in driver.list_locations() if other.id != location.id]
    assert [listed.id for listed in driver.list_nodes(location=location)] == [node.id]
    assert driver.list_nodes(location=others[0]) == []


def test_logs_are_not_supported_or_need_a_node(driver: Driver, endpoint: LiveEndpoint) -> None:
    expected = BadInput if endpoint.family == "nuvla" else NotSupported
    nothing: list[Any] = [None, [], ""]
    for components in nothing:
        with pytest.raises(expected):
            driver.ex_get_node_logs("no-such-node", components)
    if endpoint.family != "nuvla":
        with pytest.raises(NotSupported):
            driver.ex_get_node_logs(None, 1, lines=-1, timeout=-1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["apikey", "api_key", "API-Key"])
def test_login_method_nearly_right_names_the_right_one(endpoint: LiveEndpoint, name: str) -> None:
    with pytest.raises(BadInput, match="did you mean 'api-key'"):
        endpoint.login("credential/1", "secret", ex_login_method=name)
