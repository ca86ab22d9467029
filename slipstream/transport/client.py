"""
Send HTTP requests to one endpoint: connections, timeouts, retries, pacing.

What is safe to repeat is repeated, nothing else is: a request marked ``repeatable`` is sent again
after a failure to connect, a lost response, and the statuses 429, 502, 503 and 504, at most
``TransportSettings.attempts`` times in all, after a pause that grows and varies, or the pause
that ``Retry-After`` names. Any other request is sent once.
"""

from __future__ import annotations

import io
import logging
import re
import socket
import ssl
import warnings
from collections.abc import Callable
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any, Final

import attrs
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ClosedPoolError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)

from slipstream.errors import (
    AnswerLost,
    AnswerTimeout,
    BadInput,
    CannotConnect,
    ConnectTimeout,
    DriverClosed,
    DriverError,
    MalformedAnswer,
    NoAnswer,
    RedirectRefused,
)
from slipstream.redaction import KnownSecrets, Redactor
from slipstream.transport import calls
from slipstream.transport.calls import (
    Backoff,
    Pacer,
    PerProcess,
    attributes,
    get_logger,
    stacklevel,
)
from slipstream.transport.messages import EndpointCookieJar, Request, Response
from slipstream.transport.request_log import Exchange
from slipstream.transport.settings import (
    MAX_BYTES,
    TransportSettings,
    UncheckedCertificate,
    environment_proxy,
)
from slipstream.values.endpoint import Endpoint
from slipstream.values.plain import safe_text

log = get_logger(__name__)
wire = logging.getLogger("slipstream.exchanges")

