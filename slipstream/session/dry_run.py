"""A transport for dry runs: reads are sent, changes are collected and not sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
from requests.cookies import RequestsCookieJar

from slipstream.errors import DriverError
from slipstream.redaction import Redactor
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

PLACEHOLDER = "00000000-0000-4000-8000-000000000000"  # the id of what was not created


class DryRunEnded(DriverError):
    """What would come next depends on a response that only a real change would bring."""


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
        self._redactor = Redactor(sending.secrets)
        self._collecting = True
        self._written: dict[str, bytes] = {}
        self.requests: list[PlannedRequest] = []

    def send(self, request: Request, *, cookies: RequestsCookieJar | None = None) -> Response:
        """See :meth:`Transport.send`."""
        written = self._written.get(request.path) if request.method == "GET" else None
        reads = request.reads and written is None and PLACEHOLDER not in request.path
        if self._collecting:
            self._collect(request, reads)
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
        """Do not count the requests of this block as those of the call."""
        collecting, self._collecting = self._collecting, False
        try:
            yield
        finally:
            self._collecting = collecting

    def _collect(self, request: Request, done: bool) -> None:
        body, kind = request.body, request.headers.get("Content-Type", "")
        query = "&".join(f"{name}={value}" for name, value in request.query)
        url = f"{self.endpoint.url}{request.path}{f'?{query}' if query else ''}"
        self.requests.append(
            PlannedRequest(
                method=request.method,
                url=self._redactor.url(url),
                body=None if body is None else self._redactor.body(body, kind),
                reason=self._redactor.said(request.purpose or "look at the login"),
                done=done,
            )
        )


def expect(status: int, body: bytes = b"", **headers: str) -> Callable[[], Response]:
    """The value of a request's ``expects``: the response that a change is expected to have."""
    return lambda: Response(status=status, headers=headers, body=body, url="")
