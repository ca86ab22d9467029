from __future__ import annotations

from datetime import UTC, datetime

from sandbox.client import NUVLA_COOKIE
from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Clock, Sandbox


def test_behind_https_the_cookie_is_for_https_alone(sandbox: Sandbox, nobody: Client) -> None:
    template = {"href": "session-template/password", "username": sandbox.username}
    answer = nobody.post(
        "session",
        json={"template": {**template, "password": sandbox.password}},
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nuvla.example.org"},
    )
    assert "; Secure; Path=/" in answer.headers["Set-Cookie"]


def test_a_day_below_ten_is_written_with_one_digit() -> None:
    clock = Clock(speed=0, start=datetime(2025, 8, 26, 14, 16, 34, tzinfo=UTC))
    with Sandbox(family="nuvla", clock=clock) as sandbox:
        login = sandbox.users["alice"]
        answer = Client(sandbox).log_in(username=login.username, password=login.password)
    assert answer.headers["Set-Cookie"].endswith("Expires=Tue, 2 Sep 2025 14:16:34 GMT")


def test_a_forged_token_is_nobodys(sandbox: Sandbox, nobody: Client) -> None:
    with Sandbox(family="nuvla") as other:
        token = Client(other, other.users["alice"]).http.cookies[NUVLA_COOKIE]
    for value in (token, token[:-8] + "AAAAAAAA"):
        answer = nobody.get("deployment", headers={"Cookie": f"{NUVLA_COOKIE}={value}"})
        assert answer.status_code == 403


def test_two_minutes_end_a_login_with_a_second_factor(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.log_in(username="carol", password=sandbox.users["carol"].password)
    callback = str(answer.headers["Location"]).partition("/api/")[2]
    sandbox.clock.advance(120)
    code = nobody.world.two_factor_code("carol")
    assert nobody.post(callback, json={"token": code}).status_code == 409


def test_groups_are_a_tree(alice: Client) -> None:
    users, parents = [alice.world.user_id("alice")], ["group/acme"]
    fields = {"id": "group/crew", "name": "Crew", "users": users, "parents": parents}
    alice.world.document("group", "group/acme", **fields)
    session = str(alice.search("session")["resources"][0]["id"])
    (acme,) = alice.read(f"{session}/get-groups")
    assert (acme["id"], acme["name"]) == ("group/acme", "ACME")
    assert [item["id"] for item in acme["children"]] == ["group/crew"]
    body = {"claim": "group/acme", "extended": True}
    switched = alice.post(f"{session}/switch-group", json=body).json()
    assert "group/crew" in switched["roles"].split()
