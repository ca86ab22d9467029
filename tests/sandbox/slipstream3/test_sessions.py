from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.client import COOKIE, Client
from slipstream.sandbox import Clock, Sandbox

COOKIE_SHAPE = re.compile(
    rf"{re.escape(COOKIE)}=token=[\w-]+\.[\w-]+\.[\w-]+;Secure;Path=/;Expires=(.+)"
)


def claims(cookie: str) -> dict[str, Any]:
    body = cookie.partition("token=")[2].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def internal(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    fields = {"username": sandbox.username, "password": sandbox.password, **changes}
    return {"href": "session-template/internal", **fields}


def post(client: Client, template: Any, **others: Any) -> tuple[int, Any]:
    answer = client.post("/api/session", json={"sessionTemplate": template, **others})
    return answer.status_code, answer.json()


def test_a_login_answers_with_a_bare_id_and_the_cookie(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.post("/api/session", json={"sessionTemplate": internal(sandbox)})
    told = answer.json()
    identifier = answer.headers["Location"]
    assert answer.status_code == 201
    assert re.fullmatch(r"session/[0-9a-f-]{36}", identifier)
    assert told == {
        "status": 201,
        "message": f"{identifier} created",
        "resource-id": identifier,
    }
    cookie = answer.headers["Set-Cookie"]
    shape = COOKIE_SHAPE.fullmatch(cookie)
    assert shape
    assert shape[1].endswith("+0000")
    said = claims(cookie)
    assert said["username"] == "alice"
    assert said["roles"] == f"USER ANON {identifier}"
    assert said["session"] == identifier
    day = sandbox.clock.now() + timedelta(days=1)
    assert said["exp"] == int(day.timestamp())


def test_a_token_of_a_provider_logs_in(sandbox: Sandbox, nobody: Client) -> None:
    wrong = {"href": "session-template/mitreid-token", "token": "x"}
    assert post(nobody, wrong)[0] == 403
    assert nobody.log_in(href="session-template/mitreid-token", token=sandbox.token).ok
    assert nobody.get("/user/alice").status_code == 200


def test_what_is_left_out_is_taken_from_the_template(sandbox: Sandbox, nobody: Client) -> None:
    no_password = {"href": "session-template/internal", "username": "alice"}
    assert post(nobody, no_password)[1]["message"] == "invalid credentials for 'alice'"
    no_name = {"href": "session-template/internal", "password": "x"}
    assert post(nobody, no_name)[1]["message"] == "invalid credentials for 'username'"
    sandbox.world.accounts["alice"].password = "password"
    assert post(nobody, no_password)[0] == 201


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
