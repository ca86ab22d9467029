from __future__ import annotations

from datetime import timedelta

import jwt
import pytest

from sandbox.client import COOKIE, Client
from slipstream.sandbox import Sandbox

INTERNAL = {"href": "session-template/internal"}


def test_a_login_has_a_token_for_a_day(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.log_in(**INTERNAL, username="alice", password=sandbox.password)
    identifier, cookie = answer.headers["Location"], answer.headers["Set-Cookie"]
    value = cookie.partition("token=")[2].partition(";")[0]
    assert cookie.startswith(f"{COOKIE}=token={value};Secure;Path=/;Expires=")
    token = jwt.decode(value, options={"verify_signature": False})
    day = sandbox.clock.now() + timedelta(days=1)
    assert (token["username"], token["session"]) == ("alice", identifier)
    assert token["roles"] == f"USER ANON {identifier}"
    assert token["exp"] == int(day.timestamp())


def test_a_token_of_a_provider_logs_in(sandbox: Sandbox, nobody: Client) -> None:
    template = {"href": "session-template/mitreid-token"}
    assert nobody.log_in(**template, token="x").status_code == 403
    assert nobody.log_in(**template, token=sandbox.token).ok
    assert nobody.get("/user/alice").status_code == 200


def test_what_is_left_out_is_taken_from_the_template(sandbox: Sandbox, nobody: Client) -> None:
    for fields, name in (({"username": "alice"}, "alice"), ({"password": "x"}, "username")):
        refusal = f"invalid credentials for '{name}'"
        assert nobody.log_in(**INTERNAL, **fields).json()["message"] == refusal
    sandbox.world.accounts["alice"].password = "password"
    assert nobody.log_in(**INTERNAL, username="alice").status_code == 201


def test_a_deleted_session_leaves_the_token_good(alice: Client, bob: Client) -> None:
    identifier = alice.json("/api/session")["sessions"][0]["id"]
    assert bob.delete(f"/api/{identifier}").status_code == 403
    answer = alice.delete(f"/api/{identifier}")
    assert answer.status_code == 200
    assert answer.json()["message"] == f"{identifier} deleted"
    assert f"{COOKIE}=INVALID;Path=/;Max-Age=0;" in answer.headers["Set-Cookie"]
    alice.sandbox.clock.advance(1)
    assert alice.json("/api/session")["count"] == 0
    assert alice.get("/user/alice").status_code == 200
    assert alice.delete(f"/api/{identifier}").status_code == 404


@pytest.mark.parametrize("cookie", ["INVALID", "token=a.b.c", "token=e30.e30.AAAA", "token=.."])
def test_a_forged_cookie_is_nobodys(nobody: Client, cookie: str) -> None:
    nobody.http.headers["Cookie"] = f"{COOKIE}={cookie}"
    assert nobody.json("/api/session")["count"] == 0
    assert nobody.get("/run").status_code == 401
