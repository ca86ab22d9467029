from __future__ import annotations

from datetime import UTC, datetime

from sandbox.client import NUVLA_COOKIE
from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Clock, Sandbox

WEEK = 7 * 24 * 3600


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


def test_the_session_ends_after_seven_days_and_nothing_says_so(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.clock.advance(WEEK - 1)
    assert alice.search("session")["count"] == 1
    sandbox.clock.advance(2)
    assert alice.search("session")["count"] == 0
    assert alice.refused("GET", "deployment") == (403, "credentials required")


def test_a_forged_token_is_nobodys(sandbox: Sandbox, nobody: Client) -> None:
    with Sandbox(family="nuvla") as other:
        token = Client(other, other.users["alice"]).http.cookies[NUVLA_COOKIE]
    for value in (token, "nonsense", token[:-8] + "AAAAAAAA"):
        answer = nobody.get("deployment", headers={"Cookie": f"{NUVLA_COOKIE}={value}"})
        assert answer.status_code == 403


class TestTheSecondFactor:
    def ask(self, nobody: Client) -> str:
        login = nobody.sandbox.users["carol"]
        answer = nobody.log_in(username="carol", password=login.password)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert answer.json()["message"] == "Authorization code requested"
        assert answer.json()["location"] == answer.headers["Location"]
        address = str(answer.headers["Location"])
        assert address.startswith(nobody.sandbox.url)
        return address.partition("/api/")[2]

    def test_two_minutes_end_it(self, sandbox: Sandbox, nobody: Client) -> None:
        callback = self.ask(nobody)
        sandbox.clock.advance(120)
        code = nobody.world.two_factor_code("carol")
        assert nobody.post(callback, json={"token": code}).status_code == 409


class TestActingForAGroup:
    def session(self, client: Client) -> str:
        return str(client.search("session")["resources"][0]["id"])

    def test_groups_are_a_tree(self, alice: Client) -> None:
        user = alice.world.user_id("alice")
        alice.world.document(
            "group",
            "group/acme",
            id="group/crew",
            name="Crew",
            users=[user],
            parents=["group/acme"],
        )
        (acme,) = alice.read(f"{self.session(alice)}/get-groups")
        assert (acme["id"], acme["name"]) == ("group/acme", "ACME")
        assert [item["id"] for item in acme["children"]] == ["group/crew"]
        path = f"{self.session(alice)}/switch-group"
        switched = alice.post(path, json={"claim": "group/acme", "extended": True}).json()
        assert "group/crew" in switched["roles"].split()
