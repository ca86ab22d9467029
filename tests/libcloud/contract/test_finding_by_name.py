"""Names that are nearly right bring the right one; exact names find nodes and images."""

from __future__ import annotations

import inspect

import pytest
from endpoints_under_test import BLOG, LiveEndpoint

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, NotFound, NotSupported


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    return endpoint.login()


@pytest.mark.parametrize("path", ["wordpress", "WordPress", "apps/WordPress/wordpres",
                                  "apps/wordpress/wordpress"])  # fmt: skip
def test_a_path_that_is_nearly_right_is_answered_with_the_right_one(
    driver: SlipStreamNodeDriver, path: str
) -> None:
    with pytest.raises(NotFound, match=f"did you mean '{BLOG}'\\?"):
        driver.get_image(path)


def test_creating_a_node_of_such_an_image_says_the_same_and_creates_none(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    location = endpoint.location(driver)
    with pytest.raises(NotFound, match=f"did you mean '{BLOG}'\\?"):
        driver.create_node("shop", image="wordpress", location=location)
    assert driver.list_nodes() == []


def test_nothing_is_suggested_where_nothing_resembles(driver: SlipStreamNodeDriver) -> None:
    with pytest.raises(NotFound) as caught:
        driver.get_image("zzz")
    assert "did you mean" not in str(caught.value)


def test_an_image_is_found_by_its_exact_name(driver: SlipStreamNodeDriver) -> None:
    name = driver.get_image(BLOG).name
    assert driver.ex_find_image(name).extra["path"] == BLOG
    with pytest.raises(BadInput, match=f"did you mean '{name}'"):
        driver.ex_find_image("wordpres")


def test_a_node_is_found_by_its_exact_name(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    node = endpoint.deploy(driver, "shop")
    endpoint.pass_time()
    match = driver.ex_find_node("shop")
    assert match.id == node.id
    assert match.public_ips + match.private_ips


def test_no_node_of_a_name_lists_those_that_there_are(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    endpoint.deploy(driver, "shop")
    with pytest.raises(BadInput, match=r"Unknown node 'shop1'; did you mean 'shop'\?"):
        driver.ex_find_node("shop1")


def test_several_nodes_of_a_name_are_listed_by_their_ids(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    ids = [endpoint.deploy(driver, "shop").id for _ in range(2)]
    with pytest.raises(BadInput, match="2 nodes are named 'shop'") as caught:
        driver.ex_find_node("shop")
    assert all(node_id in str(caught.value) for node_id in ids)


def test_nodes_are_listed_by_their_location(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    node = endpoint.deploy(driver, "shop")
    endpoint.pass_time()
    location = endpoint.location(driver)
    others = [other for other in driver.list_locations() if other.id != location.id]
    for here in (location, location.id, location.name):
        assert [listed.id for listed in driver.list_nodes(location=here)] == [node.id]
    assert driver.list_nodes(location=others[0]) == []
    with pytest.raises(BadInput, match="Unknown location 'nowhere'"):
        driver.list_nodes(location="nowhere")


def test_logs_are_not_supported_or_need_a_node(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    expected = BadInput if endpoint.family == "nuvla" else NotSupported
    for components in (None, [], ""):
        with pytest.raises(expected):
            driver.ex_get_node_logs("no-such-node", components)  # type: ignore[arg-type]
    if endpoint.family != "nuvla":
        with pytest.raises(NotSupported):
            driver.ex_get_node_logs(None, 1, lines=-1, timeout=-1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["apikey", "api_key", "API-Key"])
def test_a_login_method_that_is_nearly_right_is_answered_with_the_right_one(
    endpoint: LiveEndpoint, name: str
) -> None:
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput, match="did you mean 'api-key'"):
        endpoint.login("credential/1", "secret", ex_login_method=name)


def test_a_bound_method_is_explained_as_its_name_is(
    driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    given = {"image": endpoint.image(driver), "location": endpoint.location(driver)}
    explanation = driver.ex_explain(driver.create_node, "shop", **given)
    assert inspect.ismethod(driver.create_node)
    assert explanation.method == "create_node"
    assert [str(request).split()[0] for request in explanation.requests] == [
        str(request).split()[0]
        for request in driver.ex_explain("create_node", "shop", **given).requests
    ]
    assert driver.list_nodes() == []
