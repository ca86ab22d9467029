"""Paths and addresses that users write are read alike everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.cookies import get_cookie_header

from slipstream import Request
from slipstream.errors import BadInput
from slipstream.libcloud.arguments import read_file
from slipstream.libcloud.ssh_setup import _private_key
from slipstream.session.cookie_files import load_cookies, save_cookies
from slipstream.transport.messages import EndpointCookieJar
from slipstream.transport.settings import authorities, client_certificate
from slipstream.values.endpoint import split_address
from slipstream.values.fields import leads_elsewhere
from slipstream.values.plain import user_path


def test_user_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("path", "~/x") == user_path("path", Path("~/x")) == tmp_path / "x"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        *((value, BadInput, "path is|begins|cannot") for value in ("", "a\0b", "~no-name/x")),
        ("\ud800", BadInput, "cannot be written as a file name"),
        *((value, TypeError, "must be the path of a file") for value in (None, 17, b"x", ["x"])),
        *(
            (contents, BadInput, r"path is a text of \d+ characters")
            for contents in ("-----BEGIN PRIVATE KEY-----", "first line\nsecond line", "x" * 5000)
        ),
    ],
)
def test_user_path_of_what_names_no_file(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        user_path("path", value)
    assert str(caught.value).isprintable()
    assert not value or str(value)[:8] not in str(caught.value)


SECRETS = [
    "hunter2",
    "correct horse battery staple",
    "Summer.rain",
    "pass/word",
    "/hunter2",
    "~hunter2",
    "hun\0ter2",
    "-----BEGIN hunter2",
    "x" * 300,
    "MC4CAQAwBQYDK2VwBCIEIDb/nB7WgF4pJq+5jXW0V8s0TXUZk0Hf6gQ9lcx3w2aB",
    "/bW0V8s0TXUZk0Hf6gQ9lcx3w2aBMC4CAQAwBQYDK2VwBCIEIDb/nB7WgF4pJq+=",
]
READERS: dict[str, Callable[[str], object]] = {
    "a file": lambda path: read_file("key file", path),
    "a private key": lambda path: _private_key(path, None),
    "cookies": lambda path: load_cookies(user_path("ex_cookie_file", path)),
    "cookies to write": lambda path: save_cookies(CookieJar(), user_path("p", f"{path}/nothing")),
    "authorities": lambda path: authorities(path, "ex_ca_cert"),
    "a certificate": lambda path: client_certificate(path, "ex_client_cert"),
    "a certificate's key": lambda path: client_certificate((__file__, path), "ex_client_cert"),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("reader", READERS)
def test_a_secret_in_place_of_a_path_is_not_quoted(reader: str, secret: str) -> None:
    with pytest.raises(BadInput) as caught:
        READERS[reader](secret)
    assert secret not in str(caught.value)
    assert secret[1:] not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", ["missing.pem", "/missing.PUB", f"{__file__}.missing", "~/x"])
def test_a_path_of_a_file_that_is_missing_is_quoted(path: str) -> None:
    with pytest.raises(BadInput, match=r"key file [^(]*(missing|x)\b"):
        read_file("key file", path)


@pytest.mark.parametrize(
    "url", ["https://nuv.la", "http://[::1]:8182", "http://localhost", "https://nuv.la./base"]
)
@pytest.mark.parametrize(
    ("field", "can_be_written"),
    [
        ("c=token; Path=/", True),
        ("c=token; Path=/; Secure; HttpOnly; Max-Age=99999999999", True),
        ('c="a b"; Version=1', True),
        ("c=", True),
        ("c=t\xe9", True),
        ("c=a\tb", False),
        ("a\x1b=b", False),
    ],
)
def test_a_cookie_file_that_is_written_can_be_read(
    tmp_path: Path, url: str, field: str, can_be_written: bool
) -> None:
    jar, again = (EndpointCookieJar(secure=url.startswith("https")) for _ in range(2))
    request = requests.Request("GET", f"{url}/api/x")
    jar.extract(request.prepare(), [field], date=0.0)
    if not can_be_written:
        with pytest.raises(BadInput, match="no cookie file can hold"):
            save_cookies(jar, tmp_path / "cookies")
        return
    save_cookies(jar, tmp_path / "cookies")
    for cookie in load_cookies(tmp_path / "cookies"):
        again.set_cookie(cookie)
    sent = [get_cookie_header(cookies, request.prepare()) for cookies in (jar, again)]
    assert sent[0] == sent[1] is not None


def test_a_cookie_file_replaces_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "cookies"
    path.symlink_to(path)
    save_cookies(CookieJar(), path)
    assert path.is_file()


def test_a_cookie_file_replaces_no_pipe_and_no_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="it is no file"):
        save_cookies(CookieJar(), pipe)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize(
    "path",
    [
        *("/a/..", "/./a", "/%2e%2e/a", "/a%2f..%2fb", "/%252e%252e/a", "/..;v=1/a"),
        *("/a\\..\\b", "/..%5ca", "/a%00", "/..%00/a", "/a%0d%0aX", "/%2520..%2520/a"),
        *("/..%25c0%25af..", "/a%2500", "/a%7f"),
    ],
)
def test_path_that_leads_elsewhere(path: str) -> None:
    assert leads_elsewhere(path)
    with pytest.raises(BadInput, match="leads to another resource"):
        Request(method="GET", path=path)


def test_path_of_a_request() -> None:
    for path in ("/a..b/c", "/.../a", "/a%20b", "/a;v=1", "/%25"):
        assert Request(method="GET", path=path).path == path
    with pytest.raises(BadInput, match="not percent-encoded UTF-8"):
        Request(method="GET", path="/..%c0%af..")


@pytest.mark.parametrize("address", ["alice:password", "https:alice", "[::1]:password"])
def test_what_follows_a_colon_and_is_no_port_is_not_quoted(address: str) -> None:
    with pytest.raises(BadInput, match="What follows the colon is not a port") as caught:
        split_address(address)
    assert "password" not in str(caught.value)
