"""SlipStream's own client reads and changes users."""

from __future__ import annotations

import pytest
from driving import Client

from slipstream.sandbox import Sandbox

_NEW_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC1 alice@new"


@pytest.mark.proves("get_user")
def test_user_reads_own_profile(alice: Client) -> None:
    user = alice.get_user()

    assert (user["username"], user["email"]) == ("alice", "alice@example.org")
    assert (user["first_name"], user["last_name"]) == ("Alice", "Martin")
    assert user["organization"] == "ACME"
    assert user["privileged"] is False
    assert user["configured_clouds"] == {"exoscale-ch-gva", "ec2-eu-west"}
    assert user["default_cloud"] == "exoscale-ch-gva"
    assert (user["keep_running"], user["timeout"]) == ("on-success", "30")
    assert [key.split()[0] for key in user["ssh_public_keys"]] == ["ssh-rsa", "ssh-rsa"]
    assert user["active_since"] == "1970-01-01 00:00:00.0 UTC"


@pytest.mark.proves("update_user")
def test_key_pair_reaches_the_profile_and_nothing_else_is_lost(
    alice: Client, sandbox: Sandbox
) -> None:
    before = alice.get_user()
    keys = [*before["ssh_public_keys"], _NEW_KEY]

    assert alice.update_user(ssh_public_keys="\n".join(keys)) is True

    assert alice.get_user() == before | {"ssh_public_keys": keys}
    assert alice.get_user()["ssh_public_keys"][-1] == _NEW_KEY
    sent = sandbox.journal.entries("PUT", "/user/alice")[0]
    assert (sent.status, b"roles=" in sent.body) == (202, False)
    login = alice.login_internal(sandbox.username, sandbox.password)
    assert login["status"] == 201
