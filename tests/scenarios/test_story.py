"""One story on every server: what a libcloud user does with it from beginning to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeImage

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.errors import BadInput
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario
Deploy = Callable[..., Node]
Waiting = dict[str, Any]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"


def play(driver: Driver, name: str, waiting: Waiting) -> None:
    """The story, in words that every family understands."""
    image = chosen(driver)
    parameters = {first_text(image): "A title"} if image.extra["type"] == "component" else {}
    parameters.update(dict.fromkeys(required(image), "value"))
    node = deployed(driver, name, image, parameters)
    try:
        driver.ex_wait_node_in_state(node.id, **waiting)
        ready = driver.ex_get_node(node.id)
        assert ready.name == name
        assert ready.state == "running"
        assert "story" in ready.extra["tags"]
        assert ready.public_ips + ready.private_ips
        assert node.id in {other.id for other in driver.list_nodes(ex_addresses=False)}
        pair = driver.import_key_pair_from_string(name, KEY)
        try:
            assert driver.get_key_pair(name).public_key == f"{KEY} {name}"
        finally:
            assert driver.delete_key_pair(pair)
    finally:
        assert driver.destroy_node(node)
    driver.ex_wait_node_in_state(node.id, "terminated", ignore_abort=True, **waiting)


def chosen(driver: Driver) -> NodeImage:
    images = driver.list_images()
    images.sort(key=lambda image: "wordpress" not in image.name.lower())
    return driver.get_image(images[0].id)


def first_text(image: NodeImage) -> str:
    return next(p["name"] for p in image.extra["parameters"] if p["category"] == "Input")


def required(image: NodeImage) -> list[str]:
    return [
        p["name"]
        for p in image.extra["parameters"]
        if p["mandatory"] and not p["value"] and p["category"] == "environment"
    ]


def deployed(driver: Driver, name: str, image: NodeImage, parameters: dict[str, str]) -> Node:
    """Deploy on the first location that takes the image."""
    refusals = []
    for location in driver.list_locations():
        try:
            return driver.create_node(
                name=name,
                image=image,
                location=location,
                ex_parameters=parameters,
                ex_tags=["story"],
            )
        except BadInput as refusal:
            refusals.append(str(refusal))
    pytest.fail(f"no location takes {image.id}: {refusals}")


def test_from_listing_to_terminating(driver: Driver, scenario: Scenario, waiting: Waiting) -> None:
    if not driver.list_images() or not driver.list_locations():
        scenario.unsupported("it has nothing to deploy, or nowhere to deploy it")
    play(driver, scenario.name, waiting)
