"""What scenarios use: drivers logged in with what the recording has, and how long to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeImage, NodeLocation

from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

LOOPBACK = ("http://127.0.0.1", "http://[::1]", "http://localhost")

Create = Callable[..., Any]
Images = list[NodeImage]
Login = Callable[..., Driver]


@pytest.fixture
def login(scenario: Scenario) -> Iterator[Login]:
    """Log in, by default with the name and password or the API key that there is."""
    drivers: list[Driver] = []

    def connect(*credentials: str | None, **options: Any) -> Driver:
        own = scenario.credentials
        if not credentials:
            credentials = (own.username, own.password) if own.username else (own.key, own.secret)
        key, secret = credentials
        drivers.append(Driver(key, secret, ex_endpoint=scenario.endpoint, **options))
        return drivers[-1]

    yield connect
    for driver in drivers:
        driver.close()


@pytest.fixture
def driver(login: Login) -> Driver:
    return login()


@pytest.fixture
def other_driver(scenario: Scenario, login: Login) -> Driver:
    """A driver of another user."""
    own = scenario.credentials
    if not own.other_username:
        scenario.unsupported("no second account was given to record it with")
    return login(own.other_username, own.other_password)


@pytest.fixture
def two_factors(scenario: Scenario, login: Login) -> Login:
    """Log in the user who has a second factor."""
    own = scenario.credentials
    if not own.two_factor_username:
        scenario.unsupported("no account with a second factor was given to record it with")
    return partial(login, own.two_factor_username, own.two_factor_password)


@pytest.fixture
def waiting(scenario: Scenario) -> dict[str, float]:
    """Options of a wait; a sandbox is recorded many times faster than life."""
    if scenario.endpoint.startswith(LOOPBACK):
        return {"wait_period": 0.1, "timeout": 60}
    return {"wait_period": 15, "timeout": 3600}


@pytest.fixture
def images(driver: Driver, scenario: Scenario) -> Images:
    """The App Store."""
    return driver.list_images() or scenario.unsupported("its App Store is empty")


@pytest.fixture
def locations(driver: Driver, scenario: Scenario) -> list[NodeLocation]:
    """The locations of the account."""
    return driver.list_locations() or scenario.unsupported("no cloud is set up for this account")


@pytest.fixture
def image_of(driver: Driver, scenario: Scenario) -> Callable[..., NodeImage]:
    """Finds an image of a type in the App Store: a WordPress if there is one, else the first."""

    def find(*image_types: str) -> NodeImage:
        images = [image for image in driver.list_images() if image.extra["type"] in image_types]
        if not images:
            scenario.unsupported(f"its App Store has no {' or '.join(image_types)}")
        images.sort(key=lambda image: "wordpress" not in image.name.lower())
        return driver.get_image(images[0].id)

    return find


@pytest.fixture
def image(image_of: Callable[..., NodeImage]) -> NodeImage:
    """Something that can be deployed."""
    return image_of("component", "application")


@pytest.fixture
def application(image_of: Callable[..., NodeImage], scenario: Scenario) -> NodeImage:
    """An application whose machines have names."""
    image = image_of("application")
    if not image.extra["nodes"]:
        scenario.unsupported("its applications do not consist of nodes")
    return image


@pytest.fixture
def create(driver: Driver, scenario: Scenario) -> Create:
    """
    Deploys an image under the name of the scenario.

    That is on the default location, or on the first one that takes the image.
    """

    def create(image: NodeImage, **options: Any) -> Node:
        options = {"name": scenario.name, "image": image, **options}
        # An application whose kind is known runs on the locations of that kind alone.
        if "subtype" in image.extra and not {"location", "ex_cloud"} & options.keys():
            for location in driver.list_locations():
                with suppress(BadInput):
                    return driver.create_node(location=location, **options)
        return driver.create_node(**options)

    return create


@pytest.fixture
def deployed(driver: Driver, create: Create) -> Iterator[Create]:
    """Deploys, and terminates in the end whatever happened."""
    nodes: list[Node] = []

    def deploy(image: NodeImage, **options: Any) -> Node:
        nodes.append(create(image, **options))
        return nodes[-1]

    yield deploy
    for node in nodes:
        assert driver.destroy_node(node)


@pytest.fixture
def deploy(image: NodeImage, deployed: Create) -> Create:
    """Deploys the first image, and terminates in the end."""
    return partial(deployed, image)


@pytest.fixture
def running(driver: Driver, deploy: Create, waiting: Any) -> Any:
    """A deployment that runs, as it was created."""
    node = deploy()
    driver.ex_wait_node_in_state(node.id, **waiting)
    return node


@pytest.fixture
def supported(scenario: Scenario) -> Callable[..., Any]:
    """Calls a method, and ends the scenario if the server has no such operation."""

    def call(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except NotSupported:
            scenario.unsupported(f"it cannot {method.__name__.removeprefix('ex_')}")

    return call
