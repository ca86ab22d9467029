"""The address of a server, as a value."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit

import attrs

from slipstream.errors import BadInput, shorten

DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)


def _lower(host: str) -> str:
    return host.lower()


def _check_host(_: object, __: object, host: str) -> None:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise BadInput(f"{shorten(host)!r} is not a host name or an address.") from None
    elif not _HOST.fullmatch(host):
        raise BadInput(
            f"{shorten(host)!r} is not a host name or an address.",
            hint="Give the bare name as host, as in 'nuv.la', or a full URL as ex_endpoint.",
        )


def _check_port(_: object, __: object, port: int) -> None:
    if not 0 < port < 65536:
        raise BadInput(f"{port} is not a port: ports go from 1 to 65535.")


def _check_scheme(_: object, __: object, scheme: str) -> None:
    if scheme not in DEFAULT_PORTS:
        raise BadInput(f"{shorten(scheme)!r} is not a scheme of an endpoint: use https or http.")


@attrs.frozen(kw_only=True)
class Endpoint:
    """
    Where a server listens.

    :param scheme: ``https`` or ``http``.
    :param host: A host name, an IPv4 address, or an IPv6 address without brackets.
    :param port: The TCP port.
    :param base_path: A path before every other one, empty or like ``/cloud``.
    """

    scheme: str = attrs.field(default="https", validator=_check_scheme)
    host: str = attrs.field(converter=_lower, validator=_check_host)
    port: int = attrs.field(validator=_check_port)
    base_path: str = ""

    @port.default
    def _default_port(self) -> int:
        return DEFAULT_PORTS.get(self.scheme, 443)

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """
        Read an endpoint from a URL such as ``https://nuv.la`` or ``http://[::1]:8080/base``.

        :param url: The URL; a trailing slash does not matter.
        :returns: The endpoint.
        :raises BadInput: If it is no such URL, or holds a user name, a query or a fragment.
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except (ValueError, AttributeError):
            raise _not_a_url(url) from None
        # The parser drops some control characters without a word, and would let others through.
        if parts.scheme not in DEFAULT_PORTS or not host or not url.strip().isprintable():
            raise _not_a_url(url)
        if parts.username is not None or parts.query or parts.fragment:
            raise BadInput(
                "An endpoint holds no user name, password, query or fragment.",
                hint=f"Write it as '{parts.scheme}://{host}'; user name and password are given as"
                " key and secret.",
            )
        base_path = quote(parts.path.rstrip("/"), safe="/%-._~")
        if any(segment in {"", ".", ".."} for segment in base_path.split("/")[1:]):
            raise _not_a_url(url)
        return cls(
            scheme=parts.scheme,
            host=host,
            port=DEFAULT_PORTS[parts.scheme] if port is None else port,
            base_path=base_path,
        )

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    @property
    def url(self) -> str:
        """The URL without a trailing slash, default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.base_path}"

    def __str__(self) -> str:
        return self.url


def _not_a_url(text: object) -> BadInput:
    shown = repr(text) if isinstance(text, str) and "@" not in text else "This"
    return BadInput(
        f"{shown[:200]} is not the URL of an endpoint.",
        hint="Write scheme and host, as in 'https://nuv.la' or 'http://127.0.0.1:8182'.",
    )
