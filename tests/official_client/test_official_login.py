"""SlipStream's own client logs in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Connect
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_DAY = 24 * 3600


@pytest.mark.proves("login_internal", "current_session", "username", "is_authenticated")
def test_user_name_and_password_open_a_session(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    answer = client.login_internal(sandbox.username, sandbox.password)

    session = client.current_session()
    assert answer["status"] == 201
    assert answer["headers"]["location"] == answer["json"]["resource-id"] == session
    assert client.is_authenticated() is True
    assert client.username() == sandbox.username
    sent = sandbox.journal.entries("POST", "/api/session")[0].json
    assert sent["sessionTemplate"] == {
        "href": "session-template/internal",
        "username": sandbox.username,
        "password": sandbox.password,
    }


@pytest.mark.proves("login_apikey", "username")
def test_api_key_opens_a_session_of_the_keys_owner(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    answer = client.login_apikey(sandbox.key, sandbox.secret)

    assert answer["status"] == 201
    assert client.username() == sandbox.username
    session = sandbox.world.store.get(client.current_session())
    assert session is not None
    assert session["sessionTemplate"] == {"href": "session-template/api-key"}


@pytest.mark.proves("login")
def test_login_by_parameters_sends_them_as_they_are(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    token = {"href": "session-template/mitreid-token", "token": sandbox.token}

    answer = client.login(token)

    assert answer["status"] == 201
    assert sandbox.journal[-1].json == {"sessionTemplate": token}
    assert client.username() == sandbox.username


@pytest.mark.proves("is_authenticated", "current_session", "username")
def test_nobody_is_logged_in_to_begin_with(connect: Connect) -> None:
    client = connect()

    assert client.is_authenticated() is False
    assert client.current_session() is None
    assert client.username() is None


def test_wrong_password_opens_no_session(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    answer = client.login_internal(sandbox.username, "wrong")

    assert answer["status"] == 403
    assert answer["json"]["message"] == f"invalid credentials for '{sandbox.username}'"
    assert client.is_authenticated() is False


def test_wrong_secret_opens_no_session(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    assert client.login_apikey(sandbox.key, "not.the.secret")["status"] == 403
    assert client.is_authenticated() is False


def test_unknown_way_to_log_in_is_not_found(connect: Connect) -> None:
    answer = connect().login({"href": "session-template/carrier-pigeon", "username": "alice"})

    assert answer["status"] == 404
    assert answer["json"]["message"] == "session-template/carrier-pigeon not found"


@pytest.mark.proves("logout")
def test_logout_deletes_the_session(alice: Client, sandbox: Sandbox) -> None:
    session = alice.current_session()

    alice.logout()

    assert sandbox.world.store.get(session) is None
    assert alice.is_authenticated() is False
    with pytest.raises(ClientFailure) as caught:
        alice.list_deployments()
    assert caught.value.status == 401


def test_cookie_file_carries_the_session_to_the_next_client(
    alice: Client, connect: Connect
) -> None:
    assert connect().current_session() == alice.current_session()


def test_session_ends_after_a_day(alice: Client, sandbox: Sandbox) -> None:
    sandbox.clock.advance(_DAY - 60)
    assert alice.list_deployments() == []

    sandbox.clock.advance(120)

    with pytest.raises(ClientFailure) as caught:
        alice.list_deployments()
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("path", "refused", "call", "args"),
    [
        pytest.param("/run", 401, "list_deployments", [], id="xml"),
        pytest.param("/api/connector", 403, "cimi_search", ["connectors"], id="json"),
    ],
)
def test_expired_session_is_renewed_where_that_was_asked_for(
    connect: Connect, sandbox: Sandbox, path: str, refused: int, call: str, args: list[str]
) -> None:
    credentials = {"username": sandbox.username, "password": sandbox.password}
    client = connect(reauthenticate=True, login_creds=credentials)
    client.login(credentials | {"href": "session-template/internal"})
    sandbox.clock.advance(_DAY + 60)
    sandbox.journal.clear()

    getattr(client, call)(*args)

    made = [(entry.path, entry.status) for entry in sandbox.journal]
    assert made[-3:] == [
        (path, refused),
        ("/api/session", 201),
        (path, 200),
    ]


def test_cookie_file_lies_in_the_home_folder_by_default(
    connect: Connect, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client = connect(cookie_file=None)

    client.login_internal(sandbox.username, sandbox.password)

    homes: list[Path] = list(tmp_path_factory.getbasetemp().glob("official-client*"))
    kept = [home / ".slipstream" / "cookies.txt" for home in homes]
    assert any("com.sixsq.slipstream.cookie\ttoken=" in one.read_text() for one in kept)


@pytest.mark.proves("login_internal")
def test_cookie_is_only_sent_over_plain_http_in_insecure_mode(
    connect: Connect, sandbox: Sandbox
) -> None:
    client = connect(insecure=False)
    client.login_internal(sandbox.username, sandbox.password)

    with pytest.raises(ClientFailure) as caught:
        client.list_deployments()

    assert caught.value.status == 401
