"""Find the proxy for an endpoint: the argument's, or the environment's."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from slipstream.errors import BadInput
from slipstream.values.endpoint import DEFAULT_PORTS, join_address

_SCHEMES = ("http", "https")
_LOWER = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_VARIABLES = (*_LOWER, *map(str.upper, _LOWER))


def check_proxy(url: object, name: str) -> str:
    """Make sure that an argument is the URL of a proxy."""
    if not isinstance(url, str) or not _is_whole(url):
        raise BadInput(
            f"{name} is not the URL of a proxy.",
            hint="Write it as 'http://proxy.example.org:3128', or with a login as"
            " 'http://user:password@proxy.example.org:3128'.",
        )
    return url


def proxies_for(url: str, proxy_url: str | None) -> dict[str, str]:
    """The proxies for an address by scheme, none if it is reached directly."""
    if proxy_url:
        return dict.fromkeys(_SCHEMES, proxy_url)
    scheme, _, rest = url.partition("://")
    address = f"{scheme}://{rest.partition('/')[0]}"
    proxy = _environment_proxy(address, tuple(map(os.environ.get, _VARIABLES)))
    return {} if not proxy else dict.fromkeys(_SCHEMES, _checked(proxy))


@lru_cache(maxsize=16)
def _environment_proxy(address: str, variables: tuple[str | None, ...]) -> str | None:  # noqa: ARG001
    """
    The proxy that the environment names for an address; to look for it reads every variable.

    :param variables: What decides of it: another value is looked for anew.
    """
    return None if _left_out(address) else select_proxy(address, get_environ_proxies(address))


def _is_whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname and parts.port)
    except ValueError:
        return False
    more = parts.path.strip("/") or parts.query or parts.fragment
    return parts.scheme in _SCHEMES and complete and not more and _plain(url)


def _plain(url: str) -> bool:
    return url.isprintable() and " " not in url


def _checked(proxy: str) -> str:
    """A proxy of the environment, as curl takes it: scheme and port may be missing."""
    whole = proxy if "://" in proxy else f"http://{proxy}"
    try:
        if parse_url(whole).host and _plain(whole):
            return whole
    except LocationParseError:
        pass
    raise BadInput(
        "The proxy that the environment names is not the URL of a proxy.",
        hint="Correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or give proxy_url, which wins.",
    )


def _left_out(url: str) -> bool:
    """
    Whether ``NO_PROXY`` names an address in a way that requests does not understand: with its
    port where it is a number or the scheme's own, or as a network of IPv6.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    names = {"*", host, join_address(host), f"{host}:{port}", join_address(host, port)}
    return any(entry in names or _holds(entry, host) for entry in _entries())


def _entries() -> Iterator[str]:
    text = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    yield from (entry.strip().lower() for entry in text.split(",") if entry.strip())


def _holds(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
