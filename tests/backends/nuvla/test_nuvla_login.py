from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from slipstream.libcloud.errors import BadInput, InvalidCredentials, MalformedAnswer
from slipstream.sandbox import Sandbox

from .support import COOKIE, JSON, Driver, Login, deploy, logins


def test_login_by_any_other_template(login: Login, sandbox: Sandbox) -> None:
    templates = sandbox.world.store.collection("session-template")
    (password,) = [item for item in templates if item["method"] == "password"]
    document = {**password, "id": "session-template/password-acme", "instance": "acme"}
    sandbox.world.add_document(document)
    fields = {"username": sandbox.username, "password": sandbox.password}
    driver = login(ex_login_method="password-acme", ex_login_parameters=fields)
    assert driver.list_nodes() == []


def test_login_cookie_marked_secure_over_plain_http(login: Login, sandbox: Sandbox) -> None:
    cookie = f"{COOKIE}=abc.def.ghi"
    expires = "Expires=Tue, 2 Sep 2070 10:00:00 GMT"
    headers = {**JSON, "Set-Cookie": f"{cookie};Secure;Path=/;HttpOnly;{expires}"}
    body = '{"status": 201, "resource-id": "session/1"}'
    sandbox.faults.add("POST", "/api/session", status=201, body=body, headers=headers)
    driver = login()
    empty = '{"count": 0, "resources": []}'
    sandbox.faults.add("PUT", "/api/deployment", body=empty, headers=JSON)
    driver.list_nodes()
    assert sandbox.journal[-1].headers["cookie"] == cookie


@pytest.mark.parametrize("body", [
    *("", "<html>", "null", "[]", "7", '"hello"', '{"id": "deploy', '{"status": 200}', "{}"),
    *('{"location": 5}', '{"location": "https://x/api/callback/../user"}'),
    '{"location": "http://[/api/callback/1/execute"}',
])  # fmt: skip
def test_login_200_without_a_session(login: Login, sandbox: Sandbox, body: str) -> None:
    headers = {"Content-Type": "text/html"} if body == "<html>" else JSON if body else {}
    sandbox.faults.add("POST", "/api/session", status=200, body=body, headers=headers)
    with pytest.raises(MalformedAnswer, match="has no session") as caught:
        login(ex_login_parameters={"code": "123456"})
    assert "password" not in str(caught.value)
    assert logins(sandbox) == len(sandbox.journal.entries("POST")) == 1


@pytest.mark.parametrize(
    ("status", "kind", "body", "message"),
    [
        (200, "text/html", "<html>Welcome</html>", "200 with text/html"),
        (404, "text/plain", "no", "404 with text/plain"),
        (200, "application/json", '{"hello": "world"}', "200 with application/json"),
        (200, "application/json",
         '{"resource-type": "something", "base-uri": "x", "collections": {}}',
         "family that no plugin knows"),
    ],
)  # fmt: skip
def test_login_to_another_server(
    login: Login, sandbox: Sandbox, status: int, kind: str, body: str, message: str
) -> None:
    headers = {"Content-Type": kind}
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=status, headers=headers, body=body)
    with pytest.raises(MalformedAnswer, match=message) as caught:
        login()
    assert sandbox.url in str(caught.value)
    assert logins(sandbox) == 0


@pytest.fixture
def carol(login: Login, sandbox: Sandbox) -> Callable[..., Driver]:
    """Log in the user who has a second factor."""
    return lambda **parameters: login("carol", ex_login_parameters=parameters)


def test_two_factors_callable(carol: Any, login: Login, sandbox: Sandbox) -> None:
    called_after: list[str] = []

    def code() -> str:
        called_after.append(sandbox.journal[-1].path)
        return str(sandbox.world.two_factor_code("carol"))

    login(ex_login_parameters={"code": code})  # no second factor
    assert called_after == []
    driver = carol(code=code)
    assert called_after == ["/api/session"]
    assert all("code" not in post.json["template"]
               for post in sandbox.journal.entries("POST", "/api/session"))  # fmt: skip
    sandbox.world.expire_sessions()
    assert driver.list_nodes() == []
    assert logins(sandbox) == 3


def _fail() -> str:
    raise OSError("no token")


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({}, InvalidCredentials, r"second factor.*ex_login_parameters"),
        ({"code": "abcdef"}, InvalidCredentials, "Check the code"),
        ({"code": _fail}, BadInput, "The function that returns the code failed: OSError"),
    ],
)
def test_two_factors_without_the_code(
    carol: Callable[..., Driver], parameters: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        carol(**parameters)
    assert "abcdef" not in str(caught.value)
    assert "template" not in str(caught.value)


def test_two_factors_callback_on_another_host(carol: Any, sandbox: Sandbox) -> None:
    location = "https://elsewhere.example.org/api/callback/x/execute"
    body = json.dumps({"status": 200, "location": location})
    sandbox.faults.add("POST", "/api/session", status=200, headers=JSON, body=body)
    with pytest.raises(InvalidCredentials, match="second factor"):
        carol(code="123456")
    assert sandbox.journal[-1].path == "/api/callback/x/execute"


@pytest.mark.parametrize("by", ["password", "api-key"])
@pytest.mark.parametrize("group", ["acme", "group/acme"])
def test_group_of_a_renewed_session(login: Login, sandbox: Sandbox, by: str, group: str) -> None:
    deploy(login())
    key = (sandbox.key, sandbox.secret) if by == "api-key" else ()
    driver = login(*key, ex_group=group)
    assert driver.list_nodes() == []
    driver.create_key_pair("ours")
    credentials = sandbox.world.store.collection("credential")
    (pair,) = [item for item in credentials if item.get("name") == "ours"]
    assert pair["acl"]["edit-acl"] == ["group/acme"]
    sandbox.world.expire_sessions()
    assert [pair.name for pair in driver.list_key_pairs()] == ["ours"]


def test_group_of_others(login: Login) -> None:
    with pytest.raises(InvalidCredentials, match=r"group/nuvla-admin.*member"):
        login(ex_group="nuvla-admin")


@pytest.mark.parametrize("body", ["[]", '{"resources": [5]}', '{"resources": [{}]}', "{", "7"])
def test_group_without_a_session_document(login: Login, sandbox: Sandbox, body: str) -> None:
    sandbox.faults.add("GET", "/api/session", times=None, body=body, headers=JSON)
    with pytest.raises((MalformedAnswer, InvalidCredentials)):
        login(ex_group="acme")


@pytest.mark.parametrize(
    "value", [object(), {1}, b"x", float("nan"), {"a": float("inf")}], ids=type
)
def test_login_with_what_json_cannot_hold(login: Login, sandbox: Sandbox, value: object) -> None:
    with pytest.raises(BadInput, match="holds what JSON cannot hold"):
        login("alice", sandbox.password, ex_login_parameters={"extra": value})
