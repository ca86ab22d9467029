"""A transport that notes what a session sends, and can respond in place of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.session import Session
from slipstream.transport import Transport
from slipstream.transport.messages import EndpointCookieJar, Request, Response

_REDIRECTS = {301, 302, 303, 307, 308}


class Tap(Transport):
    """
    A transport that notes what a session sends, and can respond in place of the server.

    :param session: The session, logged in.
    :ivar requests: All that was sent.
    :ivar exchanges: What the session has sent, logins left out, and received.
    :ivar logins: The same of its logins.
    :ivar forge: Returns the response to a request and its cookies; ``None`` to send it.
    """

    def __init__(self, session: Session) -> None:
        vars(self).update(vars(session.transport))
        self._session, self._transport = session, session.transport
        self.requests: list[Request] = []
        self.exchanges: list[tuple[Request, Response]] = []
        self.logins: list[tuple[Request, Response]] = []
        self.forge: Callable[[Request, EndpointCookieJar | None], Response | None]
        self.forge = lambda _request, _cookies: None

    def send(self, request: Request, *, cookies: EndpointCookieJar | None = None) -> Response:
        """See :meth:`Transport.send`; what ``forge`` returns is the response."""
        self.requests.append(request)
        response = self.forge(request, cookies)
        if response is None:
            response = self._transport.send(request, cookies=cookies)
        elif response.status in _REDIRECTS:
            raise self._redirected(response)
        # A login has cookies of its own.
        exchanges = self.exchanges if cookies is self._session.cookies else self.logins
        exchanges.append((request, response))
        return response


@contextmanager
def tapped(driver: SlipStreamNodeDriver) -> Iterator[Tap]:
    """Note what a driver sends within the block."""
    session = driver._session
    transport = session.transport
    session.transport = tap = Tap(session)
    try:
        yield tap
    finally:
        session.transport = transport
