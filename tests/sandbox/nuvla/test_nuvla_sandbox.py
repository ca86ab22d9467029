from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="slipstream and nuvla are"):
        Sandbox(family="cloudstack")


def test_the_journal_names_the_user(sandbox: Sandbox, alice: Client, nobody: Client) -> None:
    sandbox.journal.clear()
    alice.put("module", data={"last": "0"})
    nobody.get("module")
    search, anonymous = sandbox.journal
    assert (search.user, search.form, search.status) == ("alice", {"last": ["0"]}, 200)
    assert (anonymous.user, anonymous.status) == (None, 403)


def test_two_sandboxes_name_things_alike(sandbox: Sandbox, alice: Client) -> None:
    with Sandbox(family="nuvla") as other:
        assert Client(other, other.users["alice"]).module() == alice.module()


def test_claims_of_a_credential_are_not_edited(alice: Client) -> None:
    key = alice.sandbox.key
    edited = alice.edit(key, {"name": "renamed", "claims": {"identity": "group/nuvla-admin"}})
    assert edited["name"] == "renamed"
    assert edited["claims"]["identity"] == alice.world.user_id("alice")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "resource-metadata"), ("GET", "data-set"), ("POST", "module")),
        *(("PUT", "{module}"), ("POST", "{module}/publish"), ("POST", "{edge}/reboot")),
        *(("PATCH", "deployment/bulk-stop"), ("DELETE", "deployment-parameter")),
    ],
)
def test_what_nobody_needs_is_not_played(alice: Client, method: str, path: str) -> None:
    path = path.format(module=alice.module(), edge=alice.search("nuvlabox")["resources"][0]["id"])
    status, message = alice.refused(method, path, json={}, headers={"bulk": "true"})
    assert status == 501
    assert message.endswith(" is not played by this sandbox")
