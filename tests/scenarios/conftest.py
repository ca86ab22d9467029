"""What scenarios use: a driver logged in with what the recording has, and how long to wait."""

from __future__ import annotations

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

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

    def find(image_type):
        images = [image for image in driver.list_images() if image.extra["type"] == image_type]
        if not images:
            scenario.unsupported(f"its App Store has no {image_type}")
        images.sort(key=lambda image: "wordpress" not in image.name.lower())
        return driver.get_image(images[0].extra["path"])

    return find


@pytest.fixture
def deployed(driver):
    """Deploys, and terminates in the end whatever happened."""
    nodes = []

    def deploy(**arguments):
        nodes.append(driver.create_node(**arguments))
        return nodes[-1]

    yield deploy
    for node in nodes:
        assert driver.destroy_node(node)
