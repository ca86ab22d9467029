"""Nuvla's own client logs in, and acts for a group."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure, Connect

from slipstream.sandbox import Sandbox

_GROUP = "group/acme"


@pytest.mark.parametrize("method", ["password", "api-key"])
def test_login(method: str, connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    assert client.is_authenticated() is False

    if method == "password":
        response = client.login_password(sandbox.username, sandbox.password)
    else:
        response = client.login_apikey(sandbox.key, sandbox.secret)

    assert response["status"] == 201
    assert response["json"]["resource-id"] == client.current_session()
    assert client.is_authenticated() is True
    [session] = client.search("session").data["resources"]
    assert session == client.get(client.current_session()).data
    assert session["method"] == method
    assert session["user"] == sandbox.world.user_id(sandbox.username)


def test_logout_deletes_the_session(alice: Client, sandbox: Sandbox) -> None:
    session = alice.current_session()

    alice.logout()

    assert sandbox.world.store.get(session) is None
    assert alice.is_authenticated() is False
    with pytest.raises(ClientFailure, match="credentials required") as caught:
        alice.search("deployment")
    assert caught.value.status == 403


def test_client_acts_for_a_group(connect: Connect, sandbox: Sandbox, wordpress: str) -> None:
    user = connect().of("User")
    user.login(sandbox.username, sandbox.password)

    client = user.switch_group(_GROUP)

    assert user.current_session()["active-claim"] == _GROUP
    blog = client.add("deployment", {"module": {"href": wordpress}}).data["resource-id"]
    assert client.get(blog).data["owner"] == _GROUP

    user.switch_group(sandbox.world.user_id(sandbox.username))
    assert user.current_session()["active-claim"] == sandbox.world.user_id(sandbox.username)
