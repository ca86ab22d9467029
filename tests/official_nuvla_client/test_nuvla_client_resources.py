"""Nuvla's own client searches, reads and deletes resources."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox


def test_search_filters_sorts_pages_and_selects(alice: Client, sandbox: Sandbox) -> None:
    ids = list(reversed(sandbox.world.add_deployments(12)))
    page = alice.search(
        "deployment",
        filter="state='STOPPED' and module/path='apps/WordPress/wordpress'",
        orderby="created:desc",
        first=3,
        last=5,
        select=["state", "created"],
    ).data
    assert page["count"] == 12
    assert [item["id"] for item in page["resources"]] == ids[2:5]
    assert {tuple(sorted(item)) for item in page["resources"]} == {("created", "id", "state")}


def test_module_is_found_read_and_deleted(alice: Client) -> None:
    modules = alice.of("Module")
    store = "published=true and subtype!='project' and parent-path!='apps-sets'"
    matches = modules.find(filter=store, orderby="created:desc").data["resources"]
    assert {item["path"] for item in matches} >= {"apps/WordPress/wordpress", "apps/web/nginx"}
    module = modules.get_by_path("apps/WordPress/wordpress")
    assert modules.get_by_id(module["id"]) == module
    assert module["content"]["id"] == module["versions"][-1]["href"]
    old = modules.get_by_id(f"{module['id']}_0")
    assert old["content"]["id"] == module["versions"][0]["href"] != module["content"]["id"]
    alice.operation(alice.get(module["id"]), "delete-version")
    assert modules.get_by_id(module["id"])["content"]["commit"] == "first"

    project = modules.get_by_path("apps/WordPress")["id"]
    with pytest.raises(ClientFailure, match="Cannot delete project with children") as caught:
        modules.delete(project)
    assert caught.value.status == 403
    assert modules.delete(module["id"]) == module["id"]
    assert modules.delete(project) == project
    assert modules.get_by_path("apps/WordPress") == {}
