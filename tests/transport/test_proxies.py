from __future__ import annotations

import logging
from typing import Any

import pytest
from authority import Pair, tls
from endpoints_under_test import Driver, LiveEndpoint
from servers import front, proxy

from slipstream.libcloud.errors import BadInput, NoAnswer
from slipstream.transport.settings import environment_proxy

LOGIN = "carol:s3cret&proxy"
QUOTED = "carol:s3cret%26proxy"
NOWHERE = "http://127.0.0.1:9"
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)


def with_login(url: str) -> str:
    return url.replace("http://", f"http://{QUOTED}@")


def test_proxy_gets_all_requests_and_its_login_is_not_shown(endpoint: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    with proxy(LOGIN) as running:
        driver = endpoint.login(proxy_url=with_login(running.url))
        assert driver.list_nodes() == []
        text = repr([driver, driver.connection, driver._session.transport.settings])
    assert len(running.requests) == len(endpoint.sandbox.journal)
    assert "s3cret" not in text + caplog.text


@on_slipstream
def test_proxy_for_https_is_checked_behind_it(endpoint: Any, authority: Any, server: Pair) -> None:
    with proxy(LOGIN) as running, front(endpoint.url, tls=tls(server)) as url:
        options = {"ex_endpoint": url, "proxy_url": with_login(running.url)}
        assert endpoint.login(**options, ex_ca_cert=authority.certificate).list_nodes() == []
        with pytest.raises(NoAnswer, match="is not trusted"):
            endpoint.login(**options)
        with pytest.warns(match="Unverified HTTPS requests go to") as caught:
            assert endpoint.login(**options, ex_verify=False).list_nodes() == []
    assert len(caught) == 1
    assert {request.partition(" ")[0] for request in running.requests} == {"CONNECT"}


@on_slipstream
@pytest.mark.parametrize("encrypted", [False, True])
def test_proxy_that_needs_another_login(endpoint: LiveEndpoint, encrypted: bool) -> None:
    url = endpoint.url.replace("http:", "https:") if encrypted else endpoint.url
    with proxy("somebody:else") as running, pytest.raises(NoAnswer, match="407") as caught:
        endpoint.login(ex_endpoint=url, proxy_url=with_login(running.url))
    assert "s3cret" not in str(caught.value)
    assert not caught.value.may_have_happened


@pytest.mark.parametrize(
    "url",
    [
        *("proxy.example.org", "proxy.example.org:port", "proxy.example.org:99999"),
        *(":3128", "proxy.example.org:3128/path", "proxy\n.example.org:3128"),
    ],
)
@pytest.mark.parametrize("before", [f"http://{QUOTED}@", f"socks5://{QUOTED}@", f"{QUOTED}@", "["])
def test_proxy_url_that_is_none(before: str, url: str) -> None:
    for value in (before + url, "", 5):
        with pytest.raises(BadInput, match="proxy_url is not the URL of a proxy") as caught:
            Driver("a", "b", ex_endpoint=NOWHERE, proxy_url=value)  # type: ignore[arg-type]
        assert "s3cret" not in str(caught.value)


@on_slipstream
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_proxy_of_the_environment(endpoint: Any, monkeypatch: Any, name: str, scheme: str) -> None:
    monkeypatch.delenv("REQUEST_METHOD", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)  # which is not for http
    with proxy() as running, proxy() as other:
        monkeypatch.setenv(name, running.url.replace("http://", scheme))
        assert endpoint.login().list_nodes() == []
        used = len(running.requests)
        assert endpoint.login(proxy_url=other.url).list_nodes() == []
    assert used > 0
    assert (len(running.requests), len(other.requests)) == (used, used)


@pytest.mark.parametrize(
    ("entry", "url", "is_direct"),
    [
        ("nuv.la", "https://nuv.la/api", True),
        (".nuv.la", "https://www.nuv.la", True),
        ("nuv.la:443", "https://nuv.la", True),
        ("nuv.la:8443", "https://nuv.la:8443", True),
        ("127.0.0.1", "http://127.0.0.1:8182", True),
        ("127.0.0.1:8182", "http://127.0.0.1:8182", True),
        ("127.0.0.1:80", "http://127.0.0.1", True),
        ("127.0.0.0/8", "http://127.1.2.3:8182", True),
        ("::1", "http://[::1]:8182", True),
        ("[::1]", "http://[::1]:8182", True),
        ("[::1]:8182", "http://[::1]:8182", True),
        ("fd00::/8", "http://[fd12::3]:8182", True),
        ("*", "https://nuv.la", True),
        ("127.0.0.1:8183", "http://127.0.0.1:8182", False),
        ("nuv.la:80", "https://nuv.la", False),
        ("10.0.0.0/8", "http://127.0.0.1", False),
        ("/", "https://nuv.la", False),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, entry: str, url: str, is_direct: bool) -> None:
    monkeypatch.setenv("ALL_PROXY", NOWHERE)
    assert environment_proxy(url) == NOWHERE
    monkeypatch.setenv("NO_PROXY", f"example.org, {entry}")
    assert environment_proxy(url) == (None if is_direct else NOWHERE)


@on_slipstream
@pytest.mark.parametrize("url", [f"http://{QUOTED}@proxy:99x", f"http://{QUOTED}@", "http://a b"])
def test_proxy_of_the_environment_that_is_none(endpoint: Any, monkeypatch: Any, url: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(BadInput, match=r"environment.*Correct HTTP_PROXY") as caught:
        endpoint.login()
    assert "s3cret" not in str(caught.value)


@on_slipstream
def test_proxy_can_be_changed(driver: Driver) -> None:
    with proxy() as running:
        driver.connection.set_http_proxy(running.url)
        driver.list_nodes()
        used = len(running.requests)
    assert used > 0
    with pytest.raises(BadInput, match="proxy_url is not"):
        driver.connection.set_http_proxy("ftp://nowhere")
    assert driver.connection.proxy_url == running.url
    driver.connection.set_http_proxy(None)
    assert driver.list_nodes() == []
    assert len(running.requests) == used
