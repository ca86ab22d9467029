from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from sandbox.client import COOKIE, Client
from slipstream.sandbox import Clock, Sandbox

INTERNAL = {"href": "session-template/internal"}
COOKIE_SHAPE = re.compile(
    rf"{re.escape(COOKIE)}=token=[\w-]+\.[\w-]+\.[\w-]+;Secure;Path=/;Expires=.+\+0000"
)


def test_a_login_answers_with_a_bare_id_and_the_cookie(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.log_in(**INTERNAL, username="alice", password=sandbox.password)
    identifier = answer.headers["Location"]
    assert re.fullmatch(r"session/[0-9a-f-]{36}", identifier)
    message = {"message": f"{identifier} created", "resource-id": identifier}
    assert answer.json() == {"status": answer.status_code, **message}
    cookie = answer.headers["Set-Cookie"]
    assert COOKIE_SHAPE.fullmatch(cookie)
    value = cookie.partition("token=")[2].partition(";")[0]
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


def test_a_session_lasts_a_day_and_no_longer(sandbox: Sandbox, alice: Client) -> None:
    sandbox.clock.advance(24 * 3600 - 1)
    assert alice.get("/run").status_code == 200
    sandbox.clock.advance(2)
    assert alice.get("/run").status_code == 401
    answer = alice.get("/api/service-offer")
    assert (answer.status_code, answer.json()["message"]) == (403, "credentials required")


@pytest.mark.parametrize(
    "cookie", ["INVALID", "token=", "token=a.b.c", "token=e30.e30.AAAA", "token=.."]
)
def test_a_forged_cookie_is_nobodys(nobody: Client, cookie: str) -> None:
    nobody.http.headers["Cookie"] = f"{COOKIE}={cookie}"
    assert nobody.json("/api/session")["count"] == 0
    assert nobody.get("/run").status_code == 401


def test_the_clock_of_the_sandbox_ends_sessions_not_the_real_one() -> None:
    past = Clock(speed=0, start=datetime(2017, 10, 13, 17, tzinfo=UTC))
    with Sandbox(clock=past) as sandbox:
        assert Client(sandbox, sandbox.users["alice"]).get("/run").status_code == 200
