from __future__ import annotations

import http.cookiejar
import json
from pathlib import Path
from typing import Any

import pytest

from slipstream.libcloud.errors import BadInput, InvalidCredentials, MalformedAnswer
from slipstream.sandbox import Sandbox

from .support import COOKIE, JSON, Driver, Login, deploy, logins, stored


def template(sandbox: Sandbox) -> Any:
    (entry,) = sandbox.journal.entries("POST", "/api/session")
    return entry.json["template"]


@pytest.mark.parametrize("options", [{}, {"ex_login_method": "password"}])
def test_a_password_logs_in(login: Login, sandbox: Sandbox, options: dict[str, str]) -> None:
    driver = login(sandbox.username, sandbox.password, **options)
    assert template(sandbox) == {
        "href": "session-template/password",
        "username": sandbox.username,
        "password": sandbox.password,
    }
    assert driver.list_nodes() == []


def test_an_api_key_is_recognised_by_its_look(login: Login, sandbox: Sandbox) -> None:
    driver = login(sandbox.key, sandbox.secret)
    assert template(sandbox)["href"] == "session-template/api-key"
    assert driver.list_nodes() == []


def test_any_other_template_is_used_by_its_name(login: Login, sandbox: Sandbox) -> None:
    world = sandbox.world
    (found,) = [
        item for item in world.store.collection("session-template") if item["method"] == "password"
    ]
    world.add_document({**found, "id": "session-template/password-acme", "instance": "acme"})
    driver = login(
        ex_login_method="password-acme",
        ex_login_parameters={"username": sandbox.username, "password": sandbox.password},
    )
    assert driver.list_nodes() == []


def test_an_unknown_template_is_refused_with_those_of_the_server(login: Login) -> None:
    with pytest.raises(InvalidCredentials, match="api-key, password"):
        login(ex_login_method="smoke-signals", ex_login_parameters={"puffs": "3"})


@pytest.mark.parametrize("key", ["alice", "nobody"])
def test_a_wrong_password_is_told_without_quoting_it(login: Login, key: str) -> None:
    with pytest.raises(InvalidCredentials, match="invalid credentials for") as caught:
        login(key, "wr0ng-s3cret")
    assert "wr0ng-s3cret" not in str(caught.value)
    assert caught.value.http_code == 403


def test_an_accepted_login_without_a_cookie_is_none(login: Login, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "POST", "/api/session", status=201, headers=JSON, body=json.dumps({"status": 201})
    )
    with pytest.raises(MalformedAnswer, match="gave no session"):
        login()


def test_the_cookie_is_sent_over_plain_http_although_it_is_marked_secure(
    login: Login, sandbox: Sandbox
) -> None:
    login()
    value = "abc.def.ghi"
    sandbox.faults.add(
        "POST",
        "/api/session",
        status=201,
        body='{"status": 201, "resource-id": "session/1"}',
        headers={
            **JSON,
            "Set-Cookie": f"{COOKIE}={value};Secure;Path=/;HttpOnly;"
            "Expires=Tue, 2 Sep 2070 10:00:00 GMT",
        },
    )
    driver = login()
    sandbox.journal.clear()
    sandbox.faults.add(
        "PUT", "/api/deployment", body='{"count": 0, "resources": []}', headers=JSON
    )
    driver.list_nodes()
    assert sandbox.journal[0].headers["cookie"] == f"{COOKIE}={value}"


class TestTwoFactors:
    def carol(self, login: Login, sandbox: Sandbox, **parameters: object) -> Any:
        password = sandbox.users["carol"].password
        return login("carol", password, ex_login_parameters=parameters)

    def test_the_code_is_taken_from_the_parameters(self, login: Login, sandbox: Sandbox) -> None:
        driver = self.carol(login, sandbox, code=sandbox.world.two_factor_code("carol"))
        assert driver.list_nodes() == []
        assert "code" not in template(sandbox)

    def test_a_callable_is_asked_when_the_server_asks(
        self, login: Login, sandbox: Sandbox
    ) -> None:
        asked: list[str] = []

        def ask() -> str:
            asked.append(sandbox.journal[-1].path)
            return str(sandbox.world.two_factor_code("carol"))

        driver = self.carol(login, sandbox, code=ask)
        assert asked == ["/api/session"]
        assert driver.list_nodes() == []

    def test_a_callable_is_not_asked_in_vain(self, login: Login, sandbox: Sandbox) -> None:
        login(
            sandbox.username,
            sandbox.password,
            ex_login_parameters={"code": lambda: pytest.fail("asked")},
        )

    def test_an_answer_that_only_asks_for_the_code_is_no_login(
        self, login: Login, sandbox: Sandbox
    ) -> None:
        with pytest.raises(InvalidCredentials, match=r"second factor.*ex_login_parameters"):
            self.carol(login, sandbox)

    def test_a_wrong_code_is_told_as_that(self, login: Login, sandbox: Sandbox) -> None:
        right = sandbox.world.two_factor_code("carol")
        wrong = "000000" if right != "000000" else "000001"
        with pytest.raises(InvalidCredentials, match="Check the code") as caught:
            self.carol(login, sandbox, code=wrong)
        assert wrong not in str(caught.value)
        assert "template" not in str(caught.value)

    def test_the_code_is_sent_to_the_address_that_the_user_gave(
        self, login: Login, sandbox: Sandbox
    ) -> None:
        location = "https://elsewhere.example.org/api/callback/x/execute"
        body = json.dumps({"status": 200, "location": location})
        sandbox.faults.add("POST", "/api/session", status=200, headers=JSON, body=body)
        with pytest.raises(InvalidCredentials, match="second factor"):
            self.carol(login, sandbox, code="123456")
        assert sandbox.journal[-1].path == "/api/callback/x/execute"

    def test_a_second_login_asks_the_callable_again(self, login: Login, sandbox: Sandbox) -> None:
        driver = self.carol(login, sandbox, code=lambda: sandbox.world.two_factor_code("carol"))
        sandbox.world.expire_sessions()
        assert driver.list_nodes() == []
        assert logins(sandbox) == 2


