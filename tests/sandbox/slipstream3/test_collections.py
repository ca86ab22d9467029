from __future__ import annotations

from typing import Any

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

OFFERS = "/api/service-offer"


def message(client: Client, path: str, **params: str) -> tuple[int, str]:
    answer = client.get(path, params={f"${name}": value for name, value in params.items()})
    return answer.status_code, answer.json()["message"]


def test_the_entry_point_names_the_collections_of_its_version(
    sandbox: Sandbox, nobody: Client, old: Sandbox
) -> None:
    answer = nobody.get("/api/cloud-entry-point")
    entry, older = answer.json(), Client(old).json("/api/cloud-entry-point")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert entry["baseURI"] == f"{sandbox.url}/api/"
    assert entry["resourceURI"] == "http://schemas.dmtf.org/cimi/2/CloudEntryPoint"
    assert entry["virtualMachines"] == {"href": "virtual-machine"}
    assert entry["userParam"] == {"href": "user-param"}
    assert entry["meterings"] == older["metering"] == {"href": "metering"}
    assert "usage-events" in older
    assert not {"userParam", "deployments"} & set(older)
    assert not {"usages", "usage-events"} & set(entry)


def test_the_entry_point_believes_the_proxy(nobody: Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nuv.la"}
    entry = nobody.get("/api/cloud-entry-point", headers=headers).json()
    assert entry["baseURI"] == "https://nuv.la/api/"
    headers["X-Forwarded-Port"] = "8443"
    entry = nobody.get("/api/cloud-entry-point", headers=headers).json()
    assert entry["baseURI"] == "https://nuv.la:8443/api/"


def test_the_entry_point_is_only_read(nobody: Client) -> None:
    assert nobody.put("/api/cloud-entry-point").status_code == 403
    assert nobody.post("/api/cloud-entry-point").status_code == 405


def test_every_collection_of_the_entry_point_answers(root: Client, nobody: Client) -> None:
    entry = nobody.json("/api/cloud-entry-point")
    hrefs = {
        key: one["href"] for key, one in entry.items() if isinstance(one, dict) and "href" in one
    }
    assert len(hrefs) > 30
    for key, href in hrefs.items():
        envelope = root.json(f"/api/{href}", last="1")
        assert envelope["id"] == href
        assert isinstance(envelope[key], list)


@pytest.mark.parametrize("verb", ["get", "put"])
def test_a_query_goes_in_the_address_or_in_a_form(alice: Client, verb: str) -> None:
    fields = {
        "$filter": 'resource:type="VM" and connector/href="exoscale-ch-gva"',
        "$orderby": "price:unitCost:desc",
        "$last": "2",
        "end": "1",
    }
    if verb == "get":
        found = alice.get(OFFERS, params=fields).json()
    else:
        found = alice.put(OFFERS, data=fields).json()
    prices = [one["price:unitCost"] for one in found["serviceOffers"]]
    assert found["count"] == 29
    assert len(prices) == 2
    assert prices == sorted(prices, reverse=True)
    assert found["resourceURI"] == "http://sixsq.com/slipstream/1/ServiceOfferCollection"


def test_two_filters_are_joined_by_and(alice: Client) -> None:
    fields = [("$filter", "resource:vcpu=2"), ("$filter", "resource:country='CH'")]
    found = alice.get(OFFERS, params=fields).json()
    assert found["count"] == 8


def test_the_sandbox_has_about_a_hundred_offers_in_three_countries(alice: Client) -> None:
    found = alice.json(OFFERS, aggregation="terms:resource:country,count:id", last="0")
    buckets = found["aggregations"]["terms:resource:country"]["buckets"]
    assert {one["key"] for one in buckets} == {"CH", "IE", "DE"}
    assert 90 <= found["aggregations"]["count:id"]["value"] <= 110
    assert found["serviceOffers"] == []
    for text, least in (
        ('resource:type!="VM"', 3),
        ("schema-org:flexible='true'", 1),
        ("resource:ram=null and resource:type='VM'", 1),
        ("resource:disk=null and resource:type='VM'", 1),
    ):
        assert alice.json(OFFERS, filter=text)["count"] >= least


def test_a_selection_loses_the_id_and_with_it_the_operations(root: Client) -> None:
    found = root.json(OFFERS, select="name,connector/href", last="1")["serviceOffers"][0]
    assert set(found) == {"name", "connector", "acl", "resourceURI", "operations"}
    assert found["operations"][0]["href"] is None
    whole = root.json(OFFERS, select="id", last="1")["serviceOffers"][0]
    assert whole["operations"] == [
        {"rel": "edit", "href": whole["id"]},
        {"rel": "delete", "href": whole["id"]},
    ]


@pytest.mark.parametrize("text", ["price:unitCost<0.5", "a=-1", "", "a AND b", "name='x"])
def test_a_bad_filter_is_told(alice: Client, text: str) -> None:
    status, told = message(alice, OFFERS, filter=text)
    assert status == 400
    assert told.startswith("Invalid CIMI filter. {:index ")
    assert f':text "({text})"' in told


@pytest.mark.parametrize("text", ["a=2147483648", "created>2017-06", "a>2017-06-26T11:13:42Z"])
def test_a_literal_the_store_chokes_on_is_the_servers_fault(alice: Client, text: str) -> None:
    status, told = message(alice, OFFERS, filter=text)
    assert status == 500
    assert told.startswith("Unexpected exception thrown: ")


def test_paging_has_its_limits_and_its_silences(alice: Client) -> None:
    status, told = message(alice, OFFERS, last="10001")
    assert (status, told) == (
        500,
        "Unexpected exception thrown: size 10001 too large; limit is 10000",
    )
    assert len(alice.json(OFFERS, first="x", last="y")["serviceOffers"]) > 90
    failed = alice.json(OFFERS, orderby="connector/href")
    assert failed["count"] is None
    assert failed["serviceOffers"] == []
    by_dot = alice.json(OFFERS, orderby="connector.href:desc", last="1")["serviceOffers"][0]
    assert by_dot["connector"]["href"] == "open-telekom-de1"


def test_rights_decide_what_is_seen_and_offered(
    alice: Client, root: Client, nobody: Client
) -> None:
    assert message(nobody, OFFERS) == (403, "credentials required")
    assert alice.json(OFFERS)["operations"] == [{"rel": "add", "href": "service-offer"}]
    assert "operations" not in alice.json("/api/virtual-machine")
    users = alice.json("/api/user")["users"]
    assert [one["id"] for one in users] == ["user/alice"]
    assert root.json("/api/user")["count"] == 3
    assert nobody.json("/api/user")["count"] == 0
    offer = alice.json(OFFERS, last="1")["serviceOffers"][0]["id"]
    assert alice.delete(f"/api/{offer}").status_code == 403
    assert nobody.get(f"/api/{offer}").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/api/foo", 405, "invalid method (get) for /api/foo"),
        ("DELETE", "/api/run", 405, "invalid method (delete) for /api/run"),
        ("DELETE", "/api/quota", 405, "invalid method (delete) for /api/quota"),
        ("POST", "/api/quota/1", 405, "invalid method (post) for /api/quota/1"),
        ("GET", "/api/service-offer/1", 404, "service-offer/1 not found"),
        ("GET", "/api/a/b/c/d", 404, "unknown resource"),
        (
            "POST",
            "/api/quota/1/foo",
            404,
            'undefined action (post, ["quota" "foo"]) for /api/quota/1/foo',
        ),
        ("POST", "/api/quota/1/collect", 404, "quota/1 not found"),
        ("POST", "/api/virtual-machine", 403, "credentials required"),
    ],
)
def test_refusals_have_an_envelope(
    alice: Client, method: str, path: str, status: int, told: str
) -> None:
    answer = alice.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.json()["message"] == told
    assert answer.headers["Content-Type"] == "application/json"


