"""Nuvla's own client searches, reads, adds, edits and deletes resources."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure, Connect

from slipstream.sandbox import Sandbox

_GROUP = "infrastructure-service-group"


def test_entry_point_names_the_collections(connect: Connect, sandbox: Sandbox) -> None:
    entry = connect().cloud_entry_point()

    assert entry["base-uri"] == f"{sandbox.url}/api/"
    assert entry["collections"]["deployment"] == "deployment"
    assert {"session", "module", "credential", "job", "nuvlabox"} <= set(entry["collections"])


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


def test_resource_from_adding_to_deletion(alice: Client, sandbox: Sandbox) -> None:
    fields = {"name": "cellar", "description": "below", "tags": ["cold"]}

    cellar = alice.add(_GROUP, fields).data["resource-id"]

    document = alice.get(cellar).data
    assert document.items() >= fields.items()
    assert document["acl"]["owners"] == [sandbox.world.user_id("alice")]
    assert {operation["rel"] for operation in document["operations"]} >= {"edit", "delete"}
    # The server adds the services whatever is selected.
    selected = {"id": cellar, "name": "cellar", "infrastructure-services": []}
    assert alice.get(cellar, select="name").data == selected

    edited = alice.edit(cellar, {"name": "attic"}, select="description").data
    assert (edited["name"], edited["tags"], edited.get("description")) == ("attic", ["cold"], None)
    document = alice.get(cellar).data
    assert document.items() >= edited.items()
    assert "description" not in document

    deleted = {"status": 200, "message": f"{cellar} deleted", "resource-id": cellar}
    assert alice.delete(cellar).data == deleted
    with pytest.raises(ClientFailure, match=f"{cellar} not found") as caught:
        alice.get(cellar)
    assert caught.value.status == 404


def test_action_on_a_resource_answers_with_its_job(
    alice: Client, sandbox: Sandbox, place: str
) -> None:
    answer = alice.operation(alice.get(place), "check").data

    assert (answer["status"], answer["resource-id"]) == (202, place)
    sandbox.clock.advance(300)
    job = alice.get(answer["location"]).data
    assert (job["action"], job["state"], job["progress"]) == ("credential_check", "SUCCESS", 100)


def test_compressed_requests_are_understood(connect: Connect, sandbox: Sandbox) -> None:
    client = connect(compress=True)
    client.login_apikey(sandbox.key, sandbox.secret)

    made = client.add(_GROUP, {"name": "long", "description": "very " * 200}).data["resource-id"]

    assert client.get(made).data["description"] == "very " * 200
    [sent] = sandbox.journal.entries("POST", f"/api/{_GROUP}")
    assert sent.headers["content-encoding"] == "gzip"


def test_view_on_a_type_adds_reads_finds_and_deletes(alice: Client) -> None:
    groups = alice.of("InfraServiceGroup")

    made = groups.create("attic", "above")
    other = groups.add({"name": "shed"})

    assert groups.get(made)["description"] == "above"
    assert groups.id_by_name("attic") == [made]
    assert groups.id(groups.get(other)) == groups.id(alice.get(other)) == other
    assert groups.delete(made) == made
    assert groups.id_by_name("attic") == []


def test_app_store_is_searched(alice: Client) -> None:
    store = "published=true and subtype!='project' and parent-path!='apps-sets'"

    found = alice.of("Module").find(filter=store, orderby="created:desc").data

    assert {item["path"] for item in found["resources"]} >= {
        "apps/WordPress/wordpress",
        "apps/web/whoami",
        "apps/web/nginx",
    }
    assert all("content" not in item for item in found["resources"])


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


def test_version_is_deleted(alice: Client) -> None:
    modules = alice.of("Module")
    module = modules.get_by_path("apps/WordPress/wordpress")

    alice.operation(alice.get(module["id"]), "delete-version")

    assert modules.get_by_id(module["id"])["content"]["commit"] == "first"


def test_new_api_key_logs_in_until_it_is_deleted(
    alice: Client, connect: Connect, sandbox: Sandbox
) -> None:
    template = {"href": "credential-template/generate-api-key", "ttl": 3600}

    made = alice.add("credential", {"name": "laptop", "template": template}).data

    key, secret = made["resource-id"], made["secret-key"]
    assert connect().login_apikey(key, secret)["status"] == 201
    alice.delete(key)
    assert connect().login_apikey(key, secret)["status"] == 403
    again = alice.add("credential", {"name": "laptop", "template": template}).data
    sandbox.clock.advance(3601)
    assert connect().login_apikey(again["resource-id"], again["secret-key"])["status"] == 403


def test_private_part_of_a_generated_ssh_key_is_shown_once(alice: Client) -> None:
    template = {"href": "credential-template/generate-ssh-key"}

    made = alice.add("credential", {"name": "laptop", "template": template}).data

    assert made["private-key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    found = alice.get(made["resource-id"]).data
    assert (found["subtype"], found["public-key"]) == ("ssh-key", made["public-key"])
    assert "private-key" not in found
