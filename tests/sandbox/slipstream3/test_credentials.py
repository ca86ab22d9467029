from __future__ import annotations

import re
from typing import Any

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox


def add(client: Client, method: str, name: str = "x", **fields: Any) -> tuple[int, Any]:
    template = {"href": f"credential-template/{method}", **fields}
    answer = client.post("/api/credential", json={"name": name, "credentialTemplate": template})
    return answer.status_code, answer.json()


def test_secret_of_an_api_key_is_shown_once_and_logs_in_until_it_expires(
    sandbox: Sandbox, alice: Client, nobody: Client
) -> None:
    status, document = add(alice, "generate-api-key", ttl=3600)
    key, secret = document["resource-id"], document["secretKey"]
    assert status == 201
    assert re.fullmatch(r"\w{6}(\.\w{6}){4}", secret)
    stored = alice.json(f"/api/{key}")
    assert stored["claims"] == {"identity": "alice", "roles": ["USER", "ANON"]}
    assert secret not in str(stored)
    login = {"href": "session-template/api-key", "key": key, "secret": secret}
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


def test_only_api_keys_are_added(alice: Client) -> None:
    assert add(alice, "import-ssh-public-key")[0] == 501


def test_cloud_account_that_is_deleted_leaves_the_profile(alice: Client) -> None:
    query = 'type^="cloud-cred" and connector/href="connector/ec2-eu-west"'
    (credential,) = alice.json("/api/credential", filter=query)["credentials"]
    assert alice.put(f"/api/{credential['id']}", json={"key": "x"}).status_code == 501
    assert alice.delete(f"/api/{credential['id']}").status_code == 200
    value = alice.sandbox.world.accounts["alice"].value("ec2-eu-west.access.id")
    assert value == ""