_TRANSIENT = frozenset({429, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

RESPONSE_FACTOR: Final = 10
"""
How many times as long as the timeout for the next bytes a whole response may take.

A timeout of a socket begins anew with each byte, so that it ends no response that trickles.
"""


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
        self._deadline = calls.monotonic() + RESPONSE_FACTOR * (self._timeout or 0.0)
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._timeout is not None:
            left = self._deadline - calls.monotonic()
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


class Transport:
    """
    Sends requests to one endpoint; threads and forked children may share it.

    :param endpoint: Where to send them.
    :param settings: How; they may be replaced at any time, and count from the next request on.
    :ivar closed: Whether it was closed.
    """

    def __init__(self, endpoint: Endpoint, settings: TransportSettings | None = None) -> None:
        self.endpoint = endpoint
        self.settings = settings or TransportSettings()
        self.secrets = KnownSecrets()
        self.redactor = Redactor(self.secrets)
        if endpoint.secure and self.settings.verify is False:
            warnings.warn(
                f"Unverified HTTPS requests go to {endpoint}: its certificate is not checked, so"
                " that others on the network can read and change everything.",
                UncheckedCertificate,
                stacklevel=stacklevel(),
            )
        number = self.settings.connections
        self._connections = PerProcess(lambda: Connections(1, number))
        self._pacer = Pacer()
        self.closed = False

    def __repr__(self) -> str:
        return f"<Transport to {self.endpoint}{', closed' if self.closed else ''}>"

    def __getstate__(self) -> None:
        raise TypeError("A transport is not copied or pickled: it holds secrets.")

    def to(self, endpoint: Endpoint) -> Transport:
        """Make a transport to another endpoint with the same settings and secrets."""
        if endpoint == self.endpoint:
            return self
        other = Transport(endpoint, self.settings)
        other.secrets, other.redactor = self.secrets, self.redactor
        return other

    def close(self) -> None:
        """
        Send nothing more, and close every connection.

        Requests that other threads have sent still get their responses.
        """
        self.closed = True
        self._connections.get().close()

    @cached_property
    def _environment_proxy(self) -> str | None:
        return environment_proxy(self.endpoint.url)

    def ensure_open(self) -> None:
        """Make sure that it was not closed."""
        if self.closed:
            raise DriverClosed(
                f"The session on {self.endpoint} was closed.",
                endpoint=self.endpoint.url,
                hint="Make a new driver.",
            )

    def send(self, request: Request, *, cookies: EndpointCookieJar | None = None) -> Response:
        """
        Send one request, repeating it where that is safe.

        :param request: The request.
        :param cookies: The cookies to send, and to add those to that the response sets.
        :returns: The response, with any status but a redirection.
        :raises BadInput: If it holds what HTTP cannot carry; nothing was sent.
        :raises CannotConnect: If no connection could be made.
        :raises AnswerLost: If the connection broke before the response was complete.
        :raises RedirectRefused: If the response is a redirection.
        :raises MalformedAnswer: If the response is larger than allowed.
        """
        settings = self.settings
        pauses = Backoff(
            start=settings.retry_delay,
            factor=settings.backoff,
            ceiling=settings.longest_pause,
            jitter=0.5,
        )
        attempts = settings.attempts if request.repeatable else 1
        cookies = EndpointCookieJar(secure=self.endpoint.secure) if cookies is None else cookies
        is_repeat = False
        if self._pacer.rate:
            calls.sleep(self._pacer.delay())
        while True:
            attempts -= 1
            sent = calls.monotonic()
            try:
                response = self._exchange(request, cookies, is_repeat=is_repeat)
            except (CannotConnect, AnswerLost) as error:
                delay = self._pacer.delay(next(pauses)) if attempts else 0.0
                if not attempts or _is_over(delay):
                    raise
                sentence = self.redactor.message(f"{request.method} {request.path}: {error}")
                log.info("%s", sentence)
                is_repeat = is_repeat or error.may_have_happened
            else:
                if response.status not in _TRANSIENT:
                    return response
                named = response.retry_after
                too_long = named is not None and named > settings.longest_pause
                if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                    pause = 0.0 if too_long else named or 0.0
                    self._pacer.slow_down(response.headers, sent=sent, pause=pause)
                if not attempts or too_long:
                    return response
                delay = self._pacer.delay(next(pauses) if named is None else named)
                if _is_over(delay):
                    return response
                is_repeat = is_repeat or response.status != HTTPStatus.TOO_MANY_REQUESTS
            calls.sleep(delay)

    def _exchange(
        self, request: Request, cookies: EndpointCookieJar, *, is_repeat: bool
    ) -> Response:
        """Send a request once, and log that when it is over or has failed."""
        self.ensure_open()
        cookies = cookies.copies.get()
        prepared = self._prepare(request, cookies)
        settings, started = self.settings, calls.monotonic()
        exchange = Exchange(
            prepared,
            self.redactor,
            proxy=settings.proxy_url or self._environment_proxy,
            verify=settings.verify,
            cert=settings.client_cert,
        )
        try:
            response = self._transfer(request, exchange)
            fields = [value for name, value in exchange.fields if name.lower() == "set-cookie"]
            if fields:
                cookies.extract(prepared, fields, date=response.date)
                self.secrets.keep(*(cookie.value for cookie in cookies), lasting=False)
        except BaseException as error:
            exchange.failure = str(error) or type(error).__name__
            raise
        finally:
            exchange.seconds = calls.monotonic() - started
            try:
                if wire.isEnabledFor(logging.DEBUG):
                    wire.debug("%s", exchange.text(), extra=attributes())
                if settings.observer is not None:
                    settings.observer(exchange)
            except Exception as error:  # noqa: BLE001 - to show it must not change what it does
                log.warning("an exchange cannot be shown: %s", type(error).__name__)
        if exchange.proxy and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise self._route(exchange.proxy).refused_by_proxy()
        if response.status in _REDIRECTS:
            raise self._redirected(response)
        return attrs.evolve(response, is_repeat=True) if is_repeat else response

    def _prepare(self, request: Request, cookies: EndpointCookieJar) -> requests.PreparedRequest:
        # The adapter sends it, not a session of requests: that would look for a login in a
        # .netrc file and for certificates in the environment, and reads the bodies of
        # redirections without a limit.
        usual = {
            "User-Agent": self.settings.user_agent,
            "Accept-Encoding": "gzip, deflate",
            "Accept": "*/*",
            "Connection": "keep-alive",
        }
        try:
            prepared = requests.Request(
                request.method,
                f"{self.endpoint.url}{request.path}",
                headers={**usual, **request.headers},
                params=list(request.query),
                data=request.body,
                cookies=cookies,
            ).prepare()
            # Half characters would be sent in an encoding that no server reads.
            request.path.encode()
            for name, value in prepared.headers.items():
                f"{name}{value}".encode("latin-1")
        except (ValueError, requests.RequestException) as error:
            raise BadInput(
                f"{request.method} {self.redactor.message(ascii(request.path))} cannot be sent:"
                f" {type(error).__name__}.",
                endpoint=self.endpoint.url,
                hint="Look for line breaks, and for characters that are not part of any text.",
            ) from None
        header = prepared.headers.get("Cookie", "")
        values = (cookie.partition("=")[2] for cookie in header.split("; "))
        self.secrets.keep(*values, lasting=False)
        return prepared

    def _transfer(self, request: Request, exchange: Exchange) -> Response:
        """Send a request, and read the response as far as the limits allow."""
        settings, url = self.settings, f"{self.endpoint.url}{request.path}"
        connections, body = self._connections.get(), bytearray()
        try:
            with connections.send(
                exchange.request,
                stream=True,
                timeout=(settings.connect_timeout, request.read_timeout or settings.read_timeout),
                # For True itself requests would ask the environment for a file.
                verify=DEFAULT_CA_BUNDLE_PATH if settings.verify is True else settings.verify,
                cert=settings.client_cert,
                proxies={self.endpoint.scheme: exchange.proxy} if exchange.proxy else None,
            ) as incoming:
                exchange.status = incoming.status_code
                exchange.fields = tuple(incoming.raw.headers.items())
                # Codings in a row, gzip within gzip, would multiply what each may unpack to.
                if incoming.headers.get("Content-Encoding", "").strip().lower() not in _CODINGS:
                    what = "The response has an encoding that was not requested."
                    raise MalformedAnswer(what, endpoint=url)
                for piece in incoming.raw.stream(64 * 1024, decode_content=True):
                    body += piece
                    if len(body) > settings.largest_body:
                        what = f"The response is larger than {settings.largest_body} bytes."
                        raise MalformedAnswer(what, endpoint=url)
        except DriverError:
            raise
        except Exception as error:  # noqa: BLE001 - the HTTP library lets through any
            if error.args and isinstance(error.args[0], ClosedPoolError):
                self.ensure_open()
            # The text of the error holds the whole URL.
            raise self._route(exchange.proxy).failure(error, request) from None
        finally:
            if self.closed:
                connections.close()
        exchange.content = bytes(body)
        return Response(
            status=incoming.status_code,
            headers=CaseInsensitiveDict(incoming.headers),
            body=exchange.content,
            url=url,
            max_elements=settings.max_elements,
            max_depth=settings.max_depth,
        )

    def _route(self, proxy: str | None) -> Route:
        return Route(
            endpoint=self.endpoint.url,
            mask=self.redactor.message,
            proxy=None if proxy is None else self.redactor.url(proxy),
        )

    def _redirected(self, response: Response) -> RedirectRefused:
        location = safe_text(response.headers.get("Location", "").split("?", 1)[0])
        target = self.redactor.url(location)
        path = response.url[len(self.endpoint.url) :]
        moved = target.endswith(path) and "://" in target
        base = target.removesuffix(path)
        return RedirectRefused(
            f"{self.endpoint.url} redirects to {(base if moved else target) or 'nowhere'};"
            " redirections are not followed.",
            endpoint=self.endpoint.url,
            hint=f"Use ex_endpoint='{base}' if that is the server you mean." if moved else None,
        )


def _is_over(delay: float) -> bool:
    return calls.monotonic() + delay > calls.deadline()


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
