"""SlipStream's own client logs in and out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import Client, Connect, interpreter

from slipstream.sandbox import Sandbox

_SKIP = {"SLIPSTREAM_SKIP_OFFICIAL_CLIENT": "1"}
_LOGINS: dict[str, tuple[Callable[[Client, Sandbox], dict[str, object]], ...]] = {
    "internal": (
        lambda client, s: client.login_internal(s.username, s.password),
        lambda s: {"username": s.username, "password": s.password},
    ),
    "api-key": (
        lambda client, s: client.login_apikey(s.key, s.secret),
        lambda s: {"key": s.key, "secret": s.secret},
    ),
    "mitreid-token": (
        lambda client, s: client.login(
            {"href": "session-template/mitreid-token", "token": s.token}
        ),
        lambda s: {"token": s.token},
    ),
}


@pytest.mark.parametrize("method", _LOGINS)
def test_login(method: str, connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    assert client.is_authenticated() is False
    assert client.current_session() is client.username() is None
    log_in, fields = _LOGINS[method]

    response = log_in(client, sandbox)

    session = client.current_session()
    assert response["status"] == 201
    assert response["headers"]["location"] == response["json"]["resource-id"] == session
    assert client.is_authenticated() is True
    assert client.username() == sandbox.username
    template = {"href": f"session-template/{method}"}
    assert sandbox.world.store.get(session)["sessionTemplate"] == template
    sent = sandbox.journal.entries("POST", "/api/session")[0].json
    assert sent["sessionTemplate"] == template | fields(sandbox)


@pytest.mark.parametrize(
    ("environ", "outcome"),
    [
        ({}, pytest.fail.Exception),
        (_SKIP | {"CI": "true"}, pytest.fail.Exception),
        (_SKIP, pytest.skip.Exception),
    ],
    ids=["anywhere", "in-ci", "skipped"],
)
def test_missing_client_fails_unless_it_may_be_skipped(
    tmp_path: Path, environ: dict[str, str], outcome: type[BaseException]
) -> None:
    with pytest.raises(outcome, match="make official-client"):
        interpreter(tmp_path / "python", environ)
