from __future__ import annotations

import pytest

from sandbox.nuvla.client import WORDPRESS, Client
from slipstream.sandbox import Sandbox

STORE = "published=true and subtype!='project' and parent-path!='apps-sets'"


def test_the_app_store_holds_applications_of_three_kinds(alice: Client) -> None:
    found = alice.search("module", filter=STORE, orderby="created:desc")
    kinds = {one["subtype"] for one in found["resources"]}
    assert kinds == {"application", "application_kubernetes", "application_helm"}
    assert found["resource-type"] == "module-collection"
    assert found["id"] == "module"
    assert found["acl"] == {"query": ["group/nuvla-user"], "add": ["group/nuvla-user"]}
    assert {"rel": "add", "href": "module"} in found["operations"]
    created = [one["created"] for one in found["resources"]]
    assert created == sorted(created, reverse=True)


def test_both_ways_to_ask_get_the_same(alice: Client) -> None:
    fields = {"filter": f"path='{WORDPRESS}'", "select": "path"}
    assert alice.read("module", **fields) == alice.search("module", **fields)


def test_a_filter_in_json_is_ignored(alice: Client) -> None:
    every = alice.search("module", last=0)["count"]
    assert alice.put("module", json={"filter": "path='x'"}).json()["count"] == every


def test_repeated_filters_must_all_hold(alice: Client) -> None:
    texts = ["subtype='project' or subtype='application'", "path^='apps/'"]
    found = alice.search("module", filter=texts)["resources"]
    assert {one["path"] for one in found} > {"apps/WordPress", WORDPRESS}
    assert "apps" not in {one["path"] for one in found}


def test_an_unbalanced_filter_is_a_filter_within_the_servers_parentheses(alice: Client) -> None:
    assert alice.search("module", filter="path='x') or (path!='x'", last=0)["count"] > 5


@pytest.mark.parametrize("text", ["", "a=", "state= ['A']", "a.b='c'", "a=1 AND b=2", "a='"])
def test_what_is_no_filter_is_refused_with_its_place(alice: Client, text: str) -> None:
    status, message = alice.refused("PUT", "module", data={"filter": text})
    assert status == 400
    first, echo, pointer, *_ = message.split("\n")
    assert echo == f"({text})"
    column = int(first.removeprefix("Invalid CIMI filter. Parse error at line 1, column ")[:-1])
    assert pointer == " " * (column - 1) + "^"


@pytest.mark.parametrize("text", ["a=99999999999", "created>2025-13-01"])
def test_what_the_index_chokes_on_is_an_error_of_the_server(alice: Client, text: str) -> None:
    status, message = alice.refused("PUT", "module", data={"filter": text})
    assert status == 500
    assert message.startswith("unexpected exception querying: ")


def test_a_place_that_is_none_is_refused(alice: Client) -> None:
    text = "location within 'Geneva'"
    status, message = alice.refused("PUT", "nuvlabox", data={"filter": text})
    assert status == 500
    assert "WKT" in message


def test_edges_are_found_by_where_they_are(alice: Client) -> None:
    around = "POLYGON ((6 46, 7 46, 7 47, 6 47, 6 46))"
    assert len(alice.found("nuvlabox", f"location within '{around}'")) == 3


def test_dates_may_be_reckoned_from_now(sandbox: Sandbox, alice: Client) -> None:
    sandbox.clock.advance(3600)
    deployment = alice.deployment()
    sandbox.clock.advance(100)
    for text, wanted in (
        ("created>'now-120s'", [deployment]),
        ("created>='now-1h'", [deployment]),
        ("created>'now-90s'", []),
        ("created<='now'", [deployment]),
    ):
        assert [one["id"] for one in alice.found("deployment", text)] == wanted


def test_full_text_gathers_several_attributes(alice: Client) -> None:
    found = alice.found("module", "fulltext=='word* cms'")
    assert {one["path"] for one in found} == {WORDPRESS}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("module", "versions/author='alice'"), ("deployment", "module/content/author='alice'")],
)
def test_some_attributes_are_not_searchable(alice: Client, kind: str, text: str) -> None:
    alice.deployment()
    assert alice.found(kind, text) == []


