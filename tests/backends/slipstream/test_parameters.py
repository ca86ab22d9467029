"""Parameters of components and applications: what the server would not take as it was meant."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from fake_time import FakeTime
from libcloud.compute.base import NodeImage

from slipstream.backends.slipstream.runs import document
from slipstream.errors import BadInput
from slipstream.sandbox import Sandbox

from .support import SYSTEM, WORDPRESS, Driver


@pytest.fixture
def blog(driver: Driver) -> NodeImage:
    return driver.get_image(WORDPRESS)


@pytest.fixture
def system(driver: Driver) -> NodeImage:
    return driver.get_image(SYSTEM)


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
    parameters = sandbox.world.library.find(f"{WORDPRESS}/478").parameters
    (title,) = [own for own in parameters if own.name == "wordpress_title"]
    title.value = title.default = None
    node = driver.create_node(image=blog, ex_parameters={"wordpress_title": ""})
    assert sandbox.world.run(str(node.id)).get("machine:wordpress_title") == ""


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
def test_value_that_the_server_cannot_store_is_refused_before_any_request(
    driver: Driver, sandbox: Sandbox, blog: NodeImage, system: NodeImage, character: str
) -> None:
    sandbox.journal.clear()
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


def test_each_parameter_is_listed_once(driver: Driver, blog: NodeImage, system: NodeImage) -> None:
    client = driver.get_image("examples/tutorials/service-testing/client").extra
    for declared in (client, blog.extra, *system.extra["nodes"].values()):
        names = [parameter["name"] for parameter in declared["parameters"]]
        assert len(names) == len(set(names)) > 1


def test_password_output_is_known_by_its_declaration(
    driver: Driver, sandbox: Sandbox, blog: NodeImage, waiting: FakeTime
) -> None:
    node = driver.create_node(image=blog)
    driver.ex_wait_node_in_state(node)
    sandbox.world.run(str(node.id)).runtime["machine:admin_password"].type = "String"
    options = {"deployment_id": str(node.id), "ignore_abort": False}
    password = driver._backend.get_parameter(name="machine:admin_password", **options)
    assert password.value
    assert password.secret
    assert password.value not in repr(password)
    hostname = driver._backend.get_parameter(name="machine:hostname", **options)
    assert not hostname.secret
    assert password.value not in driver._session.transport.redactor.said(f"is {password.value}")


@pytest.mark.parametrize(
    ("is_set", "text", "value"), [("true", "x", "x"), ("true", "", ""), ("false", "", None)]
)
def test_run_parameter_that_is_set_to_nothing(is_set: str, text: str, value: str | None) -> None:
    parameter = f'<runtimeParameter key="machine:title" isSet="{is_set}">{text}</runtimeParameter>'
    run = f"""<run uuid="c0b1d69c-651c-4514-8331-2fa0d7e465bd" state="Ready"
        moduleResourceUri="module/apps/blog/1"
        ><runtimeParameters><entry>{parameter}</entry></runtimeParameters></run>"""
    assert document(ET.fromstring(run)).parameters == {"machine:title": value}
