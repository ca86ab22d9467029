"""One user's logged-in session on one endpoint, and its dry runs."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import NoneType
from typing import Any, Self

import attrs

from slipstream.errors import (
    BadInput,
    CannotConnect,
    DriverError,
    InvalidCredentials,
    MalformedAnswer,
    PluginFailed,
    RedirectRefused,
    can_be_shown,
    raise_failure,
)
from slipstream.session.login import BUILT_IN, Client, Login, LoginAttempt
from slipstream.transport import Transport, calls
from slipstream.transport.calls import PerProcess, get_logger
from slipstream.transport.messages import EndpointCookieJar, Request, Response, expect
from slipstream.values import Credentials

PLACEHOLDER = "00000000-0000-4000-8000-000000000000"  # the id of what was not created


class DryRunEnded(DriverError):
    """A dry run has met a change without an expected response."""


@attrs.frozen(kw_only=True)
class PlannedRequest:
    """
    A request that a call sends.

    :param method: The HTTP method.
    :param url: The address, secrets masked. Ids that only the server can choose are
        :data:`PLACEHOLDER`.
    :param body: The body as text, secrets masked; ``None`` if there is none.
    :param reason: What it is sent for.
    :param done: Whether it was really sent, as reads are.
    """

    method: str
    url: str
    body: str | None = None
    reason: str
    done: bool

    def __str__(self) -> str:
        lines = [f"{self.method} {self.url}", f"    to {self.reason}"]
        if self.body:
            lines.append(f"    with {self.body}")
        return "\n".join(lines)


class DryRunTransport(Transport):
    """
    Sends reads, and collects changes.

    The response to a change is what ``expects`` of the request returns; without it the run ends
    there. What was written somewhere is what is read there afterwards. Requests that ``expects``
    sends itself are not collected: the call would not send them.
    """

    def __init__(self, sending: Transport) -> None:
        vars(self).update(vars(sending))
        self.sending = sending
        self._collecting = True
        self._written: dict[str, bytes] = {}
        self.requests: list[PlannedRequest] = []

    def send(self, request: Request, *, cookies: EndpointCookieJar | None = None) -> Response:
        """See :meth:`Transport.send`."""
        written = self._written.get(request.path) if request.method == "GET" else None
        reads = request.reads and written is None and PLACEHOLDER not in request.path
        if self._collecting:
            query = "&".join(f"{name}={value}" for name, value in request.query)
            url = f"{self.endpoint.url}{request.path}{f'?{query}' if query else ''}"
            body, kind = request.body, request.headers.get("Content-Type", "")
            plan = PlannedRequest(
                method=request.method,
                url=self.redactor.url(url),
                body=None if body is None else self.redactor.body(body, kind),
                reason=self.redactor.message(request.purpose or "look at the login"),
                done=reads,
            )
            self.requests.append(plan)
        if written is not None:
            return expect(200, written)()
        if reads:
            return self.sending.send(request, cookies=cookies)
        if request.expects is None:
            raise DryRunEnded(f"Cannot {request.purpose}: it was not sent.")
        if request.method == "PUT" and request.body is not None:
            self._written[request.path] = request.body
        with self.not_collecting():
            return request.expects()

    @contextmanager
    def not_collecting(self) -> Iterator[None]:
        """Leave the requests of this block out of the plan."""
        collecting, self._collecting = self._collecting, False
        try:
            yield
        finally:
            self._collecting = collecting


log = get_logger(__name__)

RENEW_BEFORE = 60.0  # seconds before its end at which a login is renewed

_UNHANDED = {413, 414, 429, 431}
"""Statuses of requests that are handed on to no server: too large, or too many."""

_GIVEN_UP = {408, 499}
"""Statuses of requests that a server may work on all the same."""


@attrs.define
class _State:
    """The state that a session shares with its dry runs: the login, and the lock to renew it."""

    login: Login | None = None
    lock: PerProcess[threading.Lock] = attrs.field(factory=lambda: PerProcess(threading.Lock))


class Session(Client):
    """
    The argument of every backend: the endpoint, the user, and the sending of requests.

    It may be shared by threads. When the login expires it is renewed once, by the same method,
    and the request is sent again; the server had refused it, so nothing is done twice.

    :param transport: The HTTP transport.
    :param kind: The ``EndpointKind``, which has the class of the backend.
    :param login_method: The ``LoginMethod``.
    :param credentials: The credentials.
    """

    is_dry_run = False
    """Whether changes are only planned (:meth:`dry_run`)."""

    def __init__(
        self, transport: Transport, kind: Any, login_method: Any, credentials: Credentials
    ) -> None:
        self.kind = kind
        self.login_method = login_method
        self._credentials = credentials
        self._state = _State()
        fields = credentials.parameters.items()
        # The user name is shown everywhere, and is no secret.
        secrets = [credentials.secret, *(v for name, v in fields if name != "username")]
        transport.secrets.keep(*(str(v) for v in secrets if v and not callable(v)))
        try:
            backend = kind.backend(self)
        except (DriverError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PluginFailed(
                f"The backend of {kind.name} endpoints cannot be made: {type(error).__name__}.",
                endpoint=transport.endpoint.url,
            ) from error
        super().__init__(transport, backend)

    def __repr__(self) -> str:
        by, closed = self.login_method.name, ", closed" if self.closed else ""
        return f"<Session on {self.endpoint} ({self.kind.name}) by {by}{closed}>"

    def __getstate__(self) -> None:
        raise TypeError("A session is not copied or pickled: it holds secrets.")

    @property
    def login(self) -> Login:
        """The login in use."""
        if self._state.login is None:
            raise PluginFailed(
                f"The login method {self.login_method.name!r} uses the session before it is"
                " logged in.",
                hint="Let it send its requests by the attempt.",
            )
        return self._state.login

    @property
    def cookies(self) -> EndpointCookieJar:  # type: ignore[override]  # which is set there
        """The cookies of the login."""
        return self.login.cookies

    @property
    def user_name(self) -> str | None:
        """
        The name of the logged-in user, ``None`` if the server does not have it.

        It is read once for each login, unless the login method knows.
        """
        if self.login.user_name is None:
            self.login.user_name = self.consult("read_user_name", self, expected=(str, NoneType))
        return self.login.user_name

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.transport.closed

    def ensure_open(self) -> None:
        """Raise ``DriverClosed`` if it was closed."""
        self.transport.ensure_open()

    def close(self) -> None:
        """
        Send nothing more, and close the connections once the requests under way are done.

        The session on the server lasts until it expires.
        """
        self.transport.close()

    def log_in(self) -> None:
        """
        Log in anew.

        :raises InvalidCredentials: If the server does not accept the credentials.
        """
        with self._state.lock.get():
            self._authenticate()

    def exchange(self, request: Request, login: Login | None = None) -> Response:
        """See :meth:`Client.exchange`; the backend authorises the request."""
        cookies, call = (login or self.login).cookies, calls.current()
        authorised = self.consult("authorise", request, expected=(Request,))
        changes = not (request.reads or self.is_dry_run)
        call.changes += changes
        try:
            response = self.transport.send(authorised, cookies=cookies)
        except (MalformedAnswer, RedirectRefused) as error:
            error.may_have_happened = not request.reads
            raise
        except (BadInput, CannotConnect):
            call.changes -= changes
            raise
        if changes and refuses(response):
            call.changes -= 1
        return response

    def send(
        self,
        request: Request,
        *,
        doing: str,
        allow: Collection[int] = (),
        renewable: bool | Callable[[], object] = True,
    ) -> Response:
        """
        Send a request as the logged-in user.

        :param request: The request.
        :param doing: What is being done, in words that go after "Cannot".
        :param allow: Error statuses whose response is returned.
        :param renewable: Whether the request may be sent again after the login was renewed;
            ``False`` where a refusal does not mean that nothing was done. A function is called
            before that, to undo what was done.
        :returns: The response, its status below 400 or one of those allowed.
        :raises RequestFailed: For any other status.
        :raises NoAnswer: If the network fails.
        """
        request = attrs.evolve(request, purpose=doing)
        login, lifetime = self.login, self.login.lifetime or math.inf
        # A tenth of its lifetime is soon enough for a short one.
        last = login.created + max(lifetime - RENEW_BEFORE, lifetime * 0.9)
        if calls.monotonic() > last:
            login = self.renew(login)
        response, is_new = self.exchange(request, login), False
        while (
            renewable
            and response.status in {401, 403}
            and (request.reads or refuses(response))
            and self._has_ended(login, response)
        ):
            if is_new and login.age <= RENEW_BEFORE:
                hint = "The server ends each session as soon as it is made."
                raise self.refusal(response, doing=doing, hint=hint, error=InvalidCredentials)
            refused = calls.monotonic()
            login = self.renew(login)
            if callable(renewable):
                renewable()
                login = self.login
            # One that another thread has made before may have ended meanwhile.
            is_new = login.created >= refused
            response = self.exchange(request, login)
        # A server before this one says in a page that nothing is there, or may be done.
        is_for_page = response.status == 404 or (response.status < 500 and not request.reads)
        if response.status >= 400 and (
            response.status not in allow or (is_for_page and "html" in response.kind)
        ):
            error = self.refusal(response, doing=doing)
            if not request.reads:
                error.may_have_happened = not refuses(response)
            raise error
        return response

    def renew(self, login: Login) -> Login:
        """
        Log in again, unless another thread has done so already.

        :param login: The login that has ended.
        :returns: The login in use from now on.
        """
        with self._state.lock.get():
            if self._state.login is login:
                log.info("the session on %s has ended; logging in again", self.endpoint)
                try:
                    self._authenticate()
                except InvalidCredentials as error:
                    error.args = (f"The session has ended and cannot be renewed. {error.summary}",)
                    raise
            return self.login

    def dry_run(self) -> tuple[Self, DryRunTransport]:
        """
        Make a session that only plans changes and shares everything else with this one.

        :returns: The session, and its transport, which collects the requests.
        """
        twin, transport = object.__new__(type(self)), DryRunTransport(self.transport)
        vars(twin).update(vars(self), transport=transport, is_dry_run=True)
        twin.backend = self.consult("with_session", twin, expected=(type(self.backend),))
        return twin, transport

    def _authenticate(self) -> None:
        method, credentials = self.login_method, self._credentials
        transport = self.transport
        if isinstance(transport, DryRunTransport):  # a login is no change
            transport = transport.sending
        attempt = LoginAttempt(
            transport,
            self.backend,
            method=(method.fallback and credentials.method) or method.name,
            previous=self._state.login,
            user=credentials.key,
        )
        failure: BaseException | None = None
        login: object = None
        try:
            login = method.authenticate(attempt, credentials)
            if credentials.group is not None:
                attempt.consult("act_for", attempt, credentials.group, expected=(object,))
            if isinstance(login, Login):
                attrs.evolve(login)  # its fields may have been changed since it was checked
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if isinstance(error, DriverError) and can_be_shown(error):
                self.transport.redactor.mask_error(error)
                raise
            failure = error
        if failure is not None:
            # Its own text may quote the credentials. Outside of the block it is no context.
            quotes = self.transport.redactor.quotes_secret(failure)
            reported = self._login_failed(type(failure).__name__)
            raise_failure(reported, failure, cause=None if quotes else failure)
        if not isinstance(login, Login):
            what = f"it returned {type(login).__name__}, not a Login"
            raise self._login_failed(what, hint="Let it return attempt.finish().")
        if login is self._state.login:
            what = "it returned the login that has expired"
            raise self._login_failed(what, hint="Let it return attempt.finish().")
        self._state.login = login
        log.info("logged in on %s by %s", self.endpoint, method.name)

    def _login_failed(self, what: str, hint: str | None = None) -> DriverError:
        name, endpoint = self.login_method.name, self.endpoint.url
        if str(getattr(self.login_method.authenticate, "__module__", "")).startswith(BUILT_IN):
            # Nothing but the server's response can have led to it.
            return MalformedAnswer(
                f"Cannot log in by {name!r}: the response is not understood ({what}).",
                endpoint=endpoint,
            )
        return PluginFailed(
            f"The login method {name!r} failed: {what}.", endpoint=endpoint, hint=hint
        )

    def _has_ended(self, login: Login, response: Response) -> bool:
        # Another thread may be logging in: its new cookie says nothing of the old one.
        with self._state.lock.get():
            return self._state.login is not login or bool(
                self.consult("session_ended", response, expected=(bool,))
            )


def refuses(response: Response) -> bool:
    """
    Whether a response to a change is a refusal, so that nothing was changed.

    A failure of a server may come after the change, as may one of what stands before it: that
    responds in pages or with nothing, which the servers do not for these requests.
    """
    if response.status in _UNHANDED:
        return True
    is_refusal = 400 <= response.status < 500 and response.status not in _GIVEN_UP
    has_words = bool(response.body.strip()) or response.status == HTTPStatus.UNAUTHORIZED
    return is_refusal and has_words and "html" not in response.kind
