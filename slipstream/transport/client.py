"""
One HTTP conversation with one endpoint: connections, cookies, timeouts, retries.

It knows HTTP and no resource. What is safe to repeat is repeated, nothing else is: a request
marked ``repeatable`` is sent again after a failure to connect, a lost answer, and the statuses
429, 502, 503 and 504, at most ``TransportSettings.attempts`` times in all, after a pause that
grows and is shaken, or the pause that ``Retry-After`` asks for. Any other request is sent once.
"""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookiejar import CookieJar

import attrs
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import ClosedPoolError, InsecureRequestWarning

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DriverClosed,
    MalformedAnswer,
    RedirectRefused,
)
from slipstream.redaction import Redactor
from slipstream.redaction.values import KnownSecrets
from slipstream.transport import clock, deadlines
from slipstream.transport.failures import Way
from slipstream.transport.logs import attributes, get_logger
from slipstream.transport.messages import Request, Response
from slipstream.transport.proxies import proxies_for
from slipstream.transport.request_log import Exchange, Observer
from slipstream.transport.sessions import HTTPSessions
from slipstream.transport.stack_level import stacklevel
from slipstream.values.endpoint import Endpoint
from slipstream.version import VERSION

log = get_logger(__name__)
wire = logging.getLogger("slipstream.exchanges")