def test_nested_attributes_are_searchable(alice: Client) -> None:
    deployment = alice.deployment()
    for text in (f"module/path='{WORDPRESS}'", f"module/id='{alice.module()}'"):
        assert [one["id"] for one in alice.found("deployment", text)] == [deployment]


def test_pages_count_from_one_and_name_their_last(alice: Client) -> None:
    every = alice.world.add_deployments(7)
    fields = {"orderby": "created:asc,id:asc", "select": "id"}
    page = alice.search("deployment", first=3, last=5, **fields)
    assert page["count"] == 7
    assert [one["id"] for one in page["resources"]] == every[2:5]
    assert alice.search("deployment", first=3, last=2)["resources"] == []
    assert alice.search("deployment", last=0)["resources"] == []
    assert len(alice.search("deployment", first="x", last="y")["resources"]) == 7


def test_nothing_lies_beyond_ten_thousand(alice: Client) -> None:
    for fields in ({"last": 10001}, {"first": 10001, "last": 10002}):
        status, message = alice.refused("PUT", "deployment", data=fields)
        assert status == 500
        assert "First and last must be less than or equal to 10'000" in message
    assert alice.put("deployment", data={"last": 10000}).ok


def test_select_knows_top_level_attributes_alone(alice: Client) -> None:
    deployment = alice.deployment()
    (hit,) = alice.search("deployment", select="state,module/path,module.name,na*")["resources"]
    assert hit == {"id": deployment, "state": "CREATED"}
    (hit,) = alice.search("deployment", select=["state", "acl", "operations"])["resources"]
    assert set(hit) == {"id", "state", "acl", "operations"}


def test_select_works_on_a_single_resource_but_a_module(alice: Client) -> None:
    deployment = alice.deployment()
    assert alice.read(deployment, select="state") == {"id": deployment, "state": "CREATED"}
    assert "content" in alice.read(alice.module(), select="path")


def test_an_order_by_what_no_document_has_is_an_error_of_the_server(alice: Client) -> None:
    assert alice.refused("PUT", "module", data={"orderby": "nothing"})[0] == 500


def test_an_order_may_be_nested_with_a_dot(alice: Client) -> None:
    for path in ("apps/web/whoami", WORDPRESS):
        alice.deployment(path)
    found = alice.search("deployment", orderby="module.name:desc")["resources"]
    assert [one["module"]["name"] for one in found] == ["WordPress", "Who am I"]


def test_values_are_aggregated(sandbox: Sandbox, alice: Client) -> None:
    alice.world.add_deployments(2, state="STOPPED")
    alice.deployment()
    wanted = "terms:state,value_count:module.path,missing:name,nonsense:state,count:state"
    found = alice.search("deployment", aggregation=wanted, last=0)["aggregations"]
    assert set(found) == {"terms:state", "value_count:module.path", "missing:name"}
    assert found["terms:state"]["buckets"] == [
        {"key": "STOPPED", "doc_count": 2},
        {"key": "CREATED", "doc_count": 1},
    ]
    assert found["value_count:module.path"] == {"value": 3}
    assert found["missing:name"] == {"doc_count": 3}


def test_each_hit_offers_what_its_state_allows(alice: Client) -> None:
    deployment = alice.started()
    (hit,) = alice.search("deployment")["resources"]
    offered = {one["rel"]: one["href"] for one in hit["operations"]}
    assert offered["stop"] == f"{deployment}/stop"
    assert offered["edit"] == deployment
    assert "start" not in offered
    assert "delete" not in offered


