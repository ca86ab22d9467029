from __future__ import annotations

import re

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from sandbox.client import NuvlaClient as Client
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


def test_claims_are_not_edited(alice: Client) -> None:
    key = alice.sandbox.key
    edited = alice.edit(key, {"name": "renamed", "claims": {"identity": "group/nuvla-admin"}})
    assert edited["name"] == "renamed"
    assert edited["claims"]["identity"] == alice.world.user_id("alice")


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