TRANSIENT = frozenset({429, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@attrs.frozen(kw_only=True)
class TransportSettings:
    """
    How to talk to an endpoint.

    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for the head of an answer, and then for the next bytes;
        the whole may take ten times as long.
    :param attempts: How often a repeatable request is sent at most.
    :param retry_delay: Seconds before the second attempt.
    :param backoff: By how much each further pause is longer.
    :param longest_pause: Seconds that a pause never exceeds; a server that asks for a longer
        one is not asked again.
    :param proxy_url: A proxy for this endpoint; ``None`` leaves it to the environment.
    :param verify: Whether to check the server's certificate, or the file or the directory of
        the authorities to trust; no environment variable changes that.
    :param client_cert: A certificate to show: its file, or the files of it and of its key.
    :param user_agent: The name this program gives itself.
    :param largest_body: Bytes that an answer may have, once decompressed.
    :param connections: How many connections are kept open.
    :param observer: Who is told of every exchange, beside the log.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    attempts: int = 4
    retry_delay: float = 0.5
    backoff: float = 2.0
    longest_pause: float = 30.0
    proxy_url: str | None = attrs.field(default=None, repr=False)
    verify: bool | str = True
    client_cert: str | tuple[str, str] | None = None
    user_agent: str = f"slipstream-libcloud-driver/{VERSION}"
    largest_body: int = 128 * 1024 * 1024
    connections: int = 256
    observer: Observer | None = attrs.field(default=None, repr=False, eq=False)


class UncheckedCertificate(InsecureRequestWarning):
    """
    A conversation began whose other end may be anybody; given once, not with each request.

    Whoever silences urllib3's own warning, by class or by words, silences this one too.
    """


class Transport:
    """
    Sends requests to one endpoint; may be shared by threads.

    :param endpoint: Where to send them.
    :param settings: How; they may be replaced at any time, and count from the next request on.
    """

    def __init__(self, endpoint: Endpoint, settings: TransportSettings | None = None) -> None:
        self.endpoint = endpoint
        self.settings = settings or TransportSettings()
        self.secrets = KnownSecrets()
        self.redactor = Redactor(self.secrets)
        self.sessions = HTTPSessions(endpoint, connections=self.settings.connections)
        if endpoint.secure and self.settings.verify is False:
            warnings.warn(
                f"Unverified HTTPS requests go to {endpoint}: its certificate is not checked, so"
                " whoever is on the way to it can read and change everything.",
                UncheckedCertificate,
                stacklevel=stacklevel(),
            )
        self._closed = False

    def __repr__(self) -> str:
        return f"<Transport to {self.endpoint}{', closed' if self._closed else ''}>"

    def __getstate__(self) -> None:
        raise TypeError("A transport is not copied or pickled: it holds secrets.")

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the endpoint has set."""
        return self.sessions.here.cookies

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """
        Send nothing more, and close every connection.

        What other threads have sent is still answered.
        """
        self._closed = True
        self.sessions.close()

    def ensure_open(self) -> None:
        """
        Make sure that it was not closed.

        :raises DriverClosed: If it was.
        """
        if self._closed:
            raise DriverClosed(
                f"The session on {self.endpoint} was closed.",
                endpoint=self.endpoint.url,
                hint="Make a new driver.",
            )

    def send(self, request: Request) -> Response:
        """
        Send one request, repeating it where that is safe.

        :param request: The request.
        :returns: The answer, whatever its status but a redirection.
        :raises CannotConnect: If no connection could be made.
        :raises AnswerLost: If the connection broke before the answer was complete.
        :raises RedirectRefused: If the answer is a redirection.
        :raises MalformedAnswer: If the answer is larger than allowed.
        """
        attempts = self.settings.attempts if request.repeatable else 1
        for attempt in range(1, attempts):
            pause = self._growing_pause(attempt)
            try:
                answer = self._exchange(request)
            except (CannotConnect, AnswerLost) as error:
                if not deadlines.allows(pause):
                    raise
                sentence = self.redactor.said(f"{request.method} {request.path}: {error}")
                log.info("%s", sentence)
            else:
                if answer.status not in TRANSIENT:
                    return answer
                if answer.retry_after is not None:
                    pause = answer.retry_after
                if pause > self.settings.longest_pause or not deadlines.allows(pause):
                    return answer
            clock.sleep(pause)
        return self._exchange(request)

    def _growing_pause(self, attempt: int) -> float:
        grown = self.settings.retry_delay * self.settings.backoff ** (attempt - 1)
        shaken = grown * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        return min(shaken, self.settings.longest_pause)

    def _exchange(self, request: Request) -> Response:
        self.ensure_open()
        url = f"{self.endpoint.url}{request.path}"
        with self._telling(Exchange.of(request, url, self.redactor)) as exchange:
            proxies = proxies_for(url, self.settings.proxy_url)
            try:
                with self.sessions.here.request(
                    request.method,
                    url,
                    params=list(request.query),
                    headers={"User-Agent": self.settings.user_agent, **request.headers},
                    data=request.body,
                    timeout=(
                        self.settings.connect_timeout,
                        request.read_timeout or self.settings.read_timeout,
                    ),
                    allow_redirects=False,
                    stream=True,
                    verify=self._trusted,
                    cert=self.settings.client_cert,
                    proxies=proxies,
                ) as response:
                    exchange.note_answer(response)
                    answer = self._read(response, url)
                    exchange.answer = answer.body
            except requests.RequestException as error:
                if isinstance(error.request, requests.PreparedRequest):
                    exchange.note_sent(error.request)
                if error.args and isinstance(error.args[0], ClosedPoolError):
                    self.ensure_open()
                raise self._way(proxies).failure(error, request) from error
            finally:
                if self._closed:
                    self.sessions.close()
        if proxies and answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise self._way(proxies).refused_by_proxy()
        if answer.status in _REDIRECTS:
            raise self._redirected(answer)
        return answer

    @contextmanager
    def _telling(self, exchange: Exchange) -> Iterator[Exchange]:
        started = clock.monotonic()
        try:
            yield exchange
        except BaseException as error:
            exchange.failure = str(error) or type(error).__name__
            raise
        finally:
            observer = self.settings.observer
            observed = observer is not None and observer.is_listening()
            if observed or wire.isEnabledFor(logging.DEBUG):
                exchange.seconds = clock.monotonic() - started
                self._tell(exchange, observer if observed else None)

    def _tell(self, exchange: Exchange, observer: Observer | None) -> None:
        try:
            self.secrets.meet(*(cookie.value for cookie in self.cookies))
            self._note_route(exchange)
            if wire.isEnabledFor(logging.DEBUG):
                wire.debug("%s", exchange.text(), extra=attributes())
            if observer is not None:
                observer.note(exchange)
        except Exception as error:  # noqa: BLE001 - to show it must not change what it does
            log.warning("an exchange cannot be shown: %s", type(error).__name__)

    def _note_route(self, exchange: Exchange) -> None:
        exchange.proxy = proxies_for(exchange.url, self.settings.proxy_url).get(
            self.endpoint.scheme
        )
        exchange.verify = self.settings.verify
        exchange.cert = self.settings.client_cert

    @property
    def _trusted(self) -> bool | str:
        # For True itself requests would ask the environment for a file.
        verify = self.settings.verify
        return DEFAULT_CA_BUNDLE_PATH if verify is True else verify

    def _way(self, proxies: dict[str, str]) -> Way:
        proxy = proxies.get(self.endpoint.scheme)
        shown = None if proxy is None else self.redactor.url(proxy)
        return Way(endpoint=self.endpoint.url, proxy=shown)

    def _read(self, response: requests.Response, url: str) -> Response:
        body = bytearray()
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > self.settings.largest_body:
                raise MalformedAnswer(
                    f"The answer is larger than {self.settings.largest_body} bytes.", endpoint=url
                )
        return Response(
            status=response.status_code,
            headers=CaseInsensitiveDict(response.headers),
            body=bytes(body),
            url=url,
        )

    def _redirected(self, answer: Response) -> RedirectRefused:
        target = self.redactor.url(answer.headers.get("Location", "").split("?", 1)[0])
        path = answer.url[len(self.endpoint.url) :]
        moved = target.endswith(path) and "://" in target
        base = target.removesuffix(path)
        return RedirectRefused(
            f"{self.endpoint.url} redirects to {(base if moved else target) or 'nowhere'};"
            " redirections are not followed.",
            endpoint=self.endpoint.url,
            hint=f"Use ex_endpoint='{base}' if that is the server you mean." if moved else None,
        )
