"""SlipStream's own client logs in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import Connect, interpreter

from slipstream.sandbox import Sandbox

_SKIP = {"SLIPSTREAM_SKIP_OFFICIAL_CLIENT": "1"}


@pytest.mark.parametrize("method", ["internal", "api-key", "mitreid-token"])
def test_login(method: str, connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    assert client.is_authenticated() is False
    assert client.current_session() is client.username() is None

    if method == "internal":
        response = client.login_internal(sandbox.username, sandbox.password)
    elif method == "api-key":
        response = client.login_apikey(sandbox.key, sandbox.secret)
    else:
        response = client.login({"href": f"session-template/{method}", "token": sandbox.token})

    session = client.current_session()
    assert response["status"] == 201
    assert response["headers"]["location"] == response["json"]["resource-id"] == session
    assert client.is_authenticated() is True
    assert client.username() == sandbox.username
    stored = sandbox.world.store.get(session)
    assert stored["sessionTemplate"] == {"href": f"session-template/{method}"}


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
