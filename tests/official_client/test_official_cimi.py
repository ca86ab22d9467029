"""SlipStream's own client searches, adds, edits and deletes JSON documents."""

from __future__ import annotations

import pytest
from conftest import Connect
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_VM = 'resource:type="VM"'
_DESCRIBE = "http://sixsq.com/slipstream/1/action/describe"


def _api_key(name: str) -> dict[str, object]:
    template = {"href": "credential-template/generate-api-key", "ttl": 3600}
    return {"name": name, "credentialTemplate": template}


@pytest.mark.proves("cimi_cloud_entry_point")
def test_entry_point_names_the_collections(connect: Connect, sandbox: Sandbox) -> None:
    found = connect().cimi_cloud_entry_point()["json"]

    assert found["resourceURI"] == "http://schemas.dmtf.org/cimi/2/CloudEntryPoint"
    assert found["baseURI"] == f"{sandbox.url}/api/"
    assert found["serviceOffers"] == {"href": "service-offer"}
    assert found["userParam"] == {"href": "user-param"}


@pytest.mark.proves("cimi_search")
def test_search_is_a_put_of_a_form(alice: Client, sandbox: Sandbox) -> None:
    found = alice.cimi_search("serviceOffers", filter=f'{_VM} and connector/href="ec2-eu-west"')

    assert found["json"]["count"] == len(found["resources"]) > 1
    assert {one["connector"]["href"] for one in found["resources"]} == {"ec2-eu-west"}
    assert {one["resource:type"] for one in found["resources"]} == {"VM"}
    entry = sandbox.journal[-1]
    assert (entry.method, entry.path) == ("PUT", "/api/service-offer")
    assert entry.form == {"$filter": [f'{_VM} and connector/href="ec2-eu-west"']}


@pytest.mark.proves("cimi_search")
def test_search_returns_a_page_of_what_was_found(alice: Client) -> None:
    everything = alice.cimi_search("serviceOffers", orderby="id")
    page = alice.cimi_search("serviceOffers", orderby="id", first=2, last=4)
    none = alice.cimi_search("serviceOffers", last=0)

    assert page["resources"] == everything["resources"][1:4]
    assert page["json"]["count"] == everything["json"]["count"] > 4
    assert (none["json"]["count"], none["resources"]) == (everything["json"]["count"], [])


@pytest.mark.proves("cimi_search")
def test_search_orders_by_several_attributes(alice: Client) -> None:
    found = alice.cimi_search(
        "serviceOffers",
        filter=f"{_VM} and resource:ram!=null",
        orderby=["resource:country:desc", "resource:ram"],
    )["resources"]

    keys = [(one["resource:country"], one["resource:ram"]) for one in found]
    assert len({country for country, _ in keys}) > 1
    assert keys == sorted(
        sorted(keys, key=lambda key: key[1]), key=lambda key: key[0], reverse=True
    )


@pytest.mark.proves("cimi_search")
def test_search_returns_the_selected_attributes(alice: Client) -> None:
    found = alice.cimi_search("serviceOffers", select="id,connector/href", last=1)["resources"]

    assert set(found[0]) - {"operations"} == {"id", "connector", "resourceURI", "acl"}


@pytest.mark.proves("cimi_search")
def test_search_counts_and_aggregates(alice: Client) -> None:
    found = alice.cimi_search(
        "serviceOffers", filter=_VM, aggregation="count:id,max:resource:vcpu", last=0
    )["json"]

    assert found["aggregations"]["count:id"] == {"value": found["count"]}
    vcpus = [
        one["resource:vcpu"]
        for one in alice.cimi_search("serviceOffers", filter=_VM)["resources"]
        if "resource:vcpu" in one
    ]
    assert found["aggregations"]["max:resource:vcpu"]["value"] == max(vcpus)


@pytest.mark.proves("cimi_search")
def test_search_takes_parameters_it_does_not_know(alice: Client, sandbox: Sandbox) -> None:
    found = alice.cimi_search("serviceOffers", end=1)

    assert sandbox.journal[-1].query == {"end": ["1"]}
    assert len(found["resources"]) == found["json"]["count"]


def test_bad_filter_is_refused_with_the_servers_reason(alice: Client) -> None:
    with pytest.raises(ClientFailure, match="Invalid CIMI filter") as caught:
        alice.cimi_search("serviceOffers", filter="price:unitCost<0.5")

    assert (caught.value.kind, caught.value.status) == ("SlipStreamError", 400)


def test_search_without_a_session_is_refused(connect: Connect) -> None:
    with pytest.raises(ClientFailure, match="credentials required") as caught:
        connect().cimi_search("serviceOffers")

    assert caught.value.status == 403


