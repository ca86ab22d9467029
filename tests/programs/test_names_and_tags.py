"""The name and the tags of a node come back from every listing as they were given."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint

CASES = [("shop", None), ("shop", ["spring", "2026"]), (None, ["shop", "spring"]), (None, None)]


@pytest.mark.parametrize(("name", "tags"), CASES)
def test_name_and_tags_in_listings(endpoint: LiveEndpoint, name: str | None, tags: Any) -> None:
    driver = endpoint.login()
    image, location = endpoint.image(driver), endpoint.location(driver)
    node = driver.create_node(name, image=image, location=location, ex_tags=tags)
    endpoint.pass_time()
    running = driver.wait_until_running([node], ssh_interface=endpoint.interface)
    nodes = [
        node,
        *driver.list_nodes(),
        *driver.list_nodes(ex_addresses=True),
        driver.ex_get_node(node),
        running[0][0],
    ]
    assert len(nodes) == 5
    current: Any
    for current in nodes:
        assert current.extra["tags"] == (tags or [])
        assert current.name == (name or node.id)
        assert current.image.name == image.name
