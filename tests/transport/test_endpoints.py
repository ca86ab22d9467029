from __future__ import annotations

import socket
from typing import Any
from unittest import mock

import pytest
import requests
from endpoints_under_test import LiveEndpoint
from hypothesis import example, given
from hypothesis import strategies as st
from servers import below, front

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver
from slipstream.values.endpoint import Endpoint, join_address, split_address


class _Reached(Exception):
    """Stands for the login: only the address is looked at."""


def reached(driver: type[SlipStreamNodeDriver] = SlipStreamNodeDriver, **options: Any) -> Endpoint:
    with (
        mock.patch("slipstream.libcloud.driver.connect", side_effect=_Reached) as connect,
        pytest.raises(_Reached),
    ):
        driver("alice", "secret", **options)
    endpoint = connect.call_args.args[0]
    assert isinstance(endpoint, Endpoint)
    return endpoint


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://nuv.la"),
        ({"host": None}, "https://nuv.la"),
        ({"secure": False}, "http://nuv.la"),
        ({"port": 8443}, "https://nuv.la:8443"),
        ({"port": "8443"}, "https://nuv.la:8443"),
        ({"port": 443, "secure": False}, "http://nuv.la:443"),
        ({"port": 80}, "https://nuv.la:80"),
        ({"host": "example.org", "port": 80, "secure": True}, "https://example.org:80"),
        ({"host": "example.org:8443"}, "https://example.org:8443"),
        ({"host": "example.org:8443", "port": 8443}, "https://example.org:8443"),
        ({"host": "127.0.0.1:8182", "secure": False}, "http://127.0.0.1:8182"),
        ({"host": "::1"}, "https://[::1]"),
        ({"host": "[::1]"}, "https://[::1]"),
        ({"host": "::1", "port": 8443}, "https://[::1]:8443"),
        ({"host": "[::1]:8443"}, "https://[::1]:8443"),
        ({"host": "0:0:0:0:0:0:0:1"}, "https://[::1]"),
        ({"host": "[2001:DB8::0:1]:8443"}, "https://[2001:db8::1]:8443"),
        ({"ex_endpoint": "https://[::FFFF:7f00:1]"}, "https://[::ffff:127.0.0.1]"),
        ({"ex_endpoint": " https://NUV.la:443/ "}, "https://nuv.la"),
        ({"ex_endpoint": "http://my_server.local:80"}, "http://my_server.local"),
        ({"ex_endpoint": "https://example.org/base///"}, "https://example.org/base"),
        ({"ex_endpoint": "http://[::1]:8182/base"}, "http://[::1]:8182/base"),
        (
            {"ex_endpoint": "https://example.org", "host": "x", "port": 5, "secure": False},
            "https://example.org",
        ),
    ],
    ids=str,
)
def test_address_of_an_endpoint(options: dict[str, Any], url: str) -> None:
    assert reached(**options).url == url


def test_address_of_the_nuvla_driver() -> None:
    assert reached(NuvlaNodeDriver).url == "https://nuvla.io"
    assert reached(NuvlaNodeDriver, host=None, port=8443).url == "https://nuvla.io:8443"
    assert reached(NuvlaNodeDriver, host="example.org").url == "https://example.org"


LOGIN = "alice:pa55@example.org"


