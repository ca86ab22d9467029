"""
Send HTTP requests to one endpoint: connections, timeouts, retries, pacing.

What is safe to repeat is repeated, nothing else is: a request marked ``repeatable`` is sent again
after a failure to connect, a lost response, and the statuses 429, 502, 503 and 504, at most
``TransportSettings.attempts`` times in all, after a pause that grows and varies, or the pause
that ``Retry-After`` names. Any other request is sent once.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from functools import cached_property
from http import HTTPStatus

import attrs
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import ClosedPoolError, InsecureRequestWarning

from slipstream.errors import (
    AnswerLost,
    BadInput,
    CannotConnect,
    DriverClosed,
    DriverError,
    MalformedAnswer,
    RedirectRefused,
)
from slipstream.redaction import Redactor
from slipstream.redaction.secrets import KnownSecrets
from slipstream.transport import call_context, clock
from slipstream.transport.call_context import PerProcess, attributes, get_logger, stacklevel
from slipstream.transport.clock import Backoff, Pacer
from slipstream.transport.connections import (
    MAX_BYTES,
    Connections,
    Route,
    environment_proxy,
)
from slipstream.transport.messages import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    EndpointCookieJar,
    Request,
    Response,
)
from slipstream.transport.request_log import Exchange
from slipstream.values.endpoint import Endpoint
from slipstream.values.fields import LONGEST_SOCKET_TIMEOUT, within
from slipstream.values.plain import safe_text
from slipstream.version import VERSION

log = get_logger(__name__)
wire = logging.getLogger("slipstream.exchanges")

_TRANSIENT = frozenset({429, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
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


class Transport:
    """
    Sends requests to one endpoint; threads and forked children may share it.

    :param endpoint: Where to send them.
    :param settings: How; they may be replaced at any time, and count from the next request on.
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
        self._closed = False

    def __repr__(self) -> str:
        return f"<Transport to {self.endpoint}{', closed' if self._closed else ''}>"

    def __getstate__(self) -> None:
        raise TypeError("A transport is not copied or pickled: it holds secrets.")

    def to(self, endpoint: Endpoint) -> Transport:
        """Make a transport to another endpoint with the same settings and secrets."""
        if endpoint == self.endpoint:
            return self
        other = Transport(endpoint, self.settings)
        other.secrets, other.redactor = self.secrets, self.redactor
        return other

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """
        Send nothing more, and close every connection.

        Requests that other threads have sent still get their responses.
        """
        self._closed = True
        self._connections.get().close()

    @cached_property
    def _environment_proxy(self) -> str | None:
        return environment_proxy(self.endpoint.url)

    def ensure_open(self) -> None:
        """Make sure that it was not closed."""
        if self._closed:
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
            clock.sleep(self._pacer.delay())
        while True:
            attempts -= 1
            sent = clock.monotonic()
            try:
                response = self._exchange(request, cookies, is_repeat=is_repeat)
            except (CannotConnect, AnswerLost) as error:
                delay = self._pacer.delay(next(pauses)) if attempts else 0.0
                if not attempts or _is_over(delay):
                    raise
                sentence = self.redactor.said(f"{request.method} {request.path}: {error}")
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
            clock.sleep(delay)

    def _exchange(
        self, request: Request, cookies: EndpointCookieJar, *, is_repeat: bool
    ) -> Response:
        """Send a request once, and log that when it is over or has failed."""
        self.ensure_open()
        cookies = cookies.copies.get()
        prepared = self._prepare(request, cookies)
        settings, started = self.settings, clock.monotonic()
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
            exchange.seconds = clock.monotonic() - started
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
                f"{request.method} {self.redactor.said(ascii(request.path))} cannot be sent:"
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
            if self._closed:
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
            mask=self.redactor.said,
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
    return clock.monotonic() + delay > call_context.deadline()
