"""
The vendor's front server before SlipStream: a cache of deployments, and a limit of the rate.

Source: nginx files of SlipStreamServerDeps v3.71. The cache is keyed by the address alone, so that
it is shared by all users, and it answers without a look at cookies.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug import Response

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.faults import RawResponse
from slipstream.sandbox.server import Application, Environ

FRONTS = ("vendor",)
RATE, BURST = 20.0, 200
# Seconds that a response of this address stays in the cache, by its status.
_CACHED: Mapping[str, Mapping[int, float]] = {
    r"/run": {200: 30.0},
    r"/run/[^/]+/?": {200: 40.0},
    r"/run/[^/]+/ss:state": {200: 15.0},
    r"/run/[^/]+/ss:abort": {200: 30.0, 412: 15.0},
}
_TEXT = "429 Too Many Requests"
# A body for each type that a client may accept, the one for browsers last.
_TOO_MANY = {
    "application/json": json.dumps({"status": 429, "message": "Too Many Requests"}),
    "application/xml": f'<error code="429" reason="Too Many Requests">{_TEXT}</error>',
    "text/plain": _TEXT,
    "text/html": f"<html><head><title>{_TEXT}</title></head><body>{_TEXT}</body></html>",
}


class VendorFront:
    """The front server, as WSGI middleware; the clock empties the cache and counts requests."""

    def __init__(self, application: Application, clock: Clock) -> None:
        self._application = application
        self._clock = clock
        self._entries: dict[str, tuple[Response, float]] = {}
        self._excess, self._counted = 0.0, self._now()
        self._lock = threading.Lock()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._respond(environ)(environ, start_response)

    def _respond(self, environ: Environ) -> Response:
        now, path = self._now(), environ["PATH_INFO"]
        if not self._admitted(now):
            return _too_many(environ.get("HTTP_ACCEPT", ""))
        lifetimes: Mapping[int, float] = {}
        if environ["REQUEST_METHOD"] == "GET":
            patterns = (pattern for pattern in _CACHED if re.fullmatch(pattern, path))
            lifetimes = _CACHED.get(next(patterns, ""), {})
        key = f"{path}?{environ.get('QUERY_STRING', '')}"
        response, ends = self._entries.get(key, (None, 0.0))
        if not lifetimes or response is None or now >= ends:
            response = RawResponse.from_app(self._application, environ, buffered=True)
            if lifetime := lifetimes.get(response.status_code):
                self._entries[key] = (response, now + lifetime)
        return response

    def _admitted(self, now: float) -> bool:
        """Whether a request is within the rate; refused ones do not count."""
        with self._lock:
            excess = max(0.0, self._excess - (now - self._counted) * RATE) + 1
            if excess > BURST + 1:
                return False
            self._excess, self._counted = excess, now
            return True


def _too_many(accept: str) -> Response:
    accept = accept.replace("text/xml", "application/xml")
    kind = next((kind for kind in _TOO_MANY if kind in accept), "text/html")
    return Response(_TOO_MANY[kind], 429, {"Content-Type": kind})
