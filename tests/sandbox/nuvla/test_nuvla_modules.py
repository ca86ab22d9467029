from __future__ import annotations

from typing import Any

import pytest

from sandbox.nuvla.client import WORDPRESS, Client

COMPOSE = {"author": "alice", "docker-compose": "services:\n  web:\n    image: nginx\n"}
NEW = {
    "path": "apps/web/mine",
    "subtype": "application",
    "compatibility": "docker-compose",
    "name": "Mine",
    "content": COMPOSE,
}


def test_the_content_comes_with_a_single_module_alone(alice: Client) -> None:
    (hit,) = alice.found("module", f"path='{WORDPRESS}'")
    assert "content" not in hit
    document = alice.read(hit["id"])
    assert document["versions"][1] is None
    assert document["content"]["id"] == document["versions"][2]["href"]
    assert document["parent-path"] == "apps/WordPress"
    assert document["published"] is True
    assert {one["rel"] for one in document["operations"]} == {
        *("edit", "delete", "validate-docker-compose"),
        *("publish", "unpublish", "delete-version"),
    }


def test_each_version_can_be_read(alice: Client) -> None:
    module = alice.module()
    assert alice.read(f"{module}_0")["content"]["commit"] == "first"
    assert alice.read(f"{module}_2")["content"]["commit"] == "mariadb 11"
    assert alice.refused("GET", f"{module}_9") == (404, f"{module}_9 not found")
    refused = alice.refused("GET", f"{module}_1")
    assert refused == (404, f"Module version not found: {module} not found")