def test_answers_are_plain_ascii(alice: Client) -> None:
    added = alice.post("/api/event", json={"type": "alarm", "content": {"state": "é"}})
    body = alice.get(f"/api/{added.headers['Location']}").content
    assert b"\\u00e9" in body


def test_a_document_is_added_edited_and_deleted(alice: Client, bob: Client) -> None:
    body = {"type": "alarm", "severity": "low", "content": {"state": "hot"}, "id": "event/mine"}
    added = alice.post("/api/event", json=body)
    identifier = added.headers["Location"]
    assert added.status_code == 201
    assert added.json()["resource-id"] == identifier != "event/mine"
    assert bob.put(f"/api/{identifier}", json={}).status_code == 403
    edited = alice.put(f"/api/{identifier}", json={"severity": "high", "created": "never"})
    assert edited.status_code == 200
    assert edited.json()["severity"] == "high"
    assert edited.json()["type"] == "alarm"
    assert edited.json()["created"] != "never"
    lessened = alice.put(f"/api/{identifier}?$select=type,severity", json={"type": "system"})
    assert lessened.json()["type"] == "system"
    assert "severity" not in lessened.json()
    answer = alice.delete(f"/api/{identifier}")
    assert answer.json() == {
        "status": 200,
        "message": f"{identifier} deleted",
        "resource-id": identifier,
    }
    assert alice.get(f"/api/{identifier}").status_code == 404