@pytest.mark.parametrize(
    "options",
    [
        *({"ex_endpoint": f"https://{login}"} for login in (LOGIN, "alice@example.org")),
        *({"host": host} for host in (LOGIN, f"{LOGIN}:443", f"https://{LOGIN}")),
        {"host": "example.org:8443", "port": 443},
        {"host": "example.org:"},
        {"host": "example.org:port"},
        {"host": ":8443"},
        {"host": "[::1"},
        {"host": "::g"},
        {"host": "fe80::1%eth0"},
        {"host": "[fe80::1%25eth0]:443"},
        {"host": "[nuv.la]:443"},
        {"ex_endpoint": "http://[fe80::1%2530]:8080"},
        {"ex_endpoint": "http://[fe80::1%25eth0]"},
        {"ex_endpoint": "http://[::1]x:80"},
        {"ex_endpoint": "http://x[::1]"},
        {"ex_endpoint": "http://[v1.fe80]"},
        {"ex_endpoint": "http://::1:8080"},
        {"ex_endpoint": "http://[::1]:0"},
        {"ex_endpoint": "http://[::1]:99999"},
        {"ex_endpoint": "http://[::1]:٤٤٣"},
        *({"port": port} for port in (True, 443.5, 0, 70000, "http")),
        *({"host": host} for host in ("", "a/b", "https://nuv.la", 5, "256.1.1.1")),
        *({"host": host} for host in ("127.1", "0x7f.1", "2130706433", "0177.0.0.1", "1.2.3.4.5")),
        *({"ex_endpoint": url * 10_000} for url in ("x", "'", "https://x")),
        *({"ex_endpoint": url} for url in (
            "", "nuv.la", "ftp://nuv.la", "https://", "http://[::1", "https://nuv.la:99999",
            "https://nuv.la:port", "https://nuv.la/?x=1", "https://nuv.la/#top",
            "https://nuv la", "https://nuv.la/../x", "https://exa\nmple.org/a b\x00", 5,
        )),
    ],
    ids=repr,
)  # fmt: skip
def test_address_that_cannot_be_right(options: dict[str, Any]) -> None:
    is_login = "alice" in str(options)
    with pytest.raises(BadInput, match="key and secret" if is_login else None) as caught:
        SlipStreamNodeDriver("alice", "secret", **options)
    assert len(str(caught.value)) < 500
    assert "pa55" not in str(caught.value)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("as_url", [True, False])
def test_server_at_an_address_of_ipv6(endpoint: LiveEndpoint, as_url: bool) -> None:
    with front(endpoint.url, host="::1") as url:
        port = int(url.rpartition(":")[2])
        options = (
            {"ex_endpoint": url} if as_url else {"host": "::1", "port": port, "secure": False}
        )
        kind = endpoint.login()._session.kind.name
        driver = endpoint.login(**{"ex_endpoint": None, "ex_endpoint_kind": kind, **options})
        assert driver.list_nodes() == []
        assert (driver.ex_endpoint, driver.connection.host) == (url, "::1")


def test_base_path_goes_before_every_path(endpoint: LiveEndpoint) -> None:
    kind = endpoint.login()._session.kind.name
    with below("/cloud/one", endpoint.url) as (url, paths):
        driver = endpoint.login(ex_endpoint=f"{url}/", ex_endpoint_kind=kind)
        assert driver.list_nodes() == []
        assert driver.connection.request_path == "/cloud/one"
        assert driver.connection.request("/api/cloud-entry-point").object["id"]
    assert paths
    assert all(path.startswith("/cloud/one/") for path in paths)


@given(text=st.text() | st.text(alphabet="http://[]:%@.1afe#?x \\\n"))
@example("http://[")
@example("http://[fe80::1%2530]:8080")
def test_endpoint_parse_of_any_text(text: str) -> None:
    try:
        parsed = Endpoint.parse(text)
    except BadInput:
        return
    assert Endpoint.parse(parsed.url) == parsed
    assert requests.Request("GET", f"{parsed.url}/x").prepare().url == f"{parsed.url}/x"


@given(host=st.one_of(st.ip_addresses().map(str), st.just("nuv.la")), port=st.integers(1, 65535))
def test_split_address_undoes_join_address(host: str, port: int) -> None:
    assert split_address(join_address(host, port)) == (host, port)
    assert split_address(join_address(host)) == split_address(host) == (host, None)
    endpoint = Endpoint(host=host, port=port)
    assert Endpoint.parse(endpoint.url) == endpoint
