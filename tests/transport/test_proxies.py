from __future__ import annotations

import logging
from typing import Any

import pytest
from authority import Authority, Pair, tls
from endpoints_under_test import LiveEndpoint
from servers import front, proxy

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, NoAnswer
from slipstream.transport.connections import proxies_for

PASSWORD = "s3cret&proxy"
LOGIN = f"carol:{PASSWORD}"
QUOTED = "carol:s3cret%26proxy"


def with_login(url: str, login: str = QUOTED) -> str:
    return url.replace("http://", f"http://{login}@")


def test_everything_goes_through_the_proxy_that_is_given(endpoint: LiveEndpoint) -> None:
    with proxy() as one:
        driver = endpoint.login(proxy_url=one.url)
        assert driver.list_nodes() == []
    assert len(one.asked) == len(endpoint.sandbox.journal)


def test_https_goes_through_a_proxy_too_and_is_checked_behind_it(
    endpoint: LiveEndpoint, authority: Authority, server: Pair
) -> None:
    with proxy(LOGIN) as one, front(endpoint.url, tls=tls(server)) as url:
        given = {"ex_endpoint": url, "proxy_url": with_login(one.url)}
        assert endpoint.login(**given, ex_ca_cert=authority.certificate).list_nodes() == []
        with pytest.raises(NoAnswer, match="is not trusted"):
            endpoint.login(**given)
        with pytest.warns(match="Unverified HTTPS requests go to") as seen:
            assert endpoint.login(**given, ex_verify=False).list_nodes() == []
    assert len(seen) == 1
    assert {asked.partition(" ")[0] for asked in one.asked} == {"CONNECT"}


def test_the_login_of_a_proxy_is_sent_and_shown_nowhere(
    endpoint: LiveEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with proxy(LOGIN) as one:
        driver = endpoint.login(proxy_url=with_login(one.url))
        assert driver.list_nodes() == []
        shown = repr([driver, driver.connection, driver._session.transport.settings])
    assert "s3cret" not in shown + caplog.text


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_proxy_that_wants_another_login_is_told_without_the_password(
    endpoint: LiveEndpoint, encrypted: bool
) -> None:
    url = endpoint.url.replace("http:", "https:") if encrypted else endpoint.url
    with proxy("somebody:else") as one, pytest.raises(NoAnswer, match="407") as caught:
        endpoint.login(ex_endpoint=url, proxy_url=with_login(one.url))
    assert "s3cret" not in str(caught.value)
    assert not caught.value.may_have_happened


def test_a_proxy_that_is_not_there_is_named_without_its_password(endpoint: LiveEndpoint) -> None:
    with pytest.raises(NoAnswer, match=r"through the proxy http://\S+127\.0\.0\.1:9") as caught:
        endpoint.login(proxy_url=f"http://{QUOTED}@127.0.0.1:9")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"http://{QUOTED}@proxy.example.org",
        f"socks5://{QUOTED}@proxy.example.org:1080",
        f"http://{QUOTED}@proxy.example.org:port",
        f"http://{QUOTED}@proxy.example.org:99999",
        f"http://{QUOTED}@:3128",
        f"http://{QUOTED}@proxy.example.org:3128/path",
        f"http://{QUOTED}@proxy\n.example.org:3128",
        f"{QUOTED}@proxy.example.org:3128",
        f"http://[{QUOTED}:3128",
        "",
        5,
    ],
    ids=repr,
)
def test_what_is_no_proxy_is_refused_without_being_quoted(url: Any) -> None:
    with pytest.raises(BadInput, match="proxy_url is not the URL of a proxy") as caught:
        SlipStreamNodeDriver("a", "b", ex_endpoint="http://127.0.0.1:9", proxy_url=url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_environment_names_a_proxy_that_is_used(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "HTTP_PROXY":
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
    with proxy() as one:
        monkeypatch.setenv(name, one.url)
        assert endpoint.login().list_nodes() == []
        used = len(one.asked)
        with proxy() as other:
            assert endpoint.login(proxy_url=other.url).list_nodes() == []
    assert used > 0
    assert (len(one.asked), len(other.asked)) == (used, used)


def test_the_proxy_for_https_is_not_used_for_http(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert endpoint.login().list_nodes() == []


def test_the_environment_says_where_no_proxy_is_used(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", f"example.org, {endpoint.url.removeprefix('http://')}")
    assert endpoint.login().list_nodes() == []
    with proxy() as one:
        assert endpoint.login(proxy_url=one.url).list_nodes() == []
    assert one.asked


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("nuv.la", "https://nuv.la/api"),
        (".nuv.la", "https://www.nuv.la"),
        ("nuv.la:443", "https://nuv.la"),
        ("nuv.la:8443", "https://nuv.la:8443"),
        ("127.0.0.1", "http://127.0.0.1:8182"),
        ("127.0.0.1:8182", "http://127.0.0.1:8182"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("127.0.0.0/8", "http://127.1.2.3:8182"),
        ("::1", "http://[::1]:8182"),
        ("[::1]", "http://[::1]:8182"),
        ("[::1]:8182", "http://[::1]:8182"),
        ("fd00::/8", "http://[fd12::3]:8182"),
        ("*", "https://nuv.la"),
    ],
)
def test_whoever_is_named_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, entry: str, url: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert proxies_for(url, None)
    monkeypatch.setenv("NO_PROXY", f"example.org,{entry}")
    assert proxies_for(url, None) == {}
    assert proxies_for(url, "http://127.0.0.1:8")["http"] == "http://127.0.0.1:8"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("127.0.0.1:8183", "http://127.0.0.1:8182"),
        ("nuv.la:80", "https://nuv.la"),
        ("10.0.0.0/8", "http://127.0.0.1"),
        ("/", "https://nuv.la"),
    ],
)
def test_others_are_not(monkeypatch: pytest.MonkeyPatch, entry: str, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", entry)
    assert proxies_for(url, None)["http"] == "http://127.0.0.1:9"


def test_a_proxy_of_the_environment_needs_no_scheme(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy() as one:
        monkeypatch.setenv("HTTP_PROXY", one.url.removeprefix("http://"))
        assert endpoint.login().list_nodes() == []
    assert one.asked


@pytest.mark.parametrize("url", [f"http://{QUOTED}@proxy:99x", f"http://{QUOTED}@", "http://a b"])
def test_a_proxy_of_the_environment_that_cannot_be_one_is_refused_without_being_quoted(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(BadInput, match=r"environment.*Correct HTTP_PROXY") as caught:
        endpoint.login()
    assert "s3cret" not in str(caught.value)


def test_a_proxy_can_be_set_later_and_taken_away_again(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    with proxy() as one:
        driver.connection.set_http_proxy(one.url)
        assert driver.connection.proxy_url == one.url
        driver.list_nodes()
        used = len(one.asked)
    assert used > 0
    with pytest.raises(BadInput, match="proxy_url is not"):
        driver.connection.set_http_proxy("ftp://nowhere")
    assert driver.connection.proxy_url == one.url
    driver.connection.set_http_proxy(None)
    assert driver.list_nodes() == []
    assert len(one.asked) == used
