"""Nuvla's own client finds, reads and deletes modules."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure


@pytest.mark.proves("Module.find")
def test_app_store_is_searched(alice: Client) -> None:
    store = "published=true and subtype!='project' and parent-path!='apps-sets'"

    found = alice.of("Module").find(filter=store, orderby="created:desc").data

    assert {one["path"] for one in found["resources"]} >= {
        "apps/WordPress/wordpress",
        "apps/web/whoami",
        "apps/web/nginx",
    }
    assert all("content" not in one for one in found["resources"])


@pytest.mark.proves("Module.get_by_path", "Module.get_by_id", "Module.get_urls")
def test_module_is_read_by_path_and_by_id(alice: Client) -> None:
    modules = alice.of("Module")

    found = modules.get_by_path("apps/WordPress/wordpress")

    assert modules.get_by_id(found["id"]) == found
    assert found["content"]["id"] == found["versions"][-1]["href"]
    assert modules.get_urls(found["id"]) == dict(found["content"]["urls"])
    old = modules.get_by_id(f"{found['id']}_0")
    assert old["content"]["id"] == found["versions"][0]["href"] != found["content"]["id"]
    assert modules.get_by_path("apps/none") == {}
    # The client leaves the version it is given aside.
    assert modules.get_by_path("apps/WordPress/wordpress", version=0) == found


@pytest.mark.proves("ResourceBase.delete")
def test_module_is_deleted_and_a_project_that_holds_some_is_not(alice: Client) -> None:
    modules = alice.of("Module")
    project = modules.get_by_path("apps/WordPress")["id"]
    module = modules.get_by_path("apps/WordPress/wordpress")["id"]

    with pytest.raises(ClientFailure, match="Cannot delete project with children") as caught:
        modules.delete(project)
    assert caught.value.status == 403

    assert modules.delete(module) == module
    assert modules.delete(project) == project
    assert modules.get_by_path("apps/WordPress") == {}


@pytest.mark.proves("operation")
def test_version_is_deleted(alice: Client) -> None:
    modules = alice.of("Module")
    module = modules.get_by_path("apps/WordPress/wordpress")

    alice.operation(alice.get(module["id"]), "delete-version")

    assert modules.get_by_id(module["id"])["content"]["commit"] == "first"
