"""The settings of a transport: time limits, proxies and certificates, and their checks."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import InsecureRequestWarning, LocationParseError
from urllib3.util import parse_url

from slipstream.errors import BadInput
from slipstream.transport.messages import MAX_DEPTH, MAX_ELEMENTS
from slipstream.transport.request_log import Exchange
from slipstream.values.endpoint import DEFAULT_PORTS, join_address
from slipstream.values.fields import LONGEST_SOCKET_TIMEOUT, within
from slipstream.values.plain import file_error, shown_path, user_path
from slipstream.version import VERSION

MAX_BYTES: Final = 128 * 1024 * 1024
"""Bytes that a response may have, on the wire and once decompressed."""

_SOCKET_TIMEOUT = within(above_zero=True, most=LONGEST_SOCKET_TIMEOUT)
_COUNT = within(least=1, whole=True)


@attrs.frozen(kw_only=True)
class TransportSettings:
    """
    The settings of a transport.

    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for the next bytes of a response; the whole response,
        head included, may take ten times as long.
    :param attempts: How often a repeatable request is sent at most.
    :param retry_delay: Seconds before the second attempt.
    :param backoff: By how much each further pause is longer.
    :param longest_pause: Seconds that a pause before another attempt never exceeds; after a
        response that names a longer one no other attempt is made.
    :param proxy_url: A proxy for this endpoint; ``None`` leaves it to the environment.
    :param verify: Whether to check the server's certificate, or the file or the directory of
        the authorities to trust; no environment variable changes that.
    :param client_cert: A certificate to show: its file, or the files of it and of its key.
    :param user_agent: The user agent.
    :param largest_body: Bytes that a response may have, once decompressed, with any status.
    :param max_elements: Values of JSON or elements of XML that a body may have.
    :param max_depth: Levels that these may nest.
    :param connections: Connections that are kept open.
    :param observer: Called with every finished exchange.
    """

    connect_timeout: float = attrs.field(default=10.0, validator=_SOCKET_TIMEOUT)
    read_timeout: float = attrs.field(default=60.0, validator=_SOCKET_TIMEOUT)
    attempts: int = attrs.field(default=4, validator=_COUNT)
    retry_delay: float = attrs.field(default=0.5, validator=within())
    backoff: float = attrs.field(default=2.0, validator=within())
    longest_pause: float = attrs.field(default=30.0, validator=within())
    proxy_url: str | None = attrs.field(default=None, repr=False)
    verify: bool | str = True
    client_cert: str | tuple[str, str] | None = None
    user_agent: str = f"slipstream-libcloud-driver/{VERSION}"
    largest_body: int = attrs.field(default=MAX_BYTES, validator=_COUNT)
    max_elements: int = attrs.field(default=MAX_ELEMENTS, validator=_COUNT)
    max_depth: int = attrs.field(default=MAX_DEPTH, validator=_COUNT)
    connections: int = attrs.field(default=256, validator=_COUNT)
    observer: Callable[[Exchange], object] | None = attrs.field(default=None, repr=False, eq=False)


class UncheckedCertificate(InsecureRequestWarning):
    """
    A transport does not check certificates; raised once, not with each request.

    A filter for urllib3's own warning, by class or by words, silences this one too.
    """


def check_proxy(url: object, name: str) -> str:
    """Make sure that an argument is the URL of a proxy."""
    with suppress(ValueError):
        parts = urlsplit(url if isinstance(url, str) and _is_printable(url) else "")
        more = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port and not more:
            return str(url)
    raise BadInput(
        f"{name} is not the URL of a proxy.",
        hint="Write it as 'http://proxy.example.org:3128', or with a login as"
        " 'http://user:password@proxy.example.org:3128'.",
    )


def environment_proxy(url: str) -> str | None:
    """The proxy that the environment names for an address, as curl takes it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    # What requests does not understand: an address with its port, or with the scheme's own, and
    # networks of IPv6.
    names = {"*", host, join_address(host), f"{host}:{port}", join_address(host, port)}
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    for entry in map(str.strip, no_proxy.lower().split(",")):
        if entry in names:
            return None
        with suppress(ValueError):
            network = ipaddress.ip_network(entry, strict=False)
            if ipaddress.ip_address(host) in network:
                return None
    address = f"{parts.scheme}://{parts.netloc}"
    proxy = select_proxy(address, get_environ_proxies(address))
    if not proxy:
        return None
    # Scheme and port may be missing.
    whole = proxy if "://" in proxy else f"http://{proxy}"
    with suppress(LocationParseError):
        if parse_url(whole).host and _is_printable(whole):
            return whole
    raise BadInput(
        "The proxy that the environment names is not the URL of a proxy.",
        hint="Correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or give proxy_url, which wins.",
    )


def _is_printable(url: str) -> bool:
    return url.isprintable() and " " not in url


_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")


_ENCRYPTED = re.compile(rb"BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED")


def authorities(path: object, name: str) -> str:
    """The path of authorities to trust: a PEM file, or a directory made by ``openssl rehash``."""
    file = user_path(name, path)
    try:
        if file.is_dir():
            if not any(_HASHED_NAME.fullmatch(entry.name) for entry in file.iterdir()):
                raise BadInput(
                    f"{name}: the directory {file} holds no certificate under its hash.",
                    hint=f"Run 'openssl rehash {file}', or name one file.",
                )
        else:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise BadInput(
            f"{name}: {file} holds no certificate in PEM format.",
            hint="It begins with a line '-----BEGIN CERTIFICATE-----'.",
        ) from None
    except OSError as error:
        raise _unreadable_file(name, file, error) from None
    return str(file)


def client_certificate(value: object, name: str) -> str | tuple[str, str]:
    """Check the path of a client's certificate with its key, or the paths of the two."""
    paths: Any = (value,) if isinstance(value, str | os.PathLike) else value
    if not isinstance(paths, tuple | list) or (paths is value and len(paths) != 2):
        raise TypeError(
            f"{name} must be a path, or (certificate, key), not {type(value).__name__}."
        )
    first, *rest = files = [user_path(name, path) for path in paths]
    try:
        is_encrypted = [_ENCRYPTED.search(file.read_bytes()) for file in files][-1]
        # Without a password OpenSSL would ask for one.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(first, files[-1], password="")
    except ssl.SSLError as error:
        names, hint = " and ".join(map(str, files)), None
        if is_encrypted:
            what = f"the key in {files[-1]} is encrypted."
            hint = "Write it without one: openssl pkey -in encrypted.pem -out key.pem."
        elif error.reason == "KEY_VALUES_MISMATCH":
            what = f"the key in {files[-1]} belongs to another certificate."
        else:
            what = f"{names} hold no certificate with its key in PEM format."
            hint = "Pass one file with both, or (certificate, key)."
        raise BadInput(f"{name}: {what}", hint=hint) from None
    except OSError as error:
        raise _unreadable_file(name, Path(error.filename or first), error) from None
    return (str(first), str(rest[0])) if rest else str(first)


def _unreadable_file(name: str, file: Path, error: OSError) -> BadInput:
    return file_error(
        f"{name}: {shown_path(file)} cannot be read",
        file,
        error,
        hint="Pass the path of a PEM file that this program may read.",
    )
