"""Faults to inject."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Mapping
from typing import Any, Literal

import attrs
from werkzeug import Response
from werkzeug.datastructures import Headers

Cut = Literal["before", "after", "body"]

_PAGE = """<html>
<head><title>{status} {reason}</title></head>
<body>
<center><h1>{status} {reason}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""
# As nginx words them.
_REASONS = {
    **http.client.responses,
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


class RawResponse(Response):
    """A response whose headers are sent as they are."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
        return self.headers


@attrs.define(kw_only=True)
class Fault:
    """
    One fault.

    :param method: The HTTP method it waits for; any, if None.
    :param path: A regular expression that the whole path matches.
    :param times: How often it is used; None for ever.
    :param delay: Real seconds to wait before anything else.
    :param status: Respond with this status and a front server's static page.
    :param retry_after: Seconds for a ``Retry-After`` header beside the status.
    :param headers: Headers of the response, instead of the usual ones.
    :param body: Body of the response, instead of the usual one.
    :param cut: Close the connection: ``before`` the request is handled, ``after`` it was handled
        but before a byte is answered, or in the middle of the ``body``.
    :param expire_sessions: Forget every session before the request is handled.
    """

    method: str | None = None
    path: str = ".*"
    times: int | None = 1
    delay: float = 0.0
    status: int | None = None
    retry_after: int | str | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | str | None = None
    cut: Cut | None = None
    expire_sessions: bool = False

    def matches(self, method: str, path: str) -> bool:
        is_its_method = self.method is None or self.method.upper() == method
        return is_its_method and re.fullmatch(self.path, path) is not None

    def response(self) -> RawResponse | None:
        """Its response, or None if the server responds."""
        if self.status is None and self.body is None:
            return None
        status = self.status or 200
        page = _PAGE.format(status=status, reason=_REASONS.get(status, "Error"))
        headers = {"Content-Type": "text/html", **(self.headers or {})}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return RawResponse(page if self.body is None else self.body, status, headers)


class Faults(list[Fault]):
    """The faults to inject; the first that matches a request is used."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self, method: str | None = None, path: str = ".*", **options: Any) -> Fault:
        """
        Add a fault.

        :param method: The HTTP method it waits for; any, if None.
        :param path: A regular expression that the whole path matches.
        :param options: What it does: the other parameters of :class:`Fault`.
        :returns: The fault, whose ``times`` goes down at each use.
        """
        fault = Fault(method=method, path=path, **options)
        self.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Find the fault for a request, and count it."""
        with self._lock:
            for fault in self:
                if fault.matches(method, path):
                    if fault.times is not None:
                        fault.times -= 1
                    if fault.times == 0:
                        self.remove(fault)
                    return fault
        return None