class TestNobody:
    def test_collections_of_users_are_closed(self, nobody: Client) -> None:
        for kind in ("deployment", "module", "job", "credential", "nuvlabox"):
            assert nobody.refused("GET", kind) == (403, "credentials required")
        assert nobody.refused("POST", "deployment", json={}) == (403, "credentials required")

    def test_a_resource_is_forbidden_if_it_exists(self, alice: Client, nobody: Client) -> None:
        own = alice.deployment()
        refused = nobody.refused("GET", own)
        assert refused == (403, f"invalid credentials for '{own}'")
        assert nobody.refused("GET", f"{own}0") == (404, f"{own}0 not found")

    def test_a_credential_is_refused_in_its_own_way(self, nobody: Client) -> None:
        href = "credential-template/generate-ssh-key"
        refused = nobody.refused("POST", "credential", json={"template": {"href": href}})
        assert refused == (400, f"requested href cannot be accessed: {href}")

    def test_some_collections_are_open(self, nobody: Client) -> None:
        assert nobody.search("session")["count"] == 0
        assert nobody.search("credential-template")["count"] == 0
        templates = nobody.search("session-template")["resources"]
        assert {one["method"] for one in templates} == {"password", "api-key"}
        assert templates[0]["acl"]["owners"] == ["group/nuvla-admin"]


def test_what_others_own_is_out_of_sight(alice: Client, bob: Client) -> None:
    own = alice.deployment()
    assert bob.search("deployment")["count"] == 0
    assert bob.get(own).status_code == 403
    assert alice.found("module", "path^='private'") == []


def test_meta_data_is_all_that_some_may_see(alice: Client, bob: Client) -> None:
    rights = {"owners": [alice.world.user_id("alice")], "view-meta": ["group/acme"]}
    own = alice.deployment()
    stored = alice.edit(own, {"name": "blog", "acl": rights})
    assert stored["acl"] == rights
    assert "group/nuvla-admin" in alice.read(own)["acl"]["manage"]
    session = bob.search("session")["resources"][0]["id"]
    bob.post(f"{session}/switch-group", json={"claim": "group/acme"})
    (seen,) = bob.search("deployment")["resources"]
    assert seen["name"] == "blog"
    assert "state" not in seen
    assert "acl" not in seen


def test_the_entry_point_names_every_collection(sandbox: Sandbox, nobody: Client) -> None:
    document = nobody.read("cloud-entry-point")
    assert document["base-uri"] == f"{sandbox.url}/api/"
    assert document["resource-type"] == "cloud-entry-point"
    assert document["collections"]["deployment"] == {"href": "deployment"}
    assert nobody.refused("PUT", "cloud-entry-point")[0] == 405
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nuvla.example.org"}
    answer = nobody.get("cloud-entry-point", headers=forwarded)
    assert answer.json()["base-uri"] == "https://nuvla.example.org/api/"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nope"),
        ("PATCH", "deployment"),
        ("DELETE", "deployment"),
        ("POST", "deployment/x"),
        ("GET", "deployment/a/b/c"),
        ("POST", "credential-template"),
    ],
)
def test_what_is_not_offered_is_a_405(alice: Client, method: str, path: str) -> None:
    status, message = alice.refused(method, path)
    assert status == 405
    assert message == f"invalid method ({method.lower()}) for /api/{path}"


def test_an_unknown_action_is_undefined(alice: Client) -> None:
    own = alice.deployment()
    status, message = alice.refused("POST", f"{own}/reboot")
    assert status == 404
    words = '["deployment" "reboot"]'
    assert message == f"undefined action (post, {words}) for /api/{own}/reboot"


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/", "/login", "/ui/apps"])
def test_all_other_addresses_lead_to_the_entry_point(nobody: Client, path: str) -> None:
    url = nobody.sandbox.url + path
    answer = nobody.http.get(url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/api/cloud-entry-point"


def test_a_body_that_is_no_json_is_refused_in_plain_text(nobody: Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = nobody.post("session", data="{", headers=headers)
    assert (answer.status_code, answer.text) == (400, "Malformed JSON in request body.")
    assert answer.headers["Content-Type"].startswith("text/plain")