def test_an_id_can_be_taken(root: Client, old: Sandbox) -> None:
    path = "/api/service-attribute-namespace"
    body = {"prefix": "mine", "uri": "http://example.org/mine"}
    assert root.post(path, json=body).headers["Location"] == "service-attribute-namespace/mine"
    for again in (body, {**body, "prefix": "other"}, {**body, "uri": "http://example.org/x"}):
        answer = root.post(path, json=again)
        assert answer.status_code == 409
        assert answer.json() == {
            "status": 409,
            "message": "conflict with service-attribute-namespace/mine",
            "resource-id": "service-attribute-namespace/mine",
        }
    older = Client(old, old.users["super"])
    assert older.post(path, json=body).status_code == 201
    refused = older.post(path, json=body).json()
    assert refused["message"] == "Conflict for service-attribute-namespace/mine"


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        ("user", {"username": "carol"}, "carol"),
        ("connector", {"instanceName": "lab"}, "lab"),
        ("email", {"address": "a@b.c"}, "5d60d4e28066df254d5452f92c910092"),
        ("virtual-machine-mapping", {"cloud": "lab", "instanceID": "7"}, "lab-7"),
    ],
)
def test_some_documents_are_called_by_what_is_in_them(
    root: Client, kind: str, fields: dict[str, str], name: str
) -> None:
    assert root.post(f"/api/{kind}", json=fields).headers["Location"] == f"{kind}/{name}"
    assert root.post(f"/api/{kind}", json=fields).status_code == 409


@pytest.mark.parametrize("body", ["{", "nonsense"])
def test_a_body_that_is_not_json_is_told_in_plain_text(alice: Client, body: str) -> None:
    for method, path in (("POST", "/api/event"), ("PUT", OFFERS)):
        answer = alice.request(
            method, path, data=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.text) == (400, "Malformed JSON in request body.")


def test_an_offer_with_an_undeclared_namespace_is_not_acceptable(root: Client) -> None:
    body: dict[str, Any] = {"connector": {"href": "x"}, "mine:own": 1}
    assert root.post(OFFERS, json=body).status_code == 406
    assert root.post(OFFERS, json={"connector": {"href": "x"}, "resource:x": 1}).ok


def test_templates_cannot_be_edited(root: Client) -> None:
    path = "/api/credential-template/generate-api-key"
    assert root.put(path, json={"ttl": 3}).status_code == 405


def test_connectors_are_hidden_from_users_by_old_servers(alice: Client, old_alice: Client) -> None:
    found = alice.json("/api/connector")["connectors"]
    assert {one["instanceName"] for one in found} == {
        "exoscale-ch-gva",
        "ec2-eu-west",
        "open-telekom-de1",
    }
    assert all(one["id"] == f"connector/{one['instanceName']}" for one in found)
    assert all(isinstance(one["quotaVm"], str) for one in found)
    assert message(old_alice, "/api/connector") == (403, "invalid credentials for ''")


def test_a_quota_collects_what_is_used(alice: Client, bob: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    alice.sandbox.clock.advance(60)
    quota = alice.json("/api/quota")["quotas"][0]
    operation = quota["operations"][-1]
    assert operation["rel"] == "http://sixsq.com/slipstream/1/action/collect"
    mine = alice.post(f"/api/{operation['href']}").json()
    theirs = bob.post(f"/api/{operation['href']}").json()
    assert (mine["currentUser"], mine["currentAll"]) == (1, 1)
    assert (theirs["currentUser"], theirs["currentAll"]) == (0, 1)
    assert alice.get(f"/api/{operation['href']}").status_code == 404


def test_events_come_newest_first_unless_a_new_server_is_told_otherwise(
    alice: Client, old_alice: Client
) -> None:
    for client in (alice, old_alice):
        client.deploy("apps/WordPress/wordpress")
        client.sandbox.clock.advance(300)
    newest = [one["timestamp"] for one in alice.json("/api/event")["events"]]
    assert newest == sorted(newest, reverse=True)
    oldest = alice.json("/api/event", orderby="timestamp:asc")["events"]
    assert oldest[0]["timestamp"] == newest[-1]
    ignored = old_alice.json("/api/event", orderby="timestamp:asc")["events"]
    assert ignored[0]["timestamp"] > ignored[-1]["timestamp"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_document_is_a_map(alice: Client, method: str) -> None:
    added = alice.post("/api/event", json={"type": "alarm"}).headers["Location"]
    path = "/api/event" if method == "POST" else f"/api/{added}"
    answer = alice.request(method, path, json=[1])
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("resource does not satisfy defined schema:")


def test_full_text_came_late(alice: Client, old_alice: Client) -> None:
    query = {"filter": "description=='standard MiB'"}
    assert alice.json(OFFERS, **query)["count"] > 50
    assert message(old_alice, OFFERS, **query)[0] == 400


def test_an_old_server_does_not_delete_by_selection(old_alice: Client) -> None:
    added = old_alice.post("/api/event", json={"type": "alarm"})
    identifier = added.headers["Location"]
    assert added.json()["message"] == f"created {identifier}"
    kept = old_alice.put(f"/api/{identifier}?$select=type", json={})
    assert kept.json()["type"] == "alarm"


def test_any_document_can_be_arranged(sandbox: Sandbox, bob: Client) -> None:
    rights = {"owner": {"principal": "bob", "type": "USER"}}
    sandbox.world.add_document({"id": "job/1", "state": "QUEUED", "acl": rights})
    assert bob.json("/api/job", filter="state='QUEUED'")["count"] == 1
