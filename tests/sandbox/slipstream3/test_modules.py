from __future__ import annotations

from xml.etree.ElementTree import Element

import attrs

from sandbox.client import Client
from slipstream.sandbox import Sandbox

WORDPRESS = "/module/apps/WordPress/wordpress"


def names(root: Element) -> list[str | None]:
    return [item.get("name") for item in root.findall("children/item")]


def test_a_project_shows_what_is_below_even_what_may_not_be_read(alice: Client) -> None:
    root = alice.xml("/module/examples")
    assert root.tag == "projectModule"
    assert names(root) == ["images", "private", "tutorials"]


def test_a_module_shows_ones_own_runs_as_items_too(alice: Client, bob: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    assert len(alice.xml(WORDPRESS).findall("runs/item")) == 1
    assert bob.xml(WORDPRESS).findall("runs/item") == []


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
    path = f"/run/{alice.deploy('apps/WordPress/wordpress')}"
    assert alice.delete(f"{WORDPRESS}/").status_code == 204
    assert alice.xml(WORDPRESS).get("version") == "478"
    assert root.delete(f"{WORDPRESS}/").status_code == 204
    assert root.refused("GET", WORDPRESS)[0] == 404
    assert root.delete("/module/no/such/").status_code == 204
    assert alice.xml(path).get("moduleResourceUri") == "module/apps/WordPress/wordpress/478"


def test_a_component_made_from_itself_ends_somewhere(sandbox: Sandbox, alice: Client) -> None:
    module = sandbox.world.library.find("apps/WordPress/wordpress")
    loop = {"path": "apps/loop", "version": 0, "reference": "module/apps/loop"}
    sandbox.world.add_module(attrs.evolve(module, **loop))
    assert alice.xml("/module/apps/loop").get("shortName") == "loop"
