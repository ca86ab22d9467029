"""Parameters of components and applications: what the server would not take as it was meant."""

from __future__ import annotations

import pytest
from fake_time import FakeTime
from libcloud.compute.base import NodeImage

from slipstream.errors import BadInput
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"


@pytest.fixture
def blog(driver: Driver, sandbox: Sandbox) -> NodeImage:
    image = driver.get_image(BLOG)
    sandbox.journal.clear()
    return image


@pytest.fixture
def system(driver: Driver, sandbox: Sandbox) -> NodeImage:
    image = driver.get_image(SYSTEM)
    sandbox.journal.clear()
    return image


def test_input_that_is_mapped_is_refused_with_the_mapping(
    driver: Driver, sandbox: Sandbox, system: NodeImage
) -> None:
    with pytest.raises(BadInput, match=r"'webserver\.ready' of node testclient.*'apache:ready'"):
        driver.create_node(image=system, ex_parameters={"testclient": {"webserver.ready": "true"}})
    assert sandbox.journal.entries("POST") == []
    assert sandbox.world.runs == {}


def test_empty_value_in_place_of_a_default_is_refused(
    driver: Driver, sandbox: Sandbox, blog: NodeImage
) -> None:
    with pytest.raises(BadInput, match=r"'wordpress_title' .* cannot be set to an empty text"):
        driver.create_node(image=blog, ex_parameters={"wordpress_title": ""})
    assert sandbox.world.runs == {}


def test_empty_value_where_there_is_no_default_is_sent(
    driver: Driver, sandbox: Sandbox, blog: NodeImage
) -> None:
    parameters = sandbox.world.library.find(f"{BLOG}/478").parameters
    (title,) = [own for own in parameters if own.name == "wordpress_title"]
    title.value = title.default = None
    node = driver.create_node(image=blog, ex_parameters={"wordpress_title": ""})
    assert sandbox.world.run(str(node.id)).get("machine:wordpress_title") == ""


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
def test_value_that_the_server_cannot_store_is_refused_before_any_request(
    driver: Driver, sandbox: Sandbox, blog: NodeImage, system: NodeImage, character: str
) -> None:
    longest = 4096 // len(character.encode("utf-16-le")) * 2
    for image, parameters in (
        (blog, {"wordpress_title": character * (longest + 1)}),
        (system, {"apache": {"port": character * (longest + 1)}}),
    ):
        with pytest.raises(BadInput, match="stores at most 4096"):
            driver.create_node(image=image, ex_parameters=parameters)
    with pytest.raises(BadInput, match="stores at most 4096"):
        driver.create_node(name="n" * 4000, ex_tags=["t" * 100], image=blog)
    assert list(sandbox.journal) == []
    title = character * longest
    node = driver.create_node(image=blog, ex_parameters={"wordpress_title": title})
    assert sandbox.world.run(str(node.id)).get("machine:wordpress_title") == title


@pytest.mark.parametrize("image_id", [BLOG, "examples/tutorials/service-testing/client"])
def test_each_parameter_is_listed_once(driver: Driver, image_id: str) -> None:
    names = [parameter["name"] for parameter in driver.get_image(image_id).extra["parameters"]]
    assert len(names) == len(set(names)) > 3


def test_parameters_of_the_nodes_of_an_application_are_listed_once(system: NodeImage) -> None:
    for node in system.extra["nodes"].values():
        names = [parameter["name"] for parameter in node["parameters"]]
        assert len(names) == len(set(names))


def test_password_output_is_known_by_its_declaration(
    driver: Driver, sandbox: Sandbox, blog: NodeImage, waiting: FakeTime
) -> None:
    node = driver.create_node(image=blog)
    driver.ex_wait_node_in_state(node)
    sandbox.world.run(str(node.id)).runtime["machine:admin_password"].type = "String"
    password = driver._backend.get_parameter(
        deployment_id=str(node.id), name="machine:admin_password", ignore_abort=False
    )
    assert password.value
    assert password.secret
    assert password.value not in repr(password)
    hostname = driver._backend.get_parameter(
        deployment_id=str(node.id), name="machine:hostname", ignore_abort=False
    )
    assert not hostname.secret
    assert driver._session.transport.redactor.said(f"is {password.value}") != (
        f"is {password.value}"
    )
