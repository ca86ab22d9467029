"""SlipStream's own client reads and changes projects, components and applications."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"
_UBUNTU = "examples/images/ubuntu-16.04"


def _paths(listed: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["type"], one["path"]) for one in listed}


@pytest.mark.proves("list_applications")
def test_app_store_lists_what_is_published(alice: Client) -> None:
    listed = alice.list_applications()

    assert {
        "name": "wordpress",
        "type": "component",
        "version": 478,
        "path": _WORDPRESS,
    } in listed
    assert ("application", _SYSTEM) in _paths(listed)
    assert 412 not in [one["version"] for one in listed]


@pytest.mark.proves("list_project_content")
def test_project_lists_its_children(alice: Client) -> None:
    assert _paths(alice.list_project_content("examples/images")) == {
        ("component", _UBUNTU),
        ("component", "examples/images/centos-7"),
        ("project", "examples/images/old"),
    }


@pytest.mark.proves("get_element")
@pytest.mark.parametrize(
    ("path", "kind", "version"),
    [
        pytest.param("examples/images", "project", 12, id="project"),
        pytest.param(_WORDPRESS, "component", 478, id="component"),
        pytest.param(f"{_WORDPRESS}/412", "component", 412, id="older-version"),
        pytest.param(f"module/{_SYSTEM}", "application", 540, id="application"),
    ],
)
def test_element_tells_what_it_is(alice: Client, path: str, kind: str, version: int) -> None:
    element = alice.get_element(path)

    bare = path.removeprefix("module/").removesuffix("/412")
    assert (element["type"], element["version"], element["path"]) == (kind, version, bare)
    assert element["name"] == bare.rpartition("/")[2]
    assert element["created"].endswith(" UTC")


@pytest.mark.proves("get_cloud_image_identifiers")
def test_native_component_has_an_image_on_each_cloud(alice: Client, sandbox: Sandbox) -> None:
    found = alice.get_cloud_image_identifiers(_UBUNTU)

    images = sandbox.world.library.find(_UBUNTU).images
    assert len(images) == 3
    assert {one["cloud"]: one["identifier"] for one in found} == images


@pytest.mark.proves("get_application_nodes")
def test_application_has_nodes(alice: Client) -> None:
    nodes = {node["name"]: node for node in alice.get_application_nodes(_SYSTEM)}

    assert set(nodes) == {"apache", "testclient"}
    apache = nodes["apache"]
    assert apache["path"] == "examples/tutorials/service-testing/apache/538"
    assert apache["cloud"] == "default"
    assert (apache["multiplicity"], apache["max_provisioning_failures"]) == ("1", "0")


@pytest.mark.proves("get_parameters")
def test_component_has_parameters(alice: Client) -> None:
    found = {one["name"]: one for one in alice.get_parameters(_WORDPRESS)}

    assert set(found) >= {"wordpress_title", "admin_email", "admin_password", "hostname"}
    title = found["wordpress_title"]
    assert title["value"] == title["defaultValue"] == "Hello from SlipStream"
    assert (title["category"], title["type"], title["mandatory"]) == ("Input", "String", "true")
    assert (found["hostname"]["category"], found["hostname"]["value"]) == ("Output", "")


@pytest.mark.proves("get_parameters")
def test_parameters_can_be_chosen_by_name(alice: Client) -> None:
    one = alice.get_parameters(_WORDPRESS, parameter_name="admin_email")
    two = alice.get_parameters(_WORDPRESS, parameter_names=["admin_email", "hostname"])

    assert [parameter["value"] for parameter in one] == ["admin@example.org"]
    assert {parameter["name"] for parameter in two} == {"admin_email", "hostname"}


@pytest.mark.proves("delete_element")
def test_deleted_version_uncovers_the_one_before(root: Client) -> None:
    assert root.delete_element(_WORDPRESS) is True
    assert root.get_element(_WORDPRESS)["version"] == 412

    assert root.delete_element(f"{_WORDPRESS}/412") is True
    with pytest.raises(ClientFailure) as caught:
        root.get_element(_WORDPRESS)
    assert caught.value.status == 404