def test_a_module_is_added_with_its_first_version(alice: Client) -> None:
    module = alice.added("module", NEW)
    document = alice.read(module)
    assert document["parent-path"] == "apps/web"
    assert "published" not in document
    assert [one["author"] for one in document["versions"]] == ["alice"]
    assert document["acl"]["owners"] == [alice.world.user_id("alice")]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"path": WORDPRESS}, 409, f"path '{WORDPRESS}' already exist"),
        ({"path": "single"}, 400, "Application subtype must have a parent project!"),
        ({"path": "no/where"}, 400, "No parent project found for path: no"),
        ({"path": f"{WORDPRESS}/x"}, 403, "Parent must be a project!"),
        ({"path": "private/x"}, 400, "No parent project found for path: private"),
        ({"path": "apps/ x"}, 400, "defined schema"),
        ({"subtype": "project"}, 400, "Project should not have content attribute!"),
        ({"subtype": "nonsense"}, 400, "unknown module subtype: nonsense"),
        ({"content": {"author": "alice"}}, 400, "docker-compose"),
        ({"content": {**COMPOSE, "helm-repo-creds": "x"}}, 400, "helm-repo-creds"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(
    alice: Client, changes: dict[str, Any], status: int, words: str
) -> None:
    found, message = alice.refused("POST", "module", json={**NEW, **changes})
    assert found == status
    assert words in message


def test_an_application_needs_a_compatibility(alice: Client) -> None:
    body = {name: value for name, value in NEW.items() if name != "compatibility"}
    refused = alice.refused("POST", "module", json=body)
    assert refused == (400, "Application subtype should have compatibility attribute set!")


@pytest.mark.parametrize(
    "variable", [{"name": "A", "value": " "}, {"name": "NUVLA_X"}, {"name": "a b"}]
)
def test_a_bad_environmental_variable_is_refused(alice: Client, variable: dict[str, str]) -> None:
    content = {**COMPOSE, "environmental-variables": [variable]}
    assert alice.post("module", json={**NEW, "content": content}).status_code == 400


def test_an_edit_with_content_appends_a_version(alice: Client) -> None:
    module = alice.added("module", NEW)
    alice.edit(module, {"name": "Renamed", "subtype": "component", "published": True})
    document = alice.read(module)
    assert (document["name"], document["subtype"]) == ("Renamed", "application")
    assert "published" not in document
    assert len(document["versions"]) == 1
    alice.edit(module, {"content": {**COMPOSE, "commit": "second"}})
    assert [one.get("commit") for one in alice.read(module)["versions"]] == [None, "second"]
    project = alice.module("apps")
    assert alice.put(project, json={"content": COMPOSE}).status_code == 400


def test_a_whole_document_sent_back_is_a_version_more(alice: Client) -> None:
    module = alice.added("module", NEW)
    alice.edit(module, alice.read(module))
    assert len(alice.read(module)["versions"]) == 2


def test_versions_are_published_and_withdrawn(alice: Client) -> None:
    module = alice.added("module", NEW)
    answer = alice.post(f"{module}_0/publish")
    assert answer.json() == {"status": 200, "message": "published successfully"}
    document = alice.read(module)
    assert document["published"] is True
    assert document["versions"][0]["published"] is True
    assert alice.post(f"{module}/unpublish").ok
    assert alice.read(module)["published"] is False
    assert alice.post(f"{module}_7/publish").status_code == 500
    refused = alice.refused("POST", f"{alice.module('apps')}/publish")
    assert refused == (400, "project cannot be published")


def test_a_deleted_version_leaves_its_number(alice: Client) -> None:
    module = alice.module()
    href = alice.read(module)["content"]["id"]
    answer = alice.post(f"{module}_2/delete-version")
    assert answer.json() == {"status": 200, "message": f"{href} deleted", "resource-id": href}
    document = alice.read(module)
    assert [bool(one) for one in document["versions"]] == [True, False, False]
    assert document["content"]["commit"] == "first"
    assert alice.post(f"{module}_2/delete-version").status_code == 404


def test_a_module_is_deleted_with_all_versions(alice: Client) -> None:
    module = alice.module()
    assert alice.delete(module).json()["message"] == f"{module} deleted"
    assert alice.get(module).status_code == 404


def test_a_project_with_children_stays(alice: Client) -> None:
    refused = alice.refused("DELETE", alice.module("apps"))
    assert refused == (403, "Cannot delete project with children")


def test_deleting_one_version_the_wrong_way_ruins_the_module(alice: Client) -> None:
    module = alice.module()
    assert alice.refused("DELETE", f"{module}_0") == (404, f"{module}_0 not found")
    assert alice.found("module", f"path='{WORDPRESS}'")
    assert alice.get(module).status_code == 404


def test_others_may_look_and_not_touch(alice: Client, bob: Client) -> None:
    module = bob.module()
    assert bob.read(module)["content"]["commit"] == "mariadb 11"
    for method, path in (
        ("PUT", module),
        ("DELETE", module),
        ("POST", f"{module}/publish"),
        ("POST", f"{module}_0/delete-version"),
        ("POST", f"{module}/validate-docker-compose"),
    ):
        assert bob.request(method, path, json={"name": "x"}).status_code == 403
    assert alice.read(module)["name"] == "WordPress"


def test_a_compose_file_is_validated_by_a_job(alice: Client) -> None:
    job = alice.act(f"{alice.module()}/validate-docker-compose")
    alice.sandbox.clock.advance(60)
    assert alice.read(job)["state"] == "SUCCESS"
    helm = f"{alice.module('apps/web/redis')}/validate-docker-compose"
    assert alice.post(helm).status_code == 403


def test_projects_hold_projects(alice: Client) -> None:
    for path in ("mine", "mine/inner"):
        alice.added("module", {"path": path, "subtype": "project", "name": "Mine"})
    inner = alice.read(alice.module("mine/inner"))
    assert inner["parent-path"] == "mine"
    assert [one["rel"] for one in inner["operations"]] == ["edit", "delete", "delete-version"]
    assert alice.delete(inner["id"]).ok
    assert alice.delete(alice.module("mine")).ok


def test_a_module_without_a_version_cannot_be_read(alice: Client) -> None:
    body = {name: value for name, value in NEW.items() if name != "content"}
    module = alice.added("module", body)
    assert alice.refused("GET", module) == (500, "Unexpected exception thrown: ")
    body = {"module": {"href": module}}
    assert alice.refused("POST", "deployment", json=body)[0] == 500
    assert alice.found("module", f"id='{module}'")
    assert alice.delete(module).ok
