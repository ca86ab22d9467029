"""SlipStream's own client reads and changes users."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure

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


@pytest.mark.proves("get_user")
def test_privileged_user_reads_anyones_profile(root: Client) -> None:
    assert root.get_user()["privileged"] is True
    assert root.get_user("bob")["email"] == "bob@example.org"


@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("nobody", 404)])
def test_profile_that_cannot_be_read_says_why(
    alice: Client, root: Client, name: str, status: int
) -> None:
    reader = alice if status == 403 else root

    with pytest.raises(ClientFailure) as caught:
        reader.get_user(name)

    assert caught.value.status == status


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


@pytest.mark.proves("update_user")
def test_profile_is_updated_as_text(alice: Client) -> None:
    alice.update_user(
        email="alice@example.com",
        first_name="Alicia",
        last_name="M\u00fcller & Sons",
        organization="<None>",
        default_cloud="ec2-eu-west",
        default_keep_running="always",
        execution_timeout="45",
        log_verbosity="3",
        usage_email="daily",
        cloud_parameters={"open-telekom-de1": {"username": "me", "password": "mine"}},
    )

    user = alice.get_user()
    assert (user["email"], user["first_name"]) == ("alice@example.com", "Alicia")
    assert (user["last_name"], user["organization"]) == ("M\u00fcller & Sons", "<None>")
    assert (user["default_cloud"], user["keep_running"]) == ("ec2-eu-west", "always")
    assert user["timeout"] == "45"
    assert "open-telekom-de1" in user["configured_clouds"]
    assert "open-telekom-de1" in [
        one["name"] for one in alice.get_cloud_credentials()["resources"]
    ]


@pytest.mark.proves("update_user")
def test_new_password_is_the_one_that_logs_in(alice: Client, sandbox: Sandbox) -> None:
    alice.update_user(password="a new one")

    assert alice.login_internal(sandbox.username, sandbox.password)["status"] == 403
    assert alice.login_internal(sandbox.username, "a new one")["status"] == 201


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        pytest.param(
            {"roles": "tester"},
            403,
            "Only super users are authorized to update roles!",
            id="roles",
        ),
        pytest.param({"first_name": ""}, 409, "irst", id="empty-name"),
        pytest.param({"privileged": "true"}, 403, "super", id="privilege"),
    ],
)
def test_refused_update_tells_the_servers_reason(
    alice: Client, sandbox: Sandbox, change: dict[str, str], status: int, reason: str
) -> None:
    before = alice.get_user()

    with pytest.raises(ClientFailure, match=reason) as caught:
        alice.update_user(**change)

    assert caught.value.kind == "SlipStreamError"
    assert sandbox.journal[-1].status == status
    assert alice.get_user() == before


def test_number_leaves_the_client_as_a_parameter_of_its_first_digit(
    alice: Client, sandbox: Sandbox
) -> None:
    # For the same reason 45 becomes a parameter "4" that is "5".
    alice.update_user(execution_timeout=45)

    sent = sandbox.journal.entries("PUT", "/user/alice")[-1].body
    assert b'name="4"' in sent
