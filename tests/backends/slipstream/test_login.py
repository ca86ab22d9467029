from __future__ import annotations

import json
import time
from typing import Any

import pytest
from requests.cookies import RequestsCookieJar, create_cookie

from slipstream.backends.cimi import lifetime
from slipstream.libcloud.errors import InvalidCredentials, NoAnswer, RequestFailed
from slipstream.sandbox import Sandbox

from .support import JSON, Driver, Login, logins, stub_server


def test_login_by_a_template_of_the_server(login: Login, sandbox: Sandbox) -> None:
    driver = login(
        "",
        None,
        ex_login_method="mitreid-token",
        ex_login_parameters={"token": sandbox.token},
    )
    assert driver.list_nodes() == []


def test_login_that_needs_a_browser(login: Login, sandbox: Sandbox) -> None:
    location = "https://github.com/login/oauth/authorize?client_id=sandbox"
    body = '{"status": 303, "message": "redirecting to GitHub"}'
    headers = {**JSON, "Location": location}
    sandbox.faults.add("POST", "/api/session", status=303, headers=headers, body=body)
    with pytest.raises(InvalidCredentials, match=r"needs a browser.*API key"):
        login("", None, ex_login_method="github")


@pytest.mark.parametrize(
    ("status", "location", "options", "requested", "message"),
    [
        (301, None, {}, "GET", r"Use ex_endpoint='https://cloud.example.org'"),
        (301, None, {"ex_endpoint_kind": "slipstream"}, "POST", "Use ex_endpoint='https://cloud"),
        (302, "https://portal.example.org/sign-in?next=secret", {}, "GET",
         r"redirects to https://portal.example.org/sign-in;"),
    ],
    ids=["https", "login", "portal"],
)  # fmt: skip
def test_login_that_is_redirected(
    status: int, location: str | None, options: dict[str, Any], requested: str, message: str
) -> None:
    def redirect(_: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return status, {"Location": location or f"https://cloud.example.org{path}"}, b""

    with stub_server(redirect) as (url, methods), pytest.raises(NoAnswer, match=message) as caught:
        Driver("alice", "secret", ex_endpoint=url, **options)
    assert url in str(caught.value)
    assert methods == [requested]


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


ENDS = [((100,), True), ((100, 200), True), ((100, None), False), ((-100,), False), ((), False)]


@pytest.mark.parametrize(("expiries", "ends"), ENDS)
def test_lifetime_of_cookies_that_all_end_later(expiries: Any, ends: bool) -> None:
    jar = RequestsCookieJar()
    for number, seconds in enumerate(expiries):
        expires = None if seconds is None else int(time.time()) + seconds
        jar.set_cookie(create_cookie(f"com.sixsq.{number}", "x", expires=expires))
    assert (lifetime(jar) is not None) is ends
