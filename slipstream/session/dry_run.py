"""Find out what a call would send: reads are done, changes are noted and not sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from http.cookiejar import CookieJar
from typing import Any

import attrs

from slipstream.errors import DriverError
from slipstream.redaction import Redactor
from slipstream.session import Session
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

PLACEHOLDER = "00000000-0000-4000-8000-000000000000"
"""Stands for the id of what was not created."""


class RehearsalEndedError(DriverError):
    """What would come next depends on an answer that only a real change would bring."""


@attrs.frozen(kw_only=True)
class PlannedRequest:
    """
    A request that a call sends.

    :param method: The HTTP method.
    :param url: The address, secrets masked. Ids that only the server can give are
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


class _NotingTransport:
    """The transport of a rehearsal, for those who ask it past the session."""

    def __init__(self, transport: Transport, note: Callable[[Request, str, bool], None]) -> None:
        self._transport = transport
        self._note = note

    @property
    def cookies(self) -> CookieJar:
        return self._transport.cookies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def send(self, request: Request) -> Response:
        if not request.reads:
            raise RehearsalEndedError("A change was about to be sent.")
        self._note(request, "look at the login", True)
        return self._transport.send(request)


class Rehearsal(Session):
    """
    Stands in for a session: it reads for real, and notes what would be changed.

    :param session: The session, which goes on as it was.
    """

    rehearsing = True

    def __init__(self, session: Session) -> None:
        vars(self).update(vars(session))
        self._session = session
        self._redactor = Redactor(session.transport.secrets)
        self.requests: list[PlannedRequest] = []
        self.refusals: list[DriverError] = []
        self.transport: Any = _NotingTransport(session.transport, self._note)

    def send(
        self,
        request: Request,
        *,
        doing: str,
        allow: Collection[int] = (),
        renewable: bool = True,
        expecting: Callable[[], Response] | None = None,
    ) -> Response:
        """
        Send a request that reads; note any other one, and make up its answer.

        :param request: The request.
        :param doing: What is being done.
        :param allow: Error statuses that the caller wants to see for itself.
        :param renewable: Whether it may be sent again after the login was renewed.
        :param expecting: Makes up the answer that the server is expected to give.
        :returns: The answer.
        :raises RehearsalEndedError: If nobody says what the server would answer.
        """
        real = request.reads and PLACEHOLDER not in request.path
        self._note(request, doing, real)
        if real:
            return self._session.send(request, doing=doing, allow=allow, renewable=renewable)
        if expecting is None:
            raise RehearsalEndedError(f"Cannot {doing}: it was not sent.")
        answer = expecting()
        if answer.status >= 400 and answer.status not in allow:
            raise self.refusal(answer, doing=doing)
        return answer

    def foresee(self, check: Callable[[Session], Iterable[DriverError]]) -> None:
        """
        Find out beforehand what the server would refuse; its requests are not part of the call.

        :param check: Finds the refusals; it may read by the session that it is given.
        """
        try:
            for refusal in check(self._session):
                self.refusals.append(refusal)
        except DriverError as error:
            self.refusals.append(error)

    def _note(self, request: Request, reason: str, done: bool) -> None:
        body = None
        if request.body is not None:
            kind = request.headers.get("Content-Type", "")
            body = self._redactor.body(request.body, kind)
        query = "&".join(f"{name}={value}" for name, value in request.query)
        url = f"{self.endpoint.url}{request.path}{f'?{query}' if query else ''}"
        planned = PlannedRequest(
            method=request.method,
            url=self._redactor.url(url),
            body=body,
            reason=self._redactor.said(reason),
            done=done,
        )
        self.requests.append(planned)


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[], Response]:
    """
    Make up an answer.

    :param status: Its status.
    :param body: Its body.
    :param headers: Its headers.
    :returns: What a rehearsal is told to expect.
    """
    return lambda: Response(status=status, headers=headers, body=body, url="")
