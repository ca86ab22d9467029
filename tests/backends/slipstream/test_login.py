from __future__ import annotations

from typing import Any

import pytest

from slipstream.libcloud.errors import InvalidCredentials, NoAnswer
from slipstream.sandbox import Sandbox

from .support import JSON, Driver, Login, stub_server


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

    with stub_server(redirect) as stub, pytest.raises(NoAnswer, match=message) as caught:
        Driver("alice", "secret", ex_endpoint=stub.url, **options)
    assert stub.url in str(caught.value)
    assert [method for method, _ in stub.seen] == [requested]
