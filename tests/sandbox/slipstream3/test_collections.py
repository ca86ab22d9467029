from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

OFFERS = "/api/service-offer"


def message(client: Client, path: str, **params: str) -> tuple[int, str]:
    answer = client.get(path, params={f"${name}": value for name, value in params.items()})
    return answer.status_code, answer.json()["message"]


def test_the_entry_point_believes_the_proxy(nobody: Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nuv.la"}
    entry = nobody.get("/api/cloud-entry-point", headers=headers).json()
    assert entry["baseURI"] == "https://nuv.la/api/"
    headers["X-Forwarded-Port"] = "8443"
    entry = nobody.get("/api/cloud-entry-point", headers=headers).json()
    assert entry["baseURI"] == "https://nuv.la:8443/api/"


def test_the_entry_point_is_only_read(nobody: Client) -> None:
    assert nobody.put("/api/cloud-entry-point").status_code == 405
    assert nobody.post("/api/cloud-entry-point").status_code == 405


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
    assert told.startswith("Invalid CIMI filter. Parse error at line 1, column ")
    assert f":\n({text})\n" in told
    assert "Expected one of:" in told


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
    assert nobody.get(f"/api/{offer}").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/api/foo", 405, "invalid method (get) for /api/foo"),
        ("DELETE", "/api/run", 405, "invalid method (delete) for /api/run"),
        ("DELETE", "/api/event", 405, "invalid method (delete) for /api/event"),
        ("OPTIONS", "/api/event", 405, "invalid method (options) for /api/event"),
        ("POST", "/api/event/1", 405, "invalid method (post) for /api/event/1"),
        ("GET", "/api", 404, "unknown resource"),
        ("GET", "/api/x/y/z", 404, 'undefined action (get, ["x" "z"]) for /api/x/y/z'),
        ("GET", "/api/email", 501, "/api/email is not played by this sandbox"),
        ("POST", "/api/event", 501, "POST /api/event is not played by this sandbox"),
        ("GET", "/api/service-offer/1", 404, "service-offer/1 not found"),
        ("GET", "/api/a/b/c/d", 404, "unknown resource"),
        (
            "POST",
            "/api/event/1/foo",
            404,
            'undefined action (post, ["event" "foo"]) for /api/event/1/foo',
        ),
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
    added = alice.json("/api/credential", filter="type='api-key'")["credentials"][0]["id"]
    body = alice.put(f"/api/{added}", json={"description": "é and \\u00e9"}).content
    assert b'"\\u00E9 and \\\\u00e9"' in body


@pytest.mark.parametrize("body", ["{", "nonsense"])
def test_a_body_that_is_not_json_is_told_in_plain_text(alice: Client, body: str) -> None:
    for method, path in (("POST", "/api/event"), ("PUT", OFFERS)):
        answer = alice.request(
            method, path, data=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.text) == (400, "Malformed JSON in request body.")


def test_any_document_can_be_arranged(sandbox: Sandbox, bob: Client) -> None:
    rights = {"owner": {"principal": "bob", "type": "USER"}}
    sandbox.world.add_document({"id": "job/1", "state": "QUEUED", "acl": rights})
    assert bob.json("/api/job", filter="state='QUEUED'")["count"] == 1


def test_numbers_are_compared_even_if_they_are_quoted(alice: Client) -> None:
    plain = alice.json(OFFERS, filter="resource:vcpu>4")["count"]
    assert alice.json(OFFERS, filter='resource:vcpu>"4"')["count"] == plain > 0


def test_search_for_the_beginning_of_a_number_fails_in_silence(alice: Client) -> None:
    failed = alice.json(OFFERS, filter='resource:vcpu^="1"')
    assert (failed["count"], failed["serviceOffers"]) == (None, [])


@pytest.mark.parametrize("name", ["connector-template", "credential-template"])
def test_unknown_template_is_closed(alice: Client, name: str) -> None:
    assert message(alice, f"/api/{name}/nothing") == (403, "credentials required")


def test_events_come_newest_first_unless_ordered(sandbox: Sandbox, alice: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    sandbox.clock.advance(300)
    stamps = [one["timestamp"] for one in alice.json("/api/event")["events"]]
    assert stamps == sorted(stamps, reverse=True)
    ordered = alice.json("/api/event", orderby="timestamp:asc")["events"]
    assert [one["timestamp"] for one in ordered] == sorted(stamps)


def test_entry_point_names_every_collection(nobody: Client) -> None:
    entry = nobody.json("/api/cloud-entry-point")
    assert entry["meterings"] == {"href": "metering"}
    assert {"quotas", "userParam", "deployments", "serviceOffers"} <= set(entry)


def test_deleted_document_is_listed_for_another_second(sandbox: Sandbox, alice: Client) -> None:
    query = {"filter": "type='api-key'"}
    (key,) = alice.json("/api/credential", **query)["credentials"]
    assert alice.delete(f"/api/{key['id']}").status_code == 200
    assert alice.get(f"/api/{key['id']}").status_code == 404
    assert alice.json("/api/credential", **query)["count"] == 1
    sandbox.clock.advance(1)
    assert alice.json("/api/credential", **query)["count"] == 0


def test_results_of_aggregations_are_floats(alice: Client) -> None:
    text = alice.get(f"{OFFERS}?$aggregation=max:resource:vcpu&$last=0").text
    assert '"value" : 32.0' in text