class TestCookieFile:
    def test_a_saved_session_is_used_without_a_login(
        self, login: Login, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        file = tmp_path / "cookies.txt"
        login().ex_save_cookies(file)
        sandbox.journal.clear()
        driver = login(ex_cookie_file=file)
        assert driver.list_nodes() == []
        assert logins(sandbox) == 0

    def test_a_file_of_another_program_is_used_over_plain_http(
        self, login: Login, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        file = tmp_path / "cookies.txt"
        login().ex_save_cookies(file)
        jar = http.cookiejar.MozillaCookieJar(str(file))
        jar.load(ignore_discard=True)
        for cookie in jar:
            cookie.secure = True
        jar.save(ignore_discard=True)
        assert login(ex_cookie_file=file).list_nodes() == []

    def test_a_file_whose_session_has_ended_is_refused(
        self, login: Login, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        file = tmp_path / "cookies.txt"
        login().ex_save_cookies(file)
        sandbox.world.expire_sessions()
        with pytest.raises(InvalidCredentials, match="has expired or was refused"):
            login(ex_cookie_file=file)


class TestGroups:
    @pytest.mark.parametrize("group", ["acme", "group/acme"])
    def test_what_is_made_belongs_to_the_group(
        self, login: Login, sandbox: Sandbox, group: str
    ) -> None:
        driver = login(ex_group=group)
        driver.create_key_pair("ours")
        (key,) = [
            item
            for item in sandbox.world.store.collection("credential")
            if item.get("name") == "ours"
        ]
        assert key["acl"]["edit-acl"] == ["group/acme"]

    def test_a_group_sees_its_own_and_not_the_user_s(self, login: Login, sandbox: Sandbox) -> None:
        alone = login()
        deploy(alone)
        assert len(alone.list_nodes()) == 1
        assert login(ex_group="acme").list_nodes() == []

    def test_an_api_key_acts_for_a_group_too(self, login: Login, sandbox: Sandbox) -> None:
        driver = login(sandbox.key, sandbox.secret, ex_group="acme")
        driver.create_key_pair("ours")
        assert [key.name for key in driver.list_key_pairs()] == ["ours"]

    def test_a_renewed_session_acts_for_the_group_again(
        self, login: Login, sandbox: Sandbox
    ) -> None:
        driver = login(ex_group="acme")
        driver.create_key_pair("ours")
        sandbox.world.expire_sessions()
        assert [key.name for key in driver.list_key_pairs()] == ["ours"]

    def test_a_stranger_is_refused(self, login: Login) -> None:
        with pytest.raises(InvalidCredentials, match=r"group/nuvla-admin.*member"):
            login(ex_group="nuvla-admin")

    def test_the_other_family_has_none(self) -> None:
        with Sandbox(speed=0) as old, pytest.raises(BadInput, match="no groups"):
            Driver(old.username, old.password, ex_endpoint=old.url, ex_group="acme")


def test_the_stored_session_is_of_the_method_that_was_used(login: Login, sandbox: Sandbox) -> None:
    login(sandbox.key, sandbox.secret)
    (session,) = sandbox.world.store.collection("session")
    assert stored(sandbox, session["id"])["method"] == "api-key"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("", {}),
        ("<html>Welcome</html>", {"Content-Type": "text/html"}),
        ("null", JSON),
        ('{"status": 200}', JSON),
        ('{"location": 5}', JSON),
        ('{"location": "https://x/api/callback/../user"}', JSON),
        ('{"location": "http://[/api/callback/1/execute"}', JSON),
    ],
)
def test_a_200_without_a_session_is_no_login_and_no_question(
    login: Login, sandbox: Sandbox, body: str, headers: dict[str, str]
) -> None:
    sandbox.faults.add("POST", "/api/session", status=200, body=body, headers=headers)
    with pytest.raises(MalformedAnswer, match="gave no session") as caught:
        login(ex_login_parameters={"code": "123456"})
    assert "password" not in str(caught.value)
    assert len(sandbox.journal.entries("POST")) == 1


def test_a_cookie_of_any_name_is_a_session(login: Login, sandbox: Sandbox) -> None:
    driver = login()
    driver.list_nodes()
    [cookie] = driver._session.cookies
    sandbox.faults.add(
        "POST",
        "/api/session",
        status=201,
        body='{"status": 201, "resource-id": "session/1"}',
        headers={**JSON, "Set-Cookie": f"com.sixsq.nuvla.cookie={cookie.value}; Path=/"},
    )
    assert [c.name for c in login()._session.cookies] == ["com.sixsq.nuvla.cookie"]


def test_a_parameter_that_is_set_to_nothing_is_set(login: Login, sandbox: Sandbox) -> None:
    driver = login()
    node = deploy(driver)
    sandbox.clock.advance(300)
    sandbox.world.set_parameter(node.id, "admin_url", "")
    assert driver.ex_get_node_parameter(node, "admin_url") == ""
