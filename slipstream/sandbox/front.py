"""
The vendor's front server before SlipStream: a cache of deployments, and a limit of the rate.

Source: nginx files of SlipStreamServerDeps v3.71. The cache is keyed by the address alone, so that
it is shared by all users, and it answers without a look at cookies.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.server import Application, Environ

FRONTS = ("vendor",)
RATE, BURST = 20.0, 200
# Seconds that a response of this address stays in the cache, by its status.
_CACHED: tuple[tuple[re.Pattern[str], dict[int, float]], ...] = (
    (re.compile(r"/run"), {200: 30.0}),
    (re.compile(r"/run/[^/]+/?"), {200: 40.0}),
    (re.compile(r"/run/[^/]+/ss:state"), {200: 15.0}),
    (re.compile(r"/run/[^/]+/ss:abort"), {200: 30.0, 412: 15.0}),
)
_TEXT = "429 Too Many Requests"
# A body for each type that a client may accept, the one for browsers last.
_TOO_MANY = {
    "application/json": json.dumps({"status": 429, "message": "Too Many Requests"}),
    "application/xml": f'<error code="429" reason="Too Many Requests">{_TEXT}</error>',
    "text/plain": _TEXT,
    "text/html": f"<html><head><title>{_TEXT}</title></head><body>{_TEXT}</body></html>",
}


@attrs.frozen
class _Response:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


@attrs.frozen
class _Entry:
    response: _Response
    ends: float


class VendorFront:
    """The front server, as WSGI middleware; the clock empties the cache and counts requests."""

    def __init__(self, application: Application, clock: Clock) -> None:
        self._application = application
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._excess = 0.0
        self._counted = self._now()
        self._lock = threading.Lock()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, as WSGI wants it."""
        response = self._respond(environ)
        start_response(response.status, response.headers)
        return [response.body]

    def _respond(self, environ: Environ) -> _Response:
        now = self._now()
        if not self._admitted(now):
            return _too_many(environ.get("HTTP_ACCEPT", ""))
        lifetimes = _lifetimes(environ) if environ["REQUEST_METHOD"] == "GET" else {}
        key = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        entry = self._entries.get(key)
        if lifetimes and entry is not None and now < entry.ends:
            return entry.response
        response = self._forward(environ)
        lifetime = lifetimes.get(int(response.status.split()[0]))
        if lifetime is not None:
            self._entries[key] = _Entry(response, now + lifetime)
        return response

    def _admitted(self, now: float) -> bool:
        """Whether a request is within the rate; those that are not do not count."""
        with self._lock:
            excess = max(0.0, self._excess - (now - self._counted) * RATE) + 1
            if excess > BURST + 1:
                return False
            self._excess, self._counted = excess, now
            return True

    def _forward(self, environ: Environ) -> _Response:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self._application(environ, lambda *args: started.append(args[:2])))
        status, headers = started[-1]
        return _Response(status, headers, body)


def _lifetimes(environ: Environ) -> dict[int, float]:
    for pattern, lifetimes in _CACHED:
        if pattern.fullmatch(environ["PATH_INFO"]):
            return lifetimes
    return {}


def _too_many(accept: str) -> _Response:
    accepted = [
        kind for kind in _TOO_MANY if kind in accept.replace("text/xml", "application/xml")
    ]
    kind = accepted[0] if accepted else "text/html"
    body = _TOO_MANY[kind].encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    return _Response(_TEXT, headers, body)
