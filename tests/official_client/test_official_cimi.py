"""SlipStream's own client searches, adds, edits and deletes JSON documents."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure, Connect

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


def test_bad_filter_is_refused_with_the_servers_reason(alice: Client) -> None:
    with pytest.raises(ClientFailure, match="Invalid CIMI filter") as caught:
        alice.cimi_search("serviceOffers", filter="price:unitCost<0.5")

    assert (caught.value.kind, caught.value.status) == ("SlipStreamError", 400)


@pytest.mark.proves("cimi_get")
def test_document_is_read_whole_or_in_part(alice: Client) -> None:
    offer = alice.cimi_search("serviceOffers", filter=_VM, last=1)["resources"][0]

    assert alice.cimi_get(offer["id"])["json"] == offer
    part = alice.cimi_get(offer["id"], select=["id", "resource:ram"])["json"]
    assert part["resource:ram"] == offer["resource:ram"]
    assert set(part) - {"operations"} == {"id", "resource:ram", "resourceURI", "acl"}


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


@pytest.mark.proves("cimi_edit")
def test_edited_document_keeps_what_was_not_sent(alice: Client) -> None:
    key = alice.cimi_add("credentials", _api_key("laptop"))["json"]["resource-id"]
    before = alice.cimi_get(key)["json"]

    answer = alice.cimi_edit(key, {"description": "of the office"})["json"]

    after = alice.cimi_get(key)["json"]
    assert after == before | {"description": "of the office", "updated": after["updated"]}
    assert answer["description"] == "of the office"


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
