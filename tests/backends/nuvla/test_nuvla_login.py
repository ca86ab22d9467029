from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.providers import get_driver

from slipstream.libcloud.errors import BadInput, DriverError, InvalidCredentials, MalformedAnswer
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


def test_login_by_api_key_makes_a_session_of_that_method(login: Login, sandbox: Sandbox) -> None:
    login(sandbox.key, sandbox.secret)
    (session,) = sandbox.world.store.collection("session")
    assert session["method"] == "api-key"


def test_login_cookie_is_sent_over_plain_http_although_it_is_marked_secure(
    login: Login, sandbox: Sandbox
) -> None:
    cookie = f"{COOKIE}=abc.def.ghi"
    expires = "Expires=Tue, 2 Sep 2070 10:00:00 GMT"
    sandbox.faults.add(
        "POST",
        "/api/session",
        status=201,
        body='{"status": 201, "resource-id": "session/1"}',
        headers={**JSON, "Set-Cookie": f"{cookie};Secure;Path=/;HttpOnly;{expires}"},
    )
    driver = login()
    empty = '{"count": 0, "resources": []}'
    sandbox.faults.add("PUT", "/api/deployment", body=empty, headers=JSON)
    driver.list_nodes()
    assert sandbox.journal[-1].headers["cookie"] == cookie


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("", {}),
        ("<html>Welcome</html>", {"Content-Type": "text/html"}),
        *(
            (body, JSON)
            for body in (
                *("null", "[]", "7", '"hello"', '{"id": "deploy', '{"status": 200}'),
                *("{}", '{"location": 5}', '{"location": "https://x/api/callback/../user"}'),
                '{"location": "http://[/api/callback/1/execute"}',
            )
        ),
    ],
)
def test_login_200_without_a_session_is_no_login_and_sends_no_code(
    login: Login, sandbox: Sandbox, body: str, headers: dict[str, str]
) -> None:
    sandbox.faults.add("POST", "/api/session", status=200, body=body, headers=headers)
    with pytest.raises(MalformedAnswer, match="gave no session") as caught:
        login(ex_login_parameters={"code": "123456"})
    assert "password" not in str(caught.value)
    assert logins(sandbox) == len(sandbox.journal.entries("POST")) == 1


def test_login_to_the_other_family_that_the_user_names(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(DriverError, match="Cannot log in"):
        login(api_version="1")
    assert not sandbox.journal.entries("GET", "/api/cloud-entry-point")


def test_nuvla_driver_takes_another_endpoint(sandbox: Sandbox) -> None:
    cls: Any = get_driver("nuvla")
    with cls(sandbox.username, sandbox.password, ex_endpoint=sandbox.url) as driver:
        assert driver.ex_endpoint == sandbox.url
        assert driver.list_nodes() == []


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
def test_login_to_a_server_of_neither_family(
    login: Login, sandbox: Sandbox, status: int, kind: str, body: str, message: str
) -> None:
    headers = {"Content-Type": kind}
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=status, headers=headers, body=body)
    with pytest.raises(
        MalformedAnswer, match=r"is no SlipStream or Nuvla server|family"
    ) as caught:
        login()
    assert message in str(caught.value)
    assert sandbox.url in str(caught.value)
    assert logins(sandbox) == 0


@pytest.fixture
def carol(login: Login, sandbox: Sandbox) -> Callable[..., Driver]:
    """Log in the user who has a second factor."""
    return lambda **parameters: login("carol", ex_login_parameters=parameters)


@pytest.mark.parametrize("is_callable", [False, True])
def test_two_factors_code(
    carol: Callable[..., Driver], sandbox: Sandbox, is_callable: bool
) -> None:
    called_after: list[str] = []

    def code() -> str:
        called_after.append(sandbox.journal[-1].path)
        return right

    right = str(sandbox.world.two_factor_code("carol"))
    assert carol(code=code if is_callable else right).list_nodes() == []
    (post,) = sandbox.journal.entries("POST", "/api/session")
    assert "code" not in post.json["template"]
    assert called_after == ["/api/session"] or not is_callable


def test_two_factors_callable_is_not_called_without_need(login: Login) -> None:
    login(ex_login_parameters={"code": lambda: pytest.fail("called")})


def test_two_factors_without_a_code(carol: Callable[..., Driver]) -> None:
    with pytest.raises(InvalidCredentials, match=r"second factor.*ex_login_parameters"):
        carol()


def test_two_factors_with_a_wrong_code(carol: Callable[..., Driver], sandbox: Sandbox) -> None:
    right = sandbox.world.two_factor_code("carol")
    wrong = "000000" if right != "000000" else "000001"
    with pytest.raises(InvalidCredentials, match="Check the code") as caught:
        carol(code=wrong)
    assert wrong not in str(caught.value)
    assert "template" not in str(caught.value)


def test_two_factors_code_is_not_sent_away(carol: Callable[..., Driver], sandbox: Sandbox) -> None:
    location = "https://elsewhere.example.org/api/callback/x/execute"
    body = json.dumps({"status": 200, "location": location})
    sandbox.faults.add("POST", "/api/session", status=200, headers=JSON, body=body)
    with pytest.raises(InvalidCredentials, match="second factor"):
        carol(code="123456")
    assert sandbox.journal[-1].path == "/api/callback/x/execute"


def test_two_factors_callable_of_a_renewal(carol: Callable[..., Driver], sandbox: Sandbox) -> None:
    driver = carol(code=lambda: sandbox.world.two_factor_code("carol"))
    sandbox.world.expire_sessions()
    assert driver.list_nodes() == []
    assert logins(sandbox) == 2


@pytest.mark.parametrize("group", ["acme", "group/acme"])
def test_group_owns_what_is_created(login: Login, sandbox: Sandbox, group: str) -> None:
    login(ex_group=group).create_key_pair("ours")
    credentials = sandbox.world.store.collection("credential")
    (key,) = [item for item in credentials if item.get("name") == "ours"]
    assert key["acl"]["edit-acl"] == ["group/acme"]


def test_group_lists_its_own_alone(login: Login) -> None:
    user = login()
    deploy(user)
    assert len(user.list_nodes()) == 1
    assert login(ex_group="acme").list_nodes() == []


@pytest.mark.parametrize("by", ["password", "api-key"])
def test_group_of_a_renewed_session(login: Login, sandbox: Sandbox, by: str) -> None:
    key = (sandbox.key, sandbox.secret) if by == "api-key" else ()
    driver = login(*key, ex_group="acme")
    driver.create_key_pair("ours")
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


def test_group_on_slipstream() -> None:
    with Sandbox(speed=0) as old, pytest.raises(BadInput, match="no groups"):
        Driver(old.username, old.password, ex_endpoint=old.url, ex_group="acme")


@pytest.mark.parametrize(
    "value", [object(), {1}, b"x", float("nan"), {"a": float("inf")}], ids=type
)
def test_login_with_what_json_cannot_hold(login: Login, sandbox: Sandbox, value: object) -> None:
    with pytest.raises(BadInput, match="holds what JSON cannot hold"):
        login("alice", sandbox.password, ex_login_parameters={"extra": value})


def test_two_factors_callable_that_fails(carol: Callable[..., Driver]) -> None:
    def code() -> str:
        raise OSError("no token")

    with pytest.raises(BadInput, match="The function that gives the code failed: OSError"):
        carol(code=code)
