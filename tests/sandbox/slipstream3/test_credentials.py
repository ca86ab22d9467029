from __future__ import annotations

import re
from typing import Any

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

PUBLIC = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAYQC2pTCkSkvvUZWfIjyyGrg1wkyTtNRfmDSvmyxNFOvBOsk2V5G9WS"
    "3eEiSv/H2ojfUsWdV/3wXB2LBJqLsmZcXj9WfLWEzQ9EUsLP2dR8v7wZOnJHcnPzKzTyoP0L7r6wM= laptop"
)


def add(client: Client, method: str, name: str = "x", **fields: Any) -> tuple[int, Any]:
    template = {"href": f"credential-template/{method}", **fields}
    answer = client.post("/api/credential", json={"name": name, "credentialTemplate": template})
    return answer.status_code, answer.json()


def test_an_api_key_is_told_once_and_logs_in_until_it_expires(
    sandbox: Sandbox, alice: Client, nobody: Client
) -> None:
    status, told = add(alice, "generate-api-key", ttl=3600)
    assert status == 201
    assert re.fullmatch(r"\w{6}(\.\w{6}){4}", told["secretKey"])
    kept = alice.json(f"/api/{told['resource-id']}")
    assert kept["claims"] == {"identity": "alice", "roles": ["USER", "ANON"]}
    assert told["secretKey"] not in str(kept)
    login = {
        "href": "session-template/api-key",
        "key": told["resource-id"],
        "secret": told["secretKey"],
    }
    assert nobody.log_in(**login).status_code == 201
    sandbox.clock.advance(3601)
    assert nobody.log_in(**login).status_code == 403


def test_a_deleted_api_key_is_of_no_use(sandbox: Sandbox, alice: Client, bob: Client) -> None:
    assert bob.delete(f"/api/{sandbox.key}").status_code == 403
    assert alice.delete(f"/api/{sandbox.key}").status_code == 200
    login = {"href": "session-template/api-key", "key": sandbox.key, "secret": sandbox.secret}
    assert bob.log_in(**login).status_code == 403


@pytest.mark.parametrize("ttl", [-1, "x", True])
def test_a_bad_lifetime_is_refused(alice: Client, ttl: Any) -> None:
    assert add(alice, "generate-api-key", ttl=ttl)[0] == 400


def test_a_public_key_is_imported_with_its_fingerprint(alice: Client) -> None:
    status, told = add(alice, "import-ssh-public-key", publicKey=PUBLIC)
    kept = alice.json(f"/api/{told['resource-id']}")
    assert status == 201
    assert kept["algorithm"] == "rsa"
    assert re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){15}", kept["fingerprint"])
    assert kept["type"] == "ssh-public-key"


@pytest.mark.parametrize(
    "key",
    ["nonsense", "ssh-rsa !!", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc3M="],
)
def test_a_public_key_that_is_none_is_refused(alice: Client, key: str) -> None:
    status, told = add(alice, "import-ssh-public-key", publicKey=key)
    assert status == 400
    assert told["message"].startswith("error creating SSH public key credential: '")


def test_a_key_pair_is_generated_and_its_private_half_told_once(alice: Client) -> None:
    status, told = add(alice, "generate-ssh-key-pair")
    assert status == 201
    assert told["privateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    kept = alice.json(f"/api/{told['resource-id']}")
    assert kept["publicKey"].startswith("ssh-rsa ")
    assert "privateKey" not in kept
    assert add(alice, "generate-ssh-key-pair", algorithm="ed25519")[0] == 400


def test_a_cloud_account_configures_the_cloud_in_the_profile(alice: Client) -> None:
    cloud = "open-telekom-de1"
    fields: dict[str, Any] = {"key": "me", "secret": "pw"}
    fields |= {"connector": {"href": f"connector/{cloud}"}}
    status, told = add(alice, "store-cloud-cred-otc", **fields)
    assert status == 201
    found = alice.xml("/user/alice").find(f".//parameter[@name='{cloud}.username']/value")
    assert found is not None
    assert found.text == "me"
    edited = alice.put(f"/api/{told['resource-id']}", json={"key": "you"})
    assert edited.json()["key"] == "you"
    alice.delete(f"/api/{told['resource-id']}")
    gone = alice.xml("/user/alice").find(f".//parameter[@name='{cloud}.username']/value")
    assert gone is not None
    assert not gone.text


def test_configured_clouds_are_credentials_since_they_moved(
    alice: Client, old_alice: Client
) -> None:
    found = alice.json("/api/credential", filter="type^='cloud-cred'")["credentials"]
    assert {one["connector"]["href"] for one in found} == {
        "connector/exoscale-ch-gva",
        "connector/ec2-eu-west",
    }
    assert old_alice.json("/api/credential", filter="type^='cloud-cred'")["count"] == 0


def test_refusals_depend_on_the_version(alice: Client, old_alice: Client, nobody: Client) -> None:
    assert add(nobody, "generate-api-key")[0] == 403
    assert add(alice, "no-such")[0] == 400
    assert add(alice, "no-such")[1]["message"].startswith("requested href not found: ")
    assert add(old_alice, "no-such")[0] == 403
    assert add(alice, "generate-api-key", nonsense=1)[0] == 400
    assert alice.post("/api/credential", json={"name": "x"}).status_code == 400
    key = old_alice.sandbox.key
    assert old_alice.put(f"/api/{key}", json={"name": "new"}).status_code == 405
    assert alice.put(f"/api/{alice.sandbox.key}", json={"name": "new"}).json()["name"] == "new"


def test_a_cloud_account_needs_a_cloud(alice: Client) -> None:
    status, told = add(alice, "store-cloud-cred-otc", key="a", secret="b")
    assert (status, told["message"]) == (400, "requested href not found: ")
