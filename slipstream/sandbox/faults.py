"""Faults to inject."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

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


@attrs.define(kw_only=True)
class Fault:
    """
    One fault.

    :param method: The HTTP method it waits for; any, if None.
    :param path: A regular expression that the whole path matches.
    :param times: How often it strikes; None for ever.
    :param delay: Real seconds to wait before anything else.
    :param status: Answer with this status and a front server's static page.
    :param retry_after: Seconds for a ``Retry-After`` header beside the status.
    :param headers: Headers of the answer, in place of those that would be sent.
    :param body: Body of the answer, in place of the one that would be sent.
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
        """Whether it matches a request, and is not used up."""
        is_its_method = self.method is None or self.method.upper() == method
        return is_its_method and self.times != 0 and re.fullmatch(self.path, path) is not None

    @property
    def answers(self) -> bool:
        """Whether it responds in place of the server."""
        return self.status is not None or self.body is not None

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body of its response."""
        status = self.status or 200
        page = _PAGE.format(status=status, reason=_REASONS.get(status, "Error"))
        text = page if self.body is None else self.body
        headers = {"Content-Type": "text/html", **(self.headers or {})}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return status, headers, text.encode() if isinstance(text, str) else text


class Faults:
    """The faults to inject; the first that matches a request is used."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([fault for fault in self._waiting if fault.times != 0])

    def add(self, method: str | None = None, path: str = ".*", **options: Any) -> Fault:
        """
        Add a fault.

        :param method: The HTTP method it waits for; any, if None.
        :param path: A regular expression that the whole path matches.
        :param options: What it does: the other parameters of :class:`Fault`.
        :returns: The fault, whose ``times`` goes down as it strikes.
        """
        fault = Fault(method=method, path=path, **options)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Find the fault for a request, and count it."""
        with self._lock:
            for fault in self._waiting:
                if fault.matches(method, path):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._waiting.clear()
