from __future__ import annotations

from typing import Any

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

OFFERS = "/api/service-offer"


def test_the_entry_point_believes_the_proxy(nobody: Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nuv.la"}
    for port, address in (({}, "nuv.la"), ({"X-Forwarded-Port": "8443"}, "nuv.la:8443")):
        entry = nobody.get("/api/cloud-entry-point", headers=headers | port).json()
        assert entry["baseURI"] == f"https://{address}/api/"


@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_a_query_goes_in_the_address_or_in_a_form_and_two_filters_are_joined_by_and(
    alice: Client, verb: str
) -> None:
    fields = [("$filter", "resource:vcpu=2"), ("$filter", "resource:country='CH'"), ("end", "1")]
    options: dict[str, Any] = {"params" if verb == "GET" else "data": fields}
    assert alice.request(verb, OFFERS, **options).json()["count"] == 8


def test_a_selection_loses_the_id_and_with_it_the_operations(root: Client) -> None:
    part = root.json(OFFERS, select="name,connector/href", last="1")["serviceOffers"][0]
    assert set(part) == {"name", "connector", "acl", "resourceURI", "operations"}
    assert part["operations"][0]["href"] is None
    whole = root.json(OFFERS, select="id", last="1")["serviceOffers"][0]
    assert whole["operations"] == [
        {"rel": "edit", "href": whole["id"]},
        {"rel": "delete", "href": whole["id"]},
    ]


def test_rights_decide_what_is_seen_and_offered(alice: Client, nobody: Client) -> None:
    assert nobody.get(OFFERS).json()["message"] == "credentials required"
    assert alice.json(OFFERS)["operations"] == [{"rel": "add", "href": "service-offer"}]
    assert "operations" not in alice.json("/api/virtual-machine")
    offer = alice.json(OFFERS, last="1")["serviceOffers"][0]["id"]
    assert nobody.get(f"/api/{offer}").status_code == 403


def test_answers_are_plain_ascii(alice: Client) -> None:
    added = alice.json("/api/credential", filter="type='api-key'")["credentials"][0]["id"]
    body = alice.put(f"/api/{added}", json={"description": "é and \\u00e9"}).content
    assert b'"\\u00e9 and \\\\u00e9"' in body


def test_numbers_are_compared_even_if_they_are_quoted(alice: Client) -> None:
    plain = alice.json(OFFERS, filter="resource:vcpu>4")["count"]
    assert alice.json(OFFERS, filter='resource:vcpu>"4"')["count"] == plain > 0


def test_events_come_newest_first_unless_ordered(sandbox: Sandbox, alice: Client) -> None:
    alice.deploy("apps/WordPress/wordpress")
    sandbox.clock.advance(300)
    stamps = [event["timestamp"] for event in alice.json("/api/event")["events"]]
    assert stamps == sorted(stamps, reverse=True)
    ordered = alice.json("/api/event", orderby="timestamp:asc")["events"]
    assert [event["timestamp"] for event in ordered] == sorted(stamps)


def test_deleted_document_is_listed_for_another_second(sandbox: Sandbox, alice: Client) -> None:
    query = {"filter": "type='api-key'"}
    (key,) = alice.json("/api/credential", **query)["credentials"]
    assert alice.delete(f"/api/{key['id']}").status_code == 200
    assert alice.get(f"/api/{key['id']}").status_code == 404
    assert alice.json("/api/credential", **query)["count"] == 1
    sandbox.clock.advance(1)
    assert alice.json("/api/credential", **query)["count"] == 0
