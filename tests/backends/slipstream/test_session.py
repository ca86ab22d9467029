from __future__ import annotations

import json

import pytest

from slipstream.libcloud.errors import RequestFailed
from slipstream.sandbox import Sandbox

from .support import JSON, Driver, Login, logins


def test_session_is_not_renewed_for_a_refusal_in_json(driver: Driver, sandbox: Sandbox) -> None:
    body = json.dumps({"status": 403, "message": "credentials required"})
    sandbox.faults.add("PUT", "/api/service-offer", status=403, body=body, headers=JSON)
    with pytest.raises(RequestFailed, match="credentials required") as caught:
        driver.list_sizes()
    assert caught.value.http_code == 403
    assert logins(sandbox) == 0
    assert len(sandbox.journal.entries("PUT", "/api/service-offer")) == 1


def test_session_of_an_api_key_knows_whose_profile_it_is(login: Login, sandbox: Sandbox) -> None:
    user = sandbox.users["bob"]
    login(user.key, user.secret).list_key_pairs()
    assert sandbox.journal[-1].path == "/user/bob"
