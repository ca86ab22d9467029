from __future__ import annotations

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, tostring

import attrs
import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.java_moments import timestamp
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
        "Not allowed to access: module/examples/private/17",
    )


def test_a_module_is_shown_without_what_the_stylesheet_removes(alice: Client) -> None:
    text = alice.get(WORDPRESS).text
    root = alice.xml(WORDPRESS)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<imageModule ')
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


def test_a_slash_at_the_end_lists_the_versions(alice: Client) -> None:
    root = alice.xml(f"{WORDPRESS}/")
    assert root.attrib == {
        "moduleCategory": "Image",
        "moduleName": "apps/WordPress/wordpress",
    }
    assert [one.get("version") for one in root.findall("item")] == ["412", "478"]
    assert alice.refused("GET", "/module/no/such/")[0] == 403


def test_an_application_shows_its_nodes_and_their_components(alice: Client) -> None:
    root = alice.xml("/module/examples/tutorials/service-testing/system")
    nodes = {one.get("name"): one for one in root.findall("nodes/entry/node")}
    assert set(nodes) == {"apache", "testclient"}
    image = nodes["apache"].find("image")
    assert image is not None
    assert image.get("name") == "examples/tutorials/service-testing/apache"
    literal = nodes["apache"].find("parameters/entry/parameter[@name='port']")
    mapped = nodes["testclient"].find("parameters/entry/parameter[@name='webserver.port']")
    assert literal is not None
    assert mapped is not None
    assert (literal.findtext("value"), literal.get("isMappedValue")) == ("'8080'", "false")
    assert (mapped.findtext("value"), mapped.get("isMappedValue")) == ("apache:port", "true")


def test_a_module_shows_ones_own_runs_as_items_too(alice: Client, bob: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    assert len(alice.xml(WORDPRESS).findall("runs/item")) == 1
    assert bob.xml(WORDPRESS).findall("runs/item") == []


def test_a_module_has_a_json_variant(alice: Client) -> None:
    found = alice.get(WORDPRESS, headers={"Accept": "application/json"}).json()
    assert found["imageModule"]["version"] == 478
    assert found["imageModule"]["isBase"] is False


def test_a_new_version_is_put_over_the_old_one(alice: Client, bob: Client) -> None:
    path = "alice/tool"
    body = module_of(path, "imageModule", "Image", description="first")
    first = alice.put_xml(f"/module/{path}", body)
    assert (first.status_code, first.content) == (201, b"")
    assert first.headers["Location"].startswith(f"{alice.sandbox.url}/module/{path}/")
    alice.put(f"/module/{path}/publish")
    second = alice.put_xml(f"/module/{path}", body.replace("first", "second"))
    assert second.status_code == 200
    root = alice.xml(f"/module/{path}")
    assert root.get("description") == "second"
    assert root.find("published") is None
    assert second.headers["Location"].endswith(f"/{root.get('version')}")
    xml = {"data": body, "headers": {"Content-Type": "text/xml"}}
    for refused in (path, "alice/other?new=true"):
        assert bob.refused("PUT", f"/module/{refused}", **xml) == (
            403,
            "Forbidden to update this resource.",
        )
    assert bob.xml(f"/module/{path}").get("description") == "second"


def test_what_was_read_can_be_sent_back(sandbox: Sandbox, alice: Client, root: Client) -> None:
    for path in ("apps/WordPress/wordpress", "examples/tutorials/service-testing/system"):
        before = root.xml(f"/module/{path}")
        assert root.put_xml(f"/module/{path}", tostring(before)).status_code == 200
        after = root.xml(f"/module/{path}")
        for document in (before, after):
            for name in ("version", "lastModified"):
                document.attrib.pop(name)
            # The sender becomes the owner.
            document.find("authz").attrib.pop("owner")
            for name in ("commit", "published", "runs"):
                child = document.find(name)
                if child is not None:
                    document.remove(child)
        assert tostring(before) == tostring(after)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<imageModule", 400),
        ('<x category="Image" parentUri="module/alice" shortName="tool"/>', 400),
        (module_of("alice/other", "imageModule", "Image"), 400),
        (
            module_of("alice/tool", "imageModule", "Image", moduleReferenceUri="module/no/such"),
            409,
        ),
        (
            module_of(
                "alice/tool",
                "deploymentModule",
                "Deployment",
                '<nodes><entry><node name="a-b" imageUri="x"/></entry></nodes>',
            ),
            409,
        ),
    ],
)
def test_a_module_that_is_none_is_refused(alice: Client, body: str, status: int) -> None:
    assert alice.put_xml("/module/alice/tool", body).status_code == status


