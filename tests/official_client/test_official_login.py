"""SlipStream's own client logs in and out, and no call of it is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import Client, ClientFailure, Connect, Official, interpreter, proven

from slipstream.sandbox import Sandbox

_DAY = 24 * 3600
_SKIP = {"SLIPSTREAM_SKIP_OFFICIAL_CLIENT": "1"}
# What a server of the client's own version does not answer, and why.
_CANNOT_WORK = {
    "list_virtualmachines": "the server dropped /vms with v3.62",
}
# What the real server answers and the sandbox does not: it answers 501.
_NOT_PLAYED = {
    "add_node_instances",
    "build_component",
    "cimi_operation",
    "create_user",
    "list_users",
    "publish",
    "remove_node_instances",
    "unpublish",
    "update_component",
    "usage",
}


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


@pytest.mark.proves("logout")
def test_logout_deletes_the_session(alice: Client, sandbox: Sandbox) -> None:
    session = alice.current_session()

    alice.logout()

    assert sandbox.world.store.get(session) is None
    assert alice.is_authenticated() is False
    with pytest.raises(ClientFailure) as caught:
        alice.list_deployments()
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "environ",
    [pytest.param({}, id="anywhere"), pytest.param(_SKIP | {"CI": "true"}, id="in-ci")],
)
def test_missing_client_fails_and_names_the_remedy(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(pytest.fail.Exception, match="make official-client"):
        interpreter(tmp_path / "python", environ)


def test_missing_client_is_skipped_where_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="make official-client"):
        interpreter(tmp_path / "python", _SKIP)


def test_client_is_the_last_one_that_was_published(official: Official) -> None:
    assert official.version() == "3.71.1"


def test_public_call_works_or_is_listed(official: Official) -> None:
    public = official.public()
    works = proven(Path(__file__).parent)

    assert len(public) >= 40
    assert works | set(_CANNOT_WORK) | _NOT_PLAYED == public
    assert not works & (set(_CANNOT_WORK) | _NOT_PLAYED)
