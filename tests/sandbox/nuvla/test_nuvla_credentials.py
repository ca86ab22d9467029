from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from sandbox.nuvla.client import Client
from slipstream.sandbox import Sandbox

SSH = "credential-template/generate-ssh-key"
API = "credential-template/generate-api-key"


def test_a_generated_private_key_is_told_once(alice: Client) -> None:
    made = alice.post("credential", json={"name": "new", "template": {"href": SSH}}).json()
    private = load_pem_private_key(made["private-key"].encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert public.decode() == made["public-key"]
    assert made["private-key"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    kept = alice.read(made["resource-id"])
    assert (kept["name"], kept["subtype"]) == ("new", "ssh-key")
    assert kept["public-key"] == made["public-key"]
    assert "private-key" not in kept


def test_an_imported_key_is_kept_unread_with_its_private_half(alice: Client) -> None:
    template = {"href": SSH, "public-key": "whatever", "private-key": "deep secret"}
    made = alice.post("credential", json={"template": template}).json()
    assert (made["public-key"], made["private-key"]) == ("whatever", "deep secret")
    assert alice.read(made["resource-id"])["private-key"] == "deep secret"
    template.pop("private-key")
    made = alice.post("credential", json={"template": template}).json()
    assert "private-key" not in made


def test_an_api_key_is_told_once_and_ends_in_time(sandbox: Sandbox, alice: Client) -> None:
    made = alice.post("credential", json={"template": {"href": API, "ttl": 60}}).json()
    assert re.fullmatch(r"([a-zA-Z2-9]{6}\.){4}[a-zA-Z2-9]{6}", made["secret-key"])
    kept = alice.read(made["resource-id"])
    assert "secret-key" not in kept
    assert kept["claims"]["identity"] == alice.world.user_id("alice")
    machine = Client(sandbox)
    fields = {"key": made["resource-id"], "secret": made["secret-key"]}
    assert machine.log_in("api-key", **fields).status_code == 201
    sandbox.clock.advance(60)
    assert machine.log_in("api-key", **fields).status_code == 403


def test_without_a_time_an_api_key_never_ends(alice: Client) -> None:
    made = alice.post("credential", json={"template": {"href": API, "ttl": 0}}).json()
    assert "expiry" not in alice.read(made["resource-id"])


def test_claims_are_not_edited(alice: Client) -> None:
    key = alice.sandbox.key
    edited = alice.edit(key, {"name": "renamed", "claims": {"identity": "group/nuvla-admin"}})
    assert edited["name"] == "renamed"
    assert edited["claims"]["identity"] == alice.world.user_id("alice")


def test_a_deleted_key_logs_nobody_in(sandbox: Sandbox, alice: Client) -> None:
    answer = alice.delete(sandbox.key)
    assert answer.json()["message"] == f"{sandbox.key} deleted"
    assert Client(sandbox).log_in("api-key", key=sandbox.key, secret=sandbox.secret).status_code
    assert not Client(sandbox).log_in("api-key", key=sandbox.key, secret=sandbox.secret).ok


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "cannot validate CredentialTemplate"),
        ({"template": {"ttl": 3}}, "cannot validate CredentialTemplate"),
        ({"template": {"href": "credential-template/amazon"}}, "requested href not found"),
        ({"template": {"href": "generate-ssh-key"}}, "requested href not found"),
        ({"template": {"href": SSH, "size": 1}}, ":size"),
        ({"template": {"href": API, "ttl": -1}}, "ttl"),
    ],
)
def test_a_bad_template_is_refused(alice: Client, body: dict[str, Any], words: str) -> None:
    status, message = alice.refused("POST", "credential", json=body)
    assert status == 400
    assert words in message


def test_a_credential_of_a_service_is_checked_by_a_job(sandbox: Sandbox, alice: Client) -> None:
    (service,) = alice.found("infrastructure-service", "name='swarm-lausanne'")
    template = {
        "href": "credential-template/infrastructure-service-swarm",
        "ca": "a",
        "cert": "b",
        "key": "c",
        "parent": service["id"],
    }
    credential = alice.added("credential", {"name": "mine", "template": template})
    assert "status" not in alice.read(credential)
    alice.act(f"{credential}/check")
    sandbox.clock.advance(60)
    assert alice.read(credential)["status"] == "VALID"
    assert alice.read(credential)["parent"] == service["id"]


def test_places_to_deploy_are_found_by_a_list(alice: Client) -> None:
    text = "subtype=['infrastructure-service-swarm','infrastructure-service-kubernetes']"
    found = alice.found("credential", text, select="name,parent")
    assert len(found) == 5
    assert {"id", "name", "parent"} == set(found[0])


def test_a_credential_may_be_added_by_a_test(sandbox: Sandbox, alice: Client) -> None:
    (service,) = alice.found("infrastructure-service", "name='k8s-lausanne'")
    sandbox.world.add_credential(service["id"], name="second")
    found = alice.found("credential", f"parent='{service['id']}'")
    assert {one["subtype"] for one in found} == {"infrastructure-service-kubernetes"}
    assert len(found) == 2