def test_a_module_needs_its_project_and_its_type(alice: Client) -> None:
    body = module_of("alice/no/tool", "imageModule", "Image")
    assert alice.put_xml("/module/alice/no/tool", body).status_code == 409
    assert alice.put("/module/alice/tool", data={"a": "b"}).status_code == 415


def test_a_module_that_must_be_new_is_refused_if_it_is_not(alice: Client) -> None:
    body = module_of("alice/tool", "imageModule", "Image")
    assert alice.put_xml("/module/alice/tool?new=true", body).status_code == 201
    told = alice.refused(
        "PUT", "/module/alice/tool?new=true", data=body, headers={"Content-Type": "text/xml"}
    )
    assert told == (403, "Cannot create this resource. It already exists.")


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


def test_publishing_is_done_once_and_can_be_undone(alice: Client, root: Client) -> None:
    path = f"{WORDPRESS}/412/publish"
    assert root.put(path).status_code == 200
    published = root.sandbox.world.library.find("apps/WordPress/wordpress/412").published
    assert published is not None
    status, detail = root.refused("PUT", path)
    assert status == 409
    assert detail.startswith(f"The module was already published: {published:%Y-%m-%d %H:%M:%S}.")
    assert root.delete(path).status_code == 204
    assert root.xml(f"{WORDPRESS}/412").find("published") is None


def test_publishing_asks_for_no_right_but_for_a_module(alice: Client, bob: Client) -> None:
    assert alice.put(f"{WORDPRESS}/412/publish").status_code == 200
    assert bob.delete(f"{WORDPRESS}/412/publish").status_code == 204
    assert alice.refused("PUT", "/module/no/such/publish") == (404, "Not found")
    assert alice.refused("DELETE", "/module/no/such/publish")[0] == 500


def test_the_right_to_create_is_asked_only_for_what_must_be_new(bob: Client) -> None:
    body = module_of("alice/tool", "imageModule", "Image")
    assert bob.put_xml("/module/alice/tool", body).status_code == 201


def test_a_module_of_another_path_is_refused(alice: Client) -> None:
    body = module_of("alice/other", "imageModule", "Image")
    told = alice.refused(
        "PUT", "/module/alice/tool", data=body, headers={"Content-Type": "text/xml"}
    )
    assert told == (400, "The uploaded module does not correspond to the target module uri")


def test_a_version_beyond_all_numbers_is_not_there(alice: Client) -> None:
    assert alice.refused("GET", f"{WORDPRESS}/{'1' * 5000}")[0] == 404


def test_a_deployment_outlives_its_module(alice: Client, root: Client) -> None:
    path = f"/run/{alice.deploy('apps/WordPress/wordpress')}"
    assert root.delete(f"{WORDPRESS}/").status_code == 204
    assert alice.xml(path).get("moduleResourceUri") == "module/apps/WordPress/wordpress/478"


@pytest.mark.parametrize(("millis", "fraction"), [(0, "0"), (79, "079"), (100, "1")])
def test_a_moment_of_the_database_has_three_digits_at_most(millis: int, fraction: str) -> None:
    moment = datetime(2017, 10, 13, 17, 7, 26, millis * 1000, UTC)
    assert timestamp(moment) == f"2017-10-13 17:07:26.{fraction}"


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


def test_a_new_version_belongs_to_who_sent_it(sandbox: Sandbox, root: Client) -> None:
    path = "apps/WordPress/wordpress"
    assert root.put_xml(f"/module/{path}", root.get(f"/module/{path}").content).status_code == 200
    assert sandbox.world.library.find(path).rights.owner == "super"
    assert sandbox.world.library.find(f"{path}/478").rights.owner == "sixsq"


def test_a_module_without_rights_belongs_to_its_sender(alice: Client, bob: Client) -> None:
    body = (
        '<imageModule category="Image" parentUri="module/alice" shortName="tool">'
        "<recipe>make</recipe></imageModule>"
    )
    assert alice.put_xml("/module/alice/tool", body).status_code == 201
    root = alice.xml("/module/alice/tool")
    assert root.findtext("recipe") == "make"
    assert bob.refused("GET", "/module/alice/tool")[0] == 403


def test_a_component_made_from_itself_ends_somewhere(sandbox: Sandbox, alice: Client) -> None:
    module = attrs.evolve(
        sandbox.world.library.find("apps/WordPress/wordpress"), path="apps/loop", version=0
    )
    module.reference = "module/apps/loop"
    sandbox.world.add_module(module)
    assert alice.xml("/module/apps/loop").get("shortName") == "loop"
