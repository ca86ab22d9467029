"""The address of a server, and the credentials of a user."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import attrs

from slipstream.errors import BadInput, shorten
from slipstream.values.fields import check_number, leads_elsewhere
from slipstream.values.plain import user_path

DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)
_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?\Z", re.ASCII)
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]*:[^\[\]]*)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?", re.ASCII
)


def split_address(address: str) -> tuple[str, int | None]:
    """Split ``nuv.la:443``, ``[::1]:443`` or ``::1``; the host is not checked further."""
    if address.count(":") > 1 and not address.startswith("["):
        return address, None
    match = _ADDRESS.fullmatch(address)
    if match is None:
        # What follows a colon and is no port may be a password.
        subject = "What follows the colon" if ":" in address else repr(shorten(address))
        raise BadInput(
            f"{subject} is not {'a port' if ':' in address else 'a host, or a host and a port'}.",
            hint="Write it as in 'nuv.la', 'nuv.la:443' or '[::1]:443'.",
        )
    return match["ipv6"] or match["name"], None if match["port"] is None else int(match["port"])


def join_address(host: str, port: int | None = None) -> str:
    """Join host and port as in a URL."""
    return f"{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"


def _canonical(host: str) -> str:
    """One spelling for each host: cookies and stored handles go by it."""
    try:
        address = ipaddress.IPv6Address("" if "%" in host else host)
    except ValueError:
        return host.lower()
    # Python 3.13 writes a mapped address so too.
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else address.compressed


@attrs.frozen(kw_only=True)
class Endpoint:
    """
    Where a server listens.

    :param scheme: ``https`` or ``http``.
    :param host: A host name, an IPv4 address, or an IPv6 address without brackets.
    :param port: The TCP port.
    :param base_path: A path before every other one, empty or like ``/cloud``.
    :ivar url: The URL without a trailing slash, default port left out.
    """

    scheme: str = "https"
    host: str = attrs.field(converter=_canonical)
    port: int = attrs.field()
    base_path: str = ""
    url: str = attrs.field(init=False, eq=False, repr=False)

    @port.default
    def _default_port(self) -> int:
        return DEFAULT_PORTS.get(self.scheme, 443)

    def __attrs_post_init__(self) -> None:
        if self.scheme not in DEFAULT_PORTS:
            raise BadInput(
                f"{shorten(self.scheme)!r} is not a scheme of an endpoint: use https or http."
            )
        check_number("port", self.port, least=1, most=65535, whole=True)
        host = self.host
        if "%" in host and ":" in host:
            # Libraries disagree on what is percent-encoded in a zone, and would take "%2530" for
            # the zone 30, 0 or %30: another network, or another host.
            raise BadInput(
                f"{shorten(host)!r} names the zone of an IPv6 address, which is not supported.",
                hint="Use an address without a zone, or a host name.",
            )
        # What ends in a number is an address; short forms such as 127.1 are read in many ways.
        if ":" in host or _NUMBER.search(host):
            is_host = True
            try:
                ipaddress.ip_address(host)
            except ValueError:
                is_host = False
        else:
            is_host = bool(_HOST.fullmatch(host))
        if not is_host:
            raise BadInput(
                f"{shorten(host)!r} is not a host name or an address.",
                hint="Pass the bare name as host, as in 'nuv.la', or a full URL as ex_endpoint.",
            )

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
        except (ValueError, AttributeError):
            raise _not_a_url(url) from None
        # The parser drops some control characters without a word, and would let others through.
        printable = url.strip().isprintable()
        if parts.scheme not in DEFAULT_PORTS or not parts.netloc or not printable:
            raise _not_a_url(url)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise BadInput(
                "An endpoint holds no user name, password, query or fragment.",
                hint=f"Write it as '{parts.scheme}://{parts.netloc.rpartition('@')[2]}'; pass"
                " user name and password as key and secret.",
            )
        if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
            # What follows the last colon could be a port, or the end of an address.
            raise _not_a_url(url)
        host, port = split_address(parts.netloc.removesuffix(":"))
        base_path = quote(parts.path.rstrip("/"), safe="/%-._~")
        if "" in base_path.split("/")[1:] or leads_elsewhere(base_path):
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

    @url.default
    def _url(self) -> str:
        port = None if self.port == DEFAULT_PORTS.get(self.scheme) else self.port
        return f"{self.scheme}://{join_address(self.host, port)}{self.base_path}"

    def __str__(self) -> str:
        return self.url


def _not_a_url(text: object) -> BadInput:
    subject = repr(shorten(text)) if isinstance(text, str) and "@" not in text else "This"
    return BadInput(
        f"{subject[:200]} is not the URL of an endpoint.",
        hint="Write scheme and host, as in 'https://nuv.la' or 'http://127.0.0.1:8182'.",
    )


def _frozen(mapping: object) -> Mapping[str, object]:
    if not isinstance(mapping, Mapping) or not all(isinstance(name, str) for name in mapping):
        raise TypeError("ex_login_parameters must be a dict whose names are strings.")
    return MappingProxyType(dict(mapping))


def _check_text(_: object, field: attrs.Attribute[str | None], value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{field.name} must be a string, not {type(value).__name__}.")


def _cookie_file(path: object) -> Path:
    return user_path("ex_cookie_file", path)


@attrs.frozen(kw_only=True)
class Credentials:
    """
    Everything that a login method may need. Its repr has no secret.

    :param key: User name, or the id of an API key (``credential/<uuid>``).
    :param secret: Password, or the secret of the API key.
    :param parameters: Further fields of the server's session template.
    :param cookie_file: A cookie file in Netscape format that holds a session.
    :param method: The name of the login method that the user chose; ``None`` lets the
        look of the key decide.
    :param group: A group of the user to act for.
    """

    key: str | None = attrs.field(default=None, validator=_check_text)
    secret: str | None = attrs.field(default=None, repr=False, validator=_check_text)
    parameters: Mapping[str, object] = attrs.field(factory=dict, converter=_frozen, repr=False)
    cookie_file: Path | None = attrs.field(
        default=None, converter=attrs.converters.optional(_cookie_file)
    )
    method: str | None = attrs.field(default=None, validator=_check_text)
    group: str | None = attrs.field(default=None, validator=_check_text)
