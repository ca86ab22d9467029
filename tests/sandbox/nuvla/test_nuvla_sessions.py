from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from sandbox.nuvla.client import COOKIE, Client
from slipstream.sandbox import Clock, Sandbox

WEEK = 7 * 24 * 3600


def test_a_login_gives_a_cookie_that_http_clients_send_back(
    sandbox: Sandbox, nobody: Client
) -> None:
    answer = nobody.log_in(username=sandbox.username, password=sandbox.password)
    session = answer.json()["resource-id"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == session
    assert answer.json() == {
        "status": 201,
        "message": f"{session} created",
        "resource-id": session,
    }
    assert re.fullmatch(
        rf"{COOKIE}=[\w.-]+; Path=/; HttpOnly; "
        r"Expires=\w{3}, \d+ \w{3} \d{4} [\d:]+ GMT",
        answer.headers["Set-Cookie"],
    )
    assert nobody.search("session")["resources"][0]["id"] == session


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


def test_an_api_key_logs_in_with_or_without_its_type(sandbox: Sandbox, nobody: Client) -> None:
    bare = sandbox.key.removeprefix("credential/")
    dotless = sandbox.secret.replace(".", "")
    assert nobody.log_in("api-key", key=bare, secret=dotless).status_code == 201
    session = nobody.search("session")["resources"][0]
    assert session["identifier"] == session["user"] == sandbox.world.user_id("alice")
    assert session["method"] == "api-key"


def test_a_login_may_come_as_a_form(sandbox: Sandbox, nobody: Client) -> None:
    fields = {"href": "session-template/password", "username": "alice"}
    form = {**fields, "password": sandbox.password}
    assert nobody.post("session", data=form).status_code == 201


def test_a_session_carries_the_name_it_was_given(sandbox: Sandbox, nobody: Client) -> None:
    template = {"href": "session-template/password", "username": "alice"}
    body = {"name": "mine", "template": {**template, "password": sandbox.password}}
    assert nobody.read(nobody.added("session", body))["name"] == "mine"


@pytest.mark.parametrize(
    ("template", "status", "words"),
    [
        ({"href": "session-template/password", "username": "alice"}, 403, "for 'alice'"),
        ({"href": "session-template/password"}, 403, "for 'username'"),
        ({"href": "session-template/api-key", "key": "x"}, 403, "for 'credential/x'"),
        ({"href": "session-template/nope"}, 404, "session-template/nope not found"),
        ({"href": "session-template/password", "x": "y"}, 400, "defined schema:"),
    ],
)
def test_a_bad_login_is_refused_as_the_server_does(
    nobody: Client, template: dict[str, str], status: int, words: str
) -> None:
    found, message = nobody.refused("POST", "session", json={"template": template})
    assert found == status
    assert words in message


@pytest.mark.parametrize("content", ["{}", "null", '{"template": {"username": "alice"}}', ""])
def test_a_login_without_a_template_is_answered_with_nothing(nobody: Client, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = nobody.post("session", data=content, headers=headers)
    assert (answer.status_code, answer.text) == (200, "")
    assert "Content-Type" not in answer.headers


def test_a_suspended_user_may_not_log_in(sandbox: Sandbox, nobody: Client) -> None:
    identifier = sandbox.world.user_id("alice")
    sandbox.world.change(identifier, sandbox.clock.now(), state="SUSPENDED")
    answer = nobody.log_in(username="alice", password=sandbox.password)
    assert answer.status_code == 403


def test_the_session_ends_after_seven_days_and_nothing_says_so(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.clock.advance(WEEK - 1)
    assert alice.search("session")["count"] == 1
    sandbox.clock.advance(2)
    assert alice.search("session")["count"] == 0
    assert alice.refused("GET", "deployment") == (403, "credentials required")


def test_logging_out_takes_the_cookie_but_the_token_lives_on(alice: Client) -> None:
    token = alice.http.cookies[COOKIE]
    session = alice.search("session")["resources"][0]["id"]
    answer = alice.delete(session)
    assert answer.json() == {
        "status": 200,
        "message": f"{session} deleted",
        "resource-id": session,
    }
    assert answer.headers["Set-Cookie"].startswith(
        f"{COOKIE}=INVALID; Path=/; Max-Age=0; Expires="
    )
    assert COOKIE not in alice.http.cookies
    assert alice.get("deployment", headers={"Cookie": f"{COOKIE}={token}"}).ok


def test_a_forged_token_is_nobodys(sandbox: Sandbox, nobody: Client) -> None:
    with Sandbox(family="nuvla") as other:
        token = Client(other, other.users["alice"]).http.cookies[COOKIE]
    for value in (token, "nonsense", token[:-8] + "AAAAAAAA"):
        answer = nobody.get("deployment", headers={"Cookie": f"{COOKIE}={value}"})
        assert answer.status_code == 403


def test_every_session_can_be_ended_at_once(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("GET", "/api/deployment", expire_sessions=True)
    assert alice.get("deployment").status_code == 403
    assert alice.search("session")["count"] == 0


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

    def test_the_code_opens_the_session(self, nobody: Client) -> None:
        code = nobody.world.two_factor_code("carol")
        answer = nobody.post(self.ask(nobody), json={"token": code})
        assert answer.status_code == 201
        assert nobody.search("session")["resources"][0]["identifier"] == "carol"

    def test_three_wrong_codes_end_it(self, nobody: Client) -> None:
        callback = self.ask(nobody)
        user = nobody.world.user_id("carol")
        for _ in range(3):
            refused = nobody.refused("POST", callback, json={"token": "wrong"})
            assert refused == (400, f"Wrong 2FA token for {user}")
        code = nobody.world.two_factor_code("carol")
        refused = nobody.refused("POST", callback, json={"token": code})
        assert refused == (409, "cannot re-execute callback")

    def test_two_minutes_end_it(self, sandbox: Sandbox, nobody: Client) -> None:
        callback = self.ask(nobody)
        sandbox.clock.advance(120)
        code = nobody.world.two_factor_code("carol")
        assert nobody.post(callback, json={"token": code}).status_code == 409

    def test_a_code_is_good_for_one_login(self, nobody: Client) -> None:
        callback, code = self.ask(nobody), nobody.world.two_factor_code("carol")
        assert nobody.post(callback, json={"token": code}).status_code == 201
        assert nobody.post(callback, json={"token": code}).status_code == 409

    def test_the_code_changes_with_time(self, sandbox: Sandbox) -> None:
        codes = set()
        for _ in range(5):
            codes.add(sandbox.world.two_factor_code("carol"))
            sandbox.clock.advance(30)
        assert len(codes) > 1

    def test_an_api_key_needs_no_code(self, sandbox: Sandbox, nobody: Client) -> None:
        login = sandbox.users["carol"]
        assert nobody.log_in("api-key", key=login.key, secret=login.secret).status_code == 201

    def test_an_unknown_callback_is_not_found(self, nobody: Client) -> None:
        assert nobody.post("callback/x/execute", json={"token": "1"}).status_code == 404


class TestActingForAGroup:
    def session(self, client: Client) -> str:
        return str(client.search("session")["resources"][0]["id"])

    def test_what_is_made_belongs_to_the_group_then(self, alice: Client, bob: Client) -> None:
        for client in (alice, bob):
            path = f"{self.session(client)}/switch-group"
            answer = client.post(path, json={"claim": "group/acme"})
            assert answer.status_code == 200
            assert answer.json()["active-claim"] == "group/acme"
            assert "Set-Cookie" in answer.headers
        body = {"module": {"href": alice.module()}}
        deployment = alice.added("deployment", body)
        assert bob.read(deployment)["owner"] == "group/acme"

    def test_the_users_own_things_are_out_of_sight_meanwhile(self, alice: Client) -> None:
        own = alice.deployment()
        session, user = self.session(alice), alice.world.user_id("alice")
        alice.post(f"{session}/switch-group", json={"claim": "group/acme"})
        assert alice.get(own).status_code == 403
        alice.post(f"{session}/switch-group", json={"claim": user})
        assert alice.read(own)["owner"] == user

    def test_a_stranger_may_not(self, sandbox: Sandbox) -> None:
        login = sandbox.users["carol"]
        carol = Client(sandbox)
        carol.log_in("api-key", key=login.key, secret=login.secret)
        path = f"{self.session(carol)}/switch-group"
        refused = carol.refused("POST", path, json={"claim": "group/acme"})
        message = "Switch group cannot be done to requested group: group/acme!"
        assert refused == (403, message)

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
        assert [one["id"] for one in acme["children"]] == ["group/crew"]
        path = f"{self.session(alice)}/switch-group"
        switched = alice.post(path, json={"claim": "group/acme", "extended": True}).json()
        assert "group/crew" in switched["roles"].split()

    def test_peers_are_told_with_their_addresses(self, alice: Client) -> None:
        peers = alice.read(f"{self.session(alice)}/get-peers")
        assert peers[alice.world.user_id("bob")] == "bob@example.org"

    def test_a_key_made_for_a_group_logs_in_as_the_group(self, alice: Client) -> None:
        alice.post(f"{self.session(alice)}/switch-group", json={"claim": "group/acme"})
        template = {"href": "credential-template/generate-api-key"}
        made = alice.post("credential", json={"template": template}).json()
        machine = Client(alice.sandbox)
        machine.log_in("api-key", key=made["resource-id"], secret=made["secret-key"])
        assert machine.search("session")["resources"][0]["user"] == "group/acme"


def test_the_header_of_the_installation_goes_before_the_cookie(alice: Client) -> None:
    own = alice.deployment()
    words = "user/other user/other group/nuvla-user"
    assert alice.get(own, headers={"nuvla-authn-info": words}).status_code == 403
    admin = "super group/nuvla-admin group/nuvla-admin group/nuvla-user"
    assert alice.get(own, headers={"nuvla-authn-info": admin}).status_code == 200
    assert alice.get(own, headers={"nuvla-authn-info": "somebody"}).status_code == 403


def test_who_is_nobody_has_no_second_factor(sandbox: Sandbox) -> None:
    for name in ("alice", "zoe"):
        with pytest.raises(KeyError):
            sandbox.world.two_factor_code(name)


def test_nobody_reads_what_a_login_waits_with(alice: Client, nobody: Client) -> None:
    callback = TestTheSecondFactor().ask(nobody).removesuffix("/execute")
    assert alice.get(callback).status_code == 403
