"""SlipStream's own client logs in and out."""

from __future__ import annotations

import pytest
from driving import Client

from slipstream.sandbox import Sandbox


@pytest.mark.parametrize("method", ["internal", "api-key", "mitreid-token"])
def test_login(method: str, client: Client, sandbox: Sandbox) -> None:
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
