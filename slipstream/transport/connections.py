"""Proxies, certificates and connections, and the exceptions for their failures."""

from __future__ import annotations

import io
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    LocationParseError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util import parse_url

from slipstream.errors import (
    AnswerLost,
    AnswerTimeout,
    BadInput,
    CannotConnect,
    ConnectTimeout,
    NoAnswer,
)
from slipstream.transport import clock
from slipstream.transport.messages import Request
from slipstream.values.endpoint import DEFAULT_PORTS, join_address
from slipstream.values.plain import file_error, safe_text, shown_path, user_path

RESPONSE_FACTOR: Final = 10
"""
How many times as long as the timeout for the next bytes a whole response may take.

A timeout of a socket begins anew with each byte, so that it ends no response that trickles.
"""

MAX_BYTES: Final = 128 * 1024 * 1024
"""Bytes that a response may have, on the wire and once decompressed."""


class _BoundedStream(io.RawIOBase):
    """
    The bytes of one response, limited in time and number.

    :param sock: The socket that they come from, its timeout set.
    :param stream: Reads from it.
    """

    def __init__(self, sock: socket.socket, stream: io.BufferedIOBase) -> None:
        super().__init__()
        self._sock, self._stream = sock, stream
        self._timeout = sock.gettimeout()
        self._deadline = clock.monotonic() + RESPONSE_FACTOR * (self._timeout or 0.0)
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._timeout is not None:
            left = self._deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError("the response is not complete in time")
            self._sock.settimeout(min(left, self._timeout))
        if self._bytes > MAX_BYTES:
            raise OSError(f"the response is larger than {MAX_BYTES} bytes")
        number = self._stream.readinto1(buffer)
        self._bytes += number
        return number

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class FinalResponse(HTTPResponse):
    """A response with limits, interim ones skipped."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedStream(sock, self.fp))

    def begin(self) -> None:
        """Read the head, skipping interim responses, of which the library skips 100 alone."""
        super().begin()
        while 100 <= self.status < 200:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _HTTPConnection(HTTPConnection):
    response_class = FinalResponse


class _HTTPSConnection(HTTPSConnection):
    response_class = FinalResponse

    def connect(self) -> None:
        super().connect()
        # Where certificates are not checked the transport has warned once; urllib3 would warn
        # again with every request.
        self.is_verified = True


_CLASSES: dict[Any, Any] = {HTTPConnection: _HTTPConnection, HTTPSConnection: _HTTPSConnection}


class Connections(HTTPAdapter):
    """The connections of one transport."""

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Find the pool for a request."""
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        # A tool that records or replays traffic puts classes of its own here, which stay.
        used = type(pool).ConnectionCls
        pool.ConnectionCls = _CLASSES.get(used, used)
        return pool


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


Certificate = str | tuple[str, str]
"""The file of a certificate and its key, or the two files."""

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


def client_certificate(value: object, name: str) -> Certificate:
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


_DEMANDED = {"CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA"}
_AFTER_REQUEST = {"UNEXPECTED_EOF_WHILE_READING", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"}
_NO_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
}
_OTHER_NAME = {62, 63, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and those of mail and IP addresses

_SSL_REASON = re.compile(r"^\[SSL(: \w+)?\] ")
_CLIENT_CERTIFICATE = "If it demands a certificate of yours, pass it as ex_client_cert."


@attrs.frozen(kw_only=True)
class Route:
    """The URL that requests go to, and the proxy that they go through, without its login."""

    endpoint: str
    mask: Callable[[str], str]
    proxy: str | None = None

    def failure(self, error: Exception, request: Request) -> NoAnswer:
        """The exception for what the HTTP library raised while a request was sent."""
        inner, timed_out = _innermost(error), requests.exceptions.ConnectTimeout
        is_tls = isinstance(error, requests.exceptions.SSLError)
        if is_tls and isinstance(inner, ssl.SSLCertVerificationError):
            return self._distrusted(inner)
        if is_tls and isinstance(inner, ssl.SSLError) and not isinstance(inner, ssl.SSLEOFError):
            reason = str(inner.reason or "")
            if reason not in _AFTER_REQUEST:
                return self._not_encrypted(inner, reason)
        elif isinstance(error, timed_out) or (not is_tls and _never_connected(error)):
            cls = ConnectTimeout if isinstance(error, timed_out) else CannotConnect
            return cls(
                f"Cannot connect to {self._to}: {self._cause(inner)}.",
                endpoint=self.endpoint,
                hint="Check the address, the network and any proxy.",
            )
        hints = ["Try again later."] if request.repeatable else []
        # Since TLS 1.3 a client may have sent its request when its certificate is found missing.
        is_cut = isinstance(inner, ssl.SSLEOFError | ConnectionError)
        if is_cut and self.endpoint.startswith("https:"):
            hints.append(_CLIENT_CERTIFICATE)
        is_late = isinstance(inner, TimeoutError | ReadTimeoutError)
        return (AnswerTimeout if is_late else AnswerLost)(
            f"{request.method} {request.path} was sent to {self.endpoint} and no complete response"
            f" came back: {self._cause(inner)}.",
            endpoint=self.endpoint,
            hint=" ".join(hints) or None,
        )

    def refused_by_proxy(self) -> CannotConnect:
        """The exception for a proxy that refuses the login."""
        return CannotConnect(
            f"Cannot connect to {self._to}: it demands another login (HTTP 407).",
            endpoint=self.endpoint,
            hint="Write the login into proxy_url, as in 'http://user:password@host:3128'.",
        )

    def _not_encrypted(self, error: ssl.SSLError, reason: str) -> CannotConnect:
        hint = "Check the address and the port."
        if any(word in reason for word in _DEMANDED):
            hint = _CLIENT_CERTIFICATE
        elif any(word in reason for word in _NO_TLS):
            hint = "If it speaks plain http there, write http:// or secure=False; check the port."
        message = f"Cannot encrypt the connection to {self._to}: {self._cause(error)}."
        return CannotConnect(message, endpoint=self.endpoint, hint=hint)

    def _distrusted(self, error: ssl.SSLCertVerificationError) -> CannotConnect:
        reason = safe_text(error.verify_message) if error.verify_message else self._cause(error)
        what = "not trusted"
        hint = (
            "For a private authority pass the path of its certificate as ex_ca_cert (or set"
            " libcloud.security.CA_CERTS_PATH for every driver)."
        )
        if error.verify_code in _OTHER_NAME:
            what = "for another host"
            hint = "Use the host name that it is for, or have one made for this one."
        message = f"The certificate of {self.endpoint} is {what}: {reason}."
        return CannotConnect(message, endpoint=self.endpoint, hint=hint)

    def _cause(self, inner: BaseException) -> str:
        """The reason without the addresses and object names that urllib3 adds."""
        text = inner.args[-1] if inner.args else type(inner).__name__
        text = _SSL_REASON.sub("", str(getattr(inner, "strerror", None) or text))
        return safe_text(self.mask(text.split(": ", 1)[-1]), 200).rstrip(".")

    @property
    def _to(self) -> str:
        return self.endpoint + (f" through the proxy {self.proxy}" if self.proxy else "")


def _never_connected(error: Exception) -> bool:
    before = requests.exceptions
    if isinstance(error, before.ProxyError | before.InvalidURL | LocationValueError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _innermost(error: BaseException) -> Any:
    inner: Any = error
    while True:
        deeper = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(deeper, BaseException):
            return inner
        inner = deeper
