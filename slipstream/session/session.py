"""One user's logged-in conversation with one endpoint."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import attrs

from slipstream.errors import (
    BadInput,
    DriverError,
    InvalidCredentials,
    PluginFailed,
    RequestFailed,
)
from slipstream.forking import renew_in_children
from slipstream.session.error_responses import refusal
from slipstream.transport.logs import get_logger
from slipstream.transport.messages import Request, Response

if TYPE_CHECKING:
    from slipstream.plugins.contributions import EndpointKind, LoginMethod
    from slipstream.transport import Transport
    from slipstream.values.credentials import Credentials
    from slipstream.values.endpoint import Endpoint

log = get_logger(__name__)

RENEW_BEFORE = 60.0
"""Seconds before its end at which a session is renewed."""


@attrs.define
class _Login:
    """
    What is known of a login.

    :param user_name: Who is logged in, once somebody has asked.
    :param ends: When it expires, by the monotonic clock.
    """

    user_name: str | None = None
    ends: float | None = None


class Session:
    """
    What every operation hook is given: where to ask, who asks, and how to send a request.

    It may be shared by threads. When the login expires it is renewed once, by the method that
    made it, and the request is sent again; the server had refused it, so nothing is done twice.

    :param transport: The HTTP conversation.
    :param kind: The kind of endpoint.
    :param login_method: How to log in.
    :param credentials: With what.
    """

    rehearsing = False
    """Whether changes are only noted (:class:`~slipstream.session.dry_run.Rehearsal`)."""

    def __init__(
        self,
        transport: Transport,
        kind: EndpointKind,
        login_method: LoginMethod,
        credentials: Credentials,
    ) -> None:
        self.transport = transport
        self.kind = kind
        self.login_method = login_method
        self.key_lock = threading.Lock()
        self._credentials = credentials
        transport.secrets.keep(*self._secrets())
        self._login_lock = threading.Lock()
        self._logins = 0
        self._login = _Login()
        self._draft: tuple[int, _Login] | None = None
        renew_in_children(self, Session._renew_locks)

    def __repr__(self) -> str:
        by, closed = self.login_method.name, ", closed" if self.closed else ""
        return f"<Session on {self.endpoint} ({self.kind.name}) by {by}{closed}>"

    def __getstate__(self) -> None:
        raise TypeError("A session is not copied or pickled: it holds secrets.")

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def endpoint(self) -> Endpoint:
        """The server's address."""
        return self.transport.endpoint

    @property
    def user_name(self) -> str | None:
        """Who is logged in, as far as it is known; for backends to keep."""
        return self._login_here.user_name

    @user_name.setter
    def user_name(self, name: str | None) -> None:
        self._login_here.user_name = name

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.transport.closed

    def ensure_open(self) -> None:
        """
        Make sure that it was not closed.

        :raises DriverClosed: If it was.
        """
        self.transport.ensure_open()

    def close(self) -> None:
        """
        Send nothing more, and close the connections; what is under way is still answered.

        The server is not told: its session goes on until it expires.
        """
        self.transport.close()

    def hide(self, *secrets: str) -> None:
        """
        Mask secrets wherever logs and exceptions would show them; for hooks that send some.

        Those of the credentials are masked already.

        :param secrets: The secrets; one of less than four characters is only told by its name.
        """
        self.transport.secrets.meet(*secrets)

    def log_in(self) -> None:
        """
        Log in, whatever the session was before.

        :raises InvalidCredentials: If the server does not accept the credentials.
        """
        with self._login_lock:
            self._authenticate()

    def log_in_with_template(self, template: str, fields: Mapping[str, object]) -> None:
        """
        Create a session from one of the server's session templates; for login methods.

        :param template: The template's name, as in ``internal``.
        :param fields: The template's fields.
        :raises InvalidCredentials: If the server does not accept them.
        """
        self.kind.backend.log_in(self, template, fields)

    def ends_at(self, moment: float) -> None:
        """
        Note when the session expires; for login methods and backends.

        :param moment: Seconds since the epoch.
        """
        self._login_here.ends = time.monotonic() + (moment - time.time())

    def send(
        self,
        request: Request,
        *,
        doing: str,
        allow: Collection[int] = (),
        renewable: bool = True,
        expecting: Callable[[], Response] | None = None,  # noqa: ARG002 - see Rehearsal
    ) -> Response:
        """
        Send a request as the logged-in user.

        :param request: The request.
        :param doing: What is being done, in words that go after "Cannot".
        :param allow: Error statuses that the caller wants to see for itself.
        :param renewable: Whether the request may be sent again after the login was renewed;
            ``False`` where a refusal does not mean that nothing was done.
        :param expecting: Makes up the answer to a change for who only asks what would be sent
            (:class:`~slipstream.session.dry_run.Rehearsal`).
        :returns: The answer, its status below 400 or one of those allowed.
        :raises RequestFailed: For any other status.
        :raises NoAnswer: If the network fails.
        """
        # A login method that sends its requests by this way must not wait for itself.
        logging_in = self._is_logging_in
        logins = self._logins
        if self._expires_soon() and not logging_in:
            self._renew(logins)
            logins = self._logins
        answer = self.transport.send(request)
        renewable = renewable and not logging_in and answer.status in {401, 403}
        if renewable and self._has_ended(logins, answer):
            self._renew(logins)
            answer = self.transport.send(request)
        if answer.status >= 400 and answer.status not in allow:
            raise self.refusal(answer, doing=doing)
        return answer

    def foresee(self, check: Callable[[Session], Iterable[DriverError]]) -> None:
        """
        Offer a way to find out beforehand what the server would refuse by itself.

        Only a dry run takes it up (:class:`~slipstream.session.dry_run.Rehearsal`);
        a change that is really sent finds out by being refused.

        :param check: Finds the refusals; it may read by the session that it is given.
        """

    def refusal(self, answer: Response, *, doing: str, hint: str | None = None) -> RequestFailed:
        """
        The exception for an answer with an error status.

        :param answer: The answer.
        :param doing: What was being done, in words that go after "Cannot".
        :param hint: What the reader can do next, when more is known than the status tells.
        :returns: The exception, not raised.
        """
        detail = self.kind.backend.detail(answer)
        if detail and any(secret in detail for secret in self._secrets()):
            detail = None
        if detail:
            detail = self.transport.redactor.said(detail)
        return refusal(answer, doing=doing, endpoint=self.endpoint.url, detail=detail, hint=hint)

    def _secrets(self) -> list[str]:
        fields = self._credentials.parameters.items()
        # Who logs in is shown everywhere, and is no secret.
        given = [self._credentials.secret, *(v for name, v in fields if name != "username")]
        return [str(value) for value in given if value and not callable(value)]

    def _quotes_secret(self, error: BaseException) -> bool:
        """Whether an exception, or one that led to it, would show a secret in a traceback."""
        told = "".join(traceback.format_exception(error))
        return self.transport.redactor.said(told) != told

    def _expires_soon(self) -> bool:
        ends = self._login.ends
        return ends is not None and time.monotonic() > ends - RENEW_BEFORE

    @property
    def _is_logging_in(self) -> bool:
        draft = self._draft
        return draft is not None and draft[0] == threading.get_ident()

    @property
    def _login_here(self) -> _Login:
        draft = self._draft
        return draft[1] if draft and draft[0] == threading.get_ident() else self._login

    def _authenticate(self) -> None:
        # Nothing of it shows in other threads until it is done, nor ever if it fails: who asks
        # meanwhile must not be taken for nobody, nor for the user before the group is chosen.
        made, sessions = _Login(), self.transport.sessions
        try:
            self._draft = (threading.get_ident(), made)
            sessions.begin()
            self.login_method.authenticate(self, self._credentials)
            self._act_for_group()
            sessions.keep()
            self._login = made
        except DriverError:
            raise
        except Exception as error:  # noqa: BLE001 - it is told, but for what quotes a secret
            # The exception's own text may quote the credentials.
            raise PluginFailed(
                f"The login method {self.login_method.name!r} failed: {type(error).__name__}.",
                endpoint=self.endpoint.url,
            ) from (None if self._quotes_secret(error) else error)
        finally:
            # Ctrl-C can come in every call, so there is none here.
            self._draft = sessions.draft = None
        self._logins += 1
        log.info("logged in on %s by %s", self.endpoint, self.login_method.name)

    def _act_for_group(self) -> None:
        group = self._credentials.group
        if group is None:
            return
        if self.kind.backend.act_for is None:
            raise BadInput(
                f"{self.kind.name} endpoints have no groups to act for.",
                hint="Leave ex_group out.",
            )
        self.kind.backend.act_for(self, group)

    def _renew_locks(self) -> None:
        self.key_lock = threading.Lock()
        self._login_lock = threading.Lock()
        if not self._is_logging_in:
            self._draft = None

    def _has_ended(self, logins: int, answer: Response) -> bool:
        # Another thread may be logging in: its new cookie would tell nothing of the old one.
        with self._login_lock:
            return self._logins != logins or self.kind.backend.session_ended(self, answer)

    def _renew(self, logins: int) -> None:
        with self._login_lock:
            if self._logins != logins:
                return
            log.info("the session on %s has ended; logging in again", self.endpoint)
            try:
                self._authenticate()
            except InvalidCredentials as error:
                error.args = (f"The session has ended and cannot be renewed. {error.summary}",)
                raise
