"""What a server, or something before it, responds to a login."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import pytest
from servers import listening

from slipstream.errors import (
    Forbidden,
    InvalidCredentials,
    MalformedAnswer,
    NotFound,
    RequestFailed,
    ServiceUnavailable,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

DAY = 86_400
PASSWORD = "correct-horse"
CREATED = json.dumps({"status": 201, "resource-id": "session/1"})
PAGE = "<html><body>Welcome to the hotel</body></html>"
COOKIE = "com.sixsq.slipstream.cookie=abcdef123456; Path=/; HttpOnly"


def date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


def cookie(attributes: str = "", name_and_value: str = COOKIE) -> tuple[str, str]:
    return "Set-Cookie", f"{name_and_value}{attributes}"


@contextmanager
def server(
    status: int, body: str, *headers: tuple[str, str], received: list[str] | None = None
) -> Iterator[str]:
    kind = "text/html" if "<" in body else "application/json"
    fields = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields), "", body]

    def serve(connection: socket.socket) -> None:
        while request := connection.recv(65536):
            if received is not None:
                received.append(request.decode())
            connection.sendall("\r\n".join(lines).encode())

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}"


def log_in(url: str, kind: str, key: str = "alice", secret: str = PASSWORD) -> float | None:
    driver = Driver(
        key,
        secret,
        ex_endpoint=url,
        ex_endpoint_kind=kind,
        ex_login_method="internal",
        retry_delay=0.001,
        timeout=5,
    )
    driver.close()
    return driver._session.login.lifetime


KINDS = pytest.mark.parametrize("kind", ["slipstream", "nuvla"])


@KINDS
@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        pytest.param([cookie()], None, id="no expiry"),
        pytest.param([cookie("", "com.sixsq.nuvla.cookie=x1y2")], None, id="old name"),
        pytest.param([cookie("", "JSESSIONID=x1y2")], None, id="any name"),
        *(
            pytest.param(
                [("Date", date(ahead)), cookie(f"; Expires={date(ahead + 600)}")], 600, id=name
            )
            for name, ahead in (
                ("server two days ahead", 2 * DAY),
                ("server two days behind", -2 * DAY),
                ("server ten years behind", -3650 * DAY),
                ("server a hundred years ahead", 36500 * DAY),
            )
        ),
        pytest.param([cookie(f"; Expires={date(-DAY)}")], None, id="expiry without a Date"),
        pytest.param([("Date", "soon"), cookie(f"; Expires={date(-DAY)}")], None, id="odd Date"),
        pytest.param([cookie("; Max-Age=30")], 30, id="short"),
        pytest.param([cookie(f"; Max-Age=30; Expires={date(DAY)}")], 30, id="Max-Age wins"),
        pytest.param([cookie(f"; Max-Age={'9' * 30}")], 2**31, id="long"),
        pytest.param([cookie(f"; Max-Age={'9' * 5000}")], 2**31, id="very long"),
        pytest.param([cookie("; Max-Age=soon")], None, id="Max-Age that is no number"),
        pytest.param(
            [("Date", date(0)), cookie("; Expires=Fri, 31 Dec 9999 23:59:59 GMT")],
            2**31,
            id="far",
        ),
        pytest.param([cookie("; Expires=never")], None, id="expiry that is no date"),
        pytest.param([cookie("; Max-Age=600"), cookie("; Max-Age=5", "LB=1")], 600, id="balancer"),
        pytest.param([cookie("; Max-Age=600"), cookie("; Max-Age=0", "LB=")], 600, id="removed"),
    ],
)
def test_a_session_counts_by_the_servers_clock(
    kind: str, headers: list[tuple[str, str]], lifetime: float | None
) -> None:
    with server(201, CREATED, *headers) as url:
        left = log_in(url, kind)
    assert left is None if lifetime is None else lifetime - 5 < (left or 0) <= lifetime


@KINDS
@pytest.mark.parametrize(
    "attributes", ["", "; Path=/api", "; Path=/api/session", "; Path=x", "; Path=/; Domain="]
)
def test_a_session_is_for_all_of_the_endpoint(kind: str, attributes: str) -> None:
    received: list[str] = []
    header = cookie(attributes, "com.sixsq.slipstream.cookie=x1y2")
    with server(201, CREATED, header, received=received) as url:
        driver = Driver("alice", PASSWORD, ex_endpoint=url, ex_endpoint_kind=kind)
        with pytest.raises(MalformedAnswer):
            driver.list_nodes()
        driver.close()
    assert any("cookie=x1y2" in request for request in received)


@KINDS
@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        *((status, CREATED, [cookie()]) for status in (200, 202, 203, 206, 299, 300)),
        *((status, PAGE, [cookie("", "portal=1")]) for status in (200, 201)),
        (201, "", [cookie()]),
        (201, "null", [cookie()]),
        (201, "{}", [cookie()]),
        (201, CREATED, []),
        (201, CREATED, [cookie("", "com.sixsq.slipstream.cookie=; Path=/")]),
        (201, CREATED, [cookie("; Max-Age=0")]),
        (201, CREATED, [cookie("; Max-Age=-5")]),
        (201, CREATED, [cookie("; Expires=Thu, 01 Jan 1970 00:00:00 GMT")]),
        (201, CREATED, [cookie("; Domain=example.org")]),
        (201, CREATED, [("Date", date(0)), cookie(f"; Expires={date(-5)}")]),
    ],
)
def test_what_gives_no_session_blames_no_password(
    kind: str, status: int, body: str, headers: list[tuple[str, str]]
) -> None:
    with (
        server(status, body, *headers) as url,
        pytest.raises(MalformedAnswer, match="has no session") as caught,
    ):
        log_in(url, kind)
    assert "password" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("status", "body", "error", "hint"),
    [
        (401, "{}", InvalidCredentials, "Check the user name"),
        (403, "{}", InvalidCredentials, "Check the user name"),
        (403, PAGE, Forbidden, "check the address, and proxies"),
        (404, PAGE, NotFound, "check the address, and proxies"),
        *((status, "{}", RequestFailed, None) for status in (405, 409, 413, 415, 418, 422, 451)),
        (500, "{}", RequestFailed, None),
        (503, PAGE, ServiceUnavailable, "Try again later"),
    ],
)
def test_an_error_at_login_is_told_by_its_status(
    status: int, body: str, error: type[RequestFailed], hint: str | None
) -> None:
    with server(status, body) as url, pytest.raises(RequestFailed) as caught:
        log_in(url, "slipstream")
    assert isinstance(caught.value, error)
    assert isinstance(caught.value, InvalidCredentials) is (error is InvalidCredentials)
    assert caught.value.hint is None if hint is None else hint in str(caught.value.hint)


def test_neither_the_password_nor_what_stands_for_the_user_is_quoted() -> None:
    body = json.dumps({"message": f"no user {PASSWORD} with {PASSWORD[::-1]}"})
    with server(403, body) as url, pytest.raises(InvalidCredentials) as caught:
        log_in(url, "slipstream", key=PASSWORD, secret=PASSWORD[::-1])
    assert "no user *** with ***" in str(caught.value)
