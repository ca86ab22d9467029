from __future__ import annotations

from xml.etree.ElementTree import Element

import attrs
import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.modules import split_version

WORDPRESS = "/module/apps/WordPress/wordpress"


def names(root: Element) -> list[str | None]:
    return [one.get("name") for one in root.findall("children/item")]


def module_of(path: str, tag: str, category: str, inside: str = "", **attributes: str) -> str:
    parent, _, name = path.rpartition("/")
    more = "".join(f' {key}="{text}"' for key, text in attributes.items())
    return (
        f'<{tag} category="{category}" parentUri="module/{parent}" shortName="{name}"{more}>'
        f'{inside}<authz owner="alice" publicGet="true" publicPost="true"/></{tag}>'
    )


def test_the_app_store_lists_published_versions(alice: Client) -> None:
    items = alice.xml("/appstore").findall("item")
    found = {one.get("resourceUri"): one for one in items}
    wordpress = found["module/apps/WordPress/wordpress/478"]
    assert wordpress.get("category") == "Image"
    assert wordpress.get("customVersion") == "4.6"
    assert wordpress.get("published") == "true"
    assert wordpress.find("authz/groupMembers") is not None
    assert "module/apps/WordPress/wordpress/412" not in found
    assert {"Image", "Deployment"} == {one.get("category") for one in items}


def test_the_root_projects_are_listed(alice: Client, bob: Client) -> None:
    items = alice.xml("/module").findall("item")
    assert [one.get("name") for one in items] == ["alice", "apps", "examples"]
    assert {one.get("category") for one in items} == {"Project"}
    assert all(one.get("published") is None for one in items)
    assert [one.get("name") for one in bob.xml("/module")] == ["apps", "examples"]


def test_a_project_shows_what_is_below_even_what_may_not_be_read(alice: Client) -> None:
    root = alice.xml("/module/examples")
    assert root.tag == "projectModule"
    assert names(root) == ["images", "private", "tutorials"]
    assert alice.refused("GET", "/module/examples/private") == (
        403,
        "Not allowed to access: module/examples/private",
    )


def test_a_module_is_shown_without_what_the_stylesheet_removes(alice: Client) -> None:
    text = alice.get(WORDPRESS).text
    root = alice.xml(WORDPRESS)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><imageModule ')
    assert "resourceUri" not in text
    assert "class=" not in text
    assert "CDATA" not in text
    assert root.get("name") is None
    assert (root.get("parentUri"), root.get("shortName")) == ("module/apps/WordPress", "wordpress")
    assert (root.get("version"), root.get("isLatestVersion")) == ("478", "true")
    assert root.get("creation") == "2016-02-01 10:00:00.79 UTC"
    title = root.find("parameters/entry/parameter[@name='wordpress_title']")
    assert title is not None
    assert title.get("category") == "Input"
    assert title.findtext("value") == title.findtext("defaultValue") == "Hello from SlipStream"


def test_an_older_version_is_still_there(alice: Client) -> None:
    root = alice.xml(f"{WORDPRESS}/412")
    assert (root.get("version"), root.get("isLatestVersion")) == ("412", "false")
    assert alice.refused("GET", f"{WORDPRESS}/413")[0] == 404
    assert alice.refused("GET", "/module/no/such")[0] == 404


def test_a_root_project_has_the_shortest_parent(alice: Client) -> None:
    assert alice.xml("/module/apps").get("parentUri") == "module/"


def test_an_application_shows_its_nodes_and_their_components(alice: Client) -> None:
    root = alice.xml("/module/examples/tutorials/service-testing/system")
    nodes = {one.get("name"): one for one in root.findall("nodes/entry/node")}
    assert set(nodes) == {"apache", "testclient"}
    image = nodes["apache"].find("image")
    assert image is not None
    assert image.get("name") == "examples/tutorials/service-testing/apache"
    mapped = nodes["testclient"].find("parameters/entry/parameter[@name='webserver.port']")
    assert mapped is not None
    assert mapped.findtext("value") == "apache:listen.port"
    assert mapped.get("isMappedValue") == "true"
    again = nodes["testclient"].find("parameterMappings/entry/parameter[@name='webserver.port']")
    assert again is not None
    assert again.attrib == mapped.attrib
    names = {one.get("name") for one in image.findall("inputParametersExpanded/entry/parameter")}
    assert names == {"port"}
    assert image.find("buildStates/buildState") is not None


def test_a_module_shows_ones_own_runs_as_items_too(alice: Client, bob: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    assert len(alice.xml(WORDPRESS).findall("runs/item")) == 1
    assert bob.xml(WORDPRESS).findall("runs/item") == []


def test_a_module_has_a_json_variant(alice: Client) -> None:
    found = alice.get(WORDPRESS, headers={"Accept": "application/json"}).json()
    assert found["imageModule"]["version"] == 478
    assert found["imageModule"]["isBase"] is False


def test_deleting_a_version_brings_back_the_one_before(alice: Client, root: Client) -> None:
    assert alice.refused("DELETE", WORDPRESS)[0] == 403
    first = root.delete(WORDPRESS)
    assert first.status_code == 204
    assert first.headers["Location"].endswith(f"{WORDPRESS}/412")
    assert root.refused("GET", f"{WORDPRESS}/478") == (403, "Module deleted")
    assert root.xml(WORDPRESS).get("version") == "412"
    second = root.delete(f"{WORDPRESS}/412")
    assert second.headers["Location"].endswith("/module/apps/WordPress")
    assert root.refused("GET", WORDPRESS)[0] == 404
    assert root.refused("DELETE", WORDPRESS)[0] == 403


def test_deleting_with_a_slash_takes_all_versions_one_may_delete(
    alice: Client, root: Client
) -> None:
    assert alice.delete(f"{WORDPRESS}/").status_code == 204
    assert alice.xml(WORDPRESS).get("version") == "478"
    assert root.delete(f"{WORDPRESS}/").status_code == 204
    assert root.refused("GET", WORDPRESS)[0] == 404
    assert root.delete("/module/no/such/").status_code == 204


def test_a_version_beyond_all_numbers_is_not_there(alice: Client) -> None:
    assert alice.refused("GET", f"{WORDPRESS}/{'1' * 5000}")[0] == 404


def test_a_deployment_outlives_its_module(alice: Client, root: Client) -> None:
    path = f"/run/{alice.deploy('apps/WordPress/wordpress')}"
    assert root.delete(f"{WORDPRESS}/").status_code == 204
    assert alice.xml(path).get("moduleResourceUri") == "module/apps/WordPress/wordpress/478"


def test_a_module_can_be_closed_for_a_test(sandbox: Sandbox, alice: Client) -> None:
    sandbox.world.close_module("apps/WordPress")
    assert alice.refused("GET", "/module/apps/WordPress")[0] == 403


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b/12", ("a/b", 12)),
        ("a/b/", ("a/b", None)),
        ("12", ("12", None)),
        ("a/1b", ("a/1b", None)),
    ],
)
def test_a_last_part_of_digits_is_a_version(path: str, expected: tuple[str, int | None]) -> None:
    assert split_version(path) == expected


def test_a_component_made_from_itself_ends_somewhere(sandbox: Sandbox, alice: Client) -> None:
    module = attrs.evolve(
        sandbox.world.library.find("apps/WordPress/wordpress"), path="apps/loop", version=0
    )
    module.reference = "module/apps/loop"
    sandbox.world.add_module(module)
    assert alice.xml("/module/apps/loop").get("shortName") == "loop"
