"""What scenarios use: a driver logged in with what the recording has, and how long to wait."""

from __future__ import annotations

from contextlib import suppress

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput

LOOPBACK = ("http://127.0.0.1", "http://[::1]", "http://localhost")


@pytest.fixture
def driver(scenario):
    given = scenario.credentials
    login = (given.username, given.password) if given.username else (given.key, given.secret)
    driver = SlipStreamNodeDriver(*login, ex_endpoint=scenario.endpoint)
    yield driver
    driver.close()


@pytest.fixture
def patience(scenario):
    """A sandbox is recorded many times faster than life."""
    if scenario.endpoint.startswith(LOOPBACK):
        return {"wait_period": 0.1, "timeout": 60}
    return {"wait_period": 15, "timeout": 3600}


@pytest.fixture
def image_of(driver, scenario):
    """Finds an image of a type in the App Store: a WordPress if there is one, else the first."""

    def find(*image_types):
        images = [image for image in driver.list_images() if image.extra["type"] in image_types]
        if not images:
            scenario.unsupported(f"its App Store has no {' or '.join(image_types)}")
        images.sort(key=lambda image: "wordpress" not in image.name.lower())
        return driver.get_image(images[0].id)

    return find


@pytest.fixture
def image(image_of):
    """Something that can be deployed."""
    return image_of("component", "application")


@pytest.fixture
def create(driver):
    """Deploys where the server wants it, or on the first location that takes the image."""

    def create(**arguments):
        try:
            return driver.create_node(**arguments)
        except BadInput:
            for location in driver.list_locations():
                with suppress(BadInput):
                    return driver.create_node(location=location, **arguments)
            raise

    return create


@pytest.fixture
def deployed(driver, create):
    """Deploys, and terminates in the end whatever happened."""
    nodes = []

    def deploy(**arguments):
        nodes.append(create(**arguments))
        return nodes[-1]

    yield deploy
    for node in nodes:
        assert driver.destroy_node(node)