def test_collection_that_is_not_there_is_the_clients_own_error(alice: Client) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.cimi_search("carrierPigeons")

    assert caught.value.kind == "KeyError"


@pytest.mark.proves("cimi_get")
def test_document_is_read_whole_or_in_part(alice: Client) -> None:
    offer = alice.cimi_search("serviceOffers", filter=_VM, last=1)["resources"][0]

    assert alice.cimi_get(offer["id"])["json"] == offer
    part = alice.cimi_get(offer["id"], select=["id", "resource:ram"])["json"]
    assert part["resource:ram"] == offer["resource:ram"]
    assert set(part) - {"operations"} == {"id", "resource:ram", "resourceURI", "acl"}


def test_unknown_document_is_not_found(alice: Client) -> None:
    with pytest.raises(ClientFailure, match="service-offer/nothing not found") as caught:
        alice.cimi_get("service-offer/nothing")

    assert (caught.value.kind, caught.value.status) == ("SlipStreamError", 404)


@pytest.mark.proves("cimi_add", "cimi_get", "login_apikey", "cimi_delete")
def test_new_api_key_opens_a_session_until_it_is_deleted(alice: Client, connect: Connect) -> None:
    added = alice.cimi_add("credentials", _api_key("laptop"))["json"]
    key = added["resource-id"]

    assert (added["status"], added["message"]) == (201, f"{key} created")
    stored = alice.cimi_get(key)["json"]
    assert (stored["name"], stored["type"]) == ("laptop", "api-key")
    assert stored["claims"]["identity"] == "alice"
    assert "secretKey" not in stored
    assert connect().login_apikey(key, added["secretKey"])["status"] == 201

    deleted = alice.cimi_delete(key)["json"]
    assert deleted == {"status": 200, "message": f"{key} deleted", "resource-id": key}
    assert connect().login_apikey(key, added["secretKey"])["status"] == 403


def test_nothing_is_added_where_only_administrators_may(alice: Client, sandbox: Sandbox) -> None:
    # The client looks for the operation first, and the server leaves it out.
    with pytest.raises(ClientFailure, match="Operation 'add' not found"):
        alice.cimi_add("connectors", {"instanceName": "more"})

    assert sandbox.journal.entries("POST", "/api/connector") == []


@pytest.mark.proves("cimi_edit")
def test_edited_document_keeps_what_was_not_sent(alice: Client) -> None:
    key = alice.cimi_add("credentials", _api_key("laptop"))["json"]["resource-id"]
    before = alice.cimi_get(key)["json"]

    answer = alice.cimi_edit(key, {"description": "of the office"})["json"]

    after = alice.cimi_get(key)["json"]
    assert after == before | {"description": "of the office", "updated": after["updated"]}
    assert answer["description"] == "of the office"


@pytest.mark.proves("cimi_edit")
def test_selected_attributes_are_deleted_unless_sent(alice: Client) -> None:
    key = alice.cimi_add("credentials", _api_key("laptop"))["json"]["resource-id"]
    alice.cimi_edit(key, {"description": "of the office"})

    alice.cimi_edit(key, {"name": "desk"}, select="name,description")

    after = alice.cimi_get(key)["json"]
    assert after["name"] == "desk"
    assert "description" not in after


def test_document_one_may_only_read_cannot_be_edited_or_deleted(alice: Client) -> None:
    offer = alice.cimi_search("serviceOffers", filter=_VM, last=1)["resources"][0]["id"]

    for name, call in (("edit", alice.cimi_edit), ("delete", alice.cimi_delete)):
        with pytest.raises(ClientFailure, match=f"Operation '{name}' not found"):
            call(offer, {}) if name == "edit" else call(offer)


@pytest.mark.proves("get_cloud_credentials")
def test_cloud_credentials_are_those_of_the_user(alice: Client) -> None:
    found = alice.get_cloud_credentials()["resources"]

    assert {one["connector"]["href"] for one in found} == {
        "connector/exoscale-ch-gva",
        "connector/ec2-eu-west",
    }
    # The client leaves no blank before its "and", which the grammar allows.
    one = alice.get_cloud_credentials("connector/href='connector/ec2-eu-west'")["resources"]
    assert [credential["type"] for credential in one] == ["cloud-cred-ec2"]


def test_description_of_a_template_is_not_played(alice: Client) -> None:
    with pytest.raises(ClientFailure, match="is not played by this sandbox") as caught:
        alice.cimi_operation("session-template/internal", _DESCRIBE)

    assert caught.value.status == 501
