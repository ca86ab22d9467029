"""Nuvla's own client logs in, and acts for a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from driving import Client, ClientFailure, Connect

from slipstream.sandbox import Sandbox

_GROUP = "group/acme"
_LOGINS: dict[str, tuple[str, Callable[[Client, Sandbox], Any]]] = {
    "password": ("password", lambda c, s: c.login_password(s.username, s.password)),
    "password by its old name": (
        "password",
        lambda c, s: c.login_internal(s.username, s.password),
    ),
    "API key": ("api-key", lambda c, s: c.login_apikey(s.key, s.secret)),
    "parameters": (
        "password",
        lambda c, s: c.login(
            {
                "href": "session-template/password",
                "username": s.username,
                "password": s.password,
            }
        ),
    ),
}


@pytest.mark.parametrize("call", _LOGINS)
def test_login(call: str, connect: Connect, sandbox: Sandbox) -> None:
    method, log_in = _LOGINS[call]
    client = connect()
    assert client.is_authenticated() is False

    response = log_in(client, sandbox)

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


@pytest.mark.parametrize("method", ["password", "api-key"])
def test_login_of_a_user_view(method: str, connect: Connect, sandbox: Sandbox) -> None:
    user = connect().of("User")
    is_key = method == "api-key"
    login = (sandbox.key, sandbox.secret) if is_key else (sandbox.username, sandbox.password)

    client = user.login(*login)

    assert client.get(client.current_session()).data["method"] == method
    assert user.current_session()["id"] == user.current_session_id()
    # The client's own opinion: the server would let both of them.
    assert user.can_switch_groups() is not is_key
    user.logout()
    assert user.current_session_id() is None
    with pytest.raises(ClientFailure, match="No session found"):
        user.current_session()


def test_client_acts_for_a_group(connect: Connect, sandbox: Sandbox, wordpress: str) -> None:
    user = connect().of("User")
    user.login(sandbox.username, sandbox.password)

    client = user.switch_group(_GROUP)

    assert user.current_session()["active-claim"] == _GROUP
    blog = client.add("deployment", {"module": {"href": wordpress}}).data["resource-id"]
    assert client.get(blog).data["owner"] == _GROUP

    user.switch_group(sandbox.world.user_id(sandbox.username))
    assert user.current_session()["active-claim"] == sandbox.world.user_id(sandbox.username)
