"""One story on every server: what a libcloud user does with it from beginning to end."""

from __future__ import annotations

from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.errors import BadInput
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

pytestmark = pytest.mark.scenario

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"


def parameters(image: NodeImage) -> dict[str, str]:
    """A title, where there is one of a component, and what the image needs."""
    declared: list[Any] = image.extra["parameters"]
    inputs = [p["name"] for p in declared if p["category"] == "Input"]
    values = {inputs[0]: "A title"} if image.extra["type"] == "component" else {}
    required = [p for p in declared if p["mandatory"] and not p["value"]]
    return values | {p["name"]: "value" for p in required if p["category"] == "environment"}


def deployed(driver: Driver, name: str, image: NodeImage) -> Any:
    """Deploy on the first location that takes the image."""
    refusals = []
    options: dict[str, Any] = {"ex_parameters": parameters(image), "ex_tags": ["story"]}
    for location in driver.list_locations():
        try:
            return driver.create_node(name=name, image=image, location=location, **options)
        except BadInput as refusal:
            refusals.append(str(refusal))
    pytest.fail(f"no location takes {image.id}: {refusals}")


@pytest.mark.usefixtures("images", "locations")
def test_from_listing_to_terminating(driver: Any, scenario: Any, image: Any, waiting: Any) -> None:
    node = deployed(driver, scenario.name, image)
    try:
        driver.ex_wait_node_in_state(node.id, **waiting)
        ready = driver.ex_get_node(node.id)
        assert ready.name == scenario.name
        assert ready.state == "running"
        assert "story" in ready.extra["tags"]
        assert ready.public_ips + ready.private_ips
        assert node.id in {other.id for other in driver.list_nodes(ex_addresses=False)}
        pair = driver.import_key_pair_from_string(scenario.name, KEY)
        try:
            assert driver.get_key_pair(scenario.name).public_key == f"{KEY} {scenario.name}"
        finally:
            assert driver.delete_key_pair(pair)
    finally:
        assert driver.destroy_node(node)
    driver.ex_wait_node_in_state(node.id, "terminated", ignore_abort=True, **waiting)
