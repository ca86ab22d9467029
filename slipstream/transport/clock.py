"""
The clock: reading the time, sleeping, back-off, and the server's rate limit.

A test, or a replay, that replaces this module's ``time`` stops every pause at once.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator, Mapping

import attrs

from slipstream.transport.call_context import PerProcess


def sleep(seconds: float) -> None:
    """Sleep for some seconds."""
    time.sleep(seconds)


def monotonic() -> float:
    """Seconds of the monotonic clock."""
    return time.monotonic()


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


@attrs.define(kw_only=True)
class Backoff(Iterator[float]):
    """
    Back-off: pauses that grow, in seconds, without end.

    :param start: Seconds of the next pause.
    :param factor: How many times longer each further pause is.
    :param ceiling: Seconds that no pause exceeds.
    :param jitter: The part of a pause, between 0 and 1, that is left to chance, so that clients
        that wait for the same server do not all come back at once.
    """

    start: float
    factor: float = 1.0
    ceiling: float = 30.0
    jitter: float = 0.2

    def __next__(self) -> float:
        pause = min(self.start, self.ceiling)
        self.start = pause * self.factor
        return pause * random.uniform(1 - self.jitter, 1.0)  # noqa: S311 - jitter is no secret


FIRST_RATE = 10.0
"""Requests a second after the first 429, half of what the vendor's front server allows."""

SLOWEST_RATE = 0.5
"""Requests a second below which pacing does not go by itself."""

_POLICY = re.compile(r"(?:[^;,]*;\s*q=)?\s*(\d{1,9})\s*;(?:[^,]*;)?\s*w=(\d{1,9})", re.ASCII)


@attrs.define
class Pacer:
    """
    Spaces the requests of all threads after the first 429 of a server.

    The rate is halved by a 429 and grows by one request a second with each second, so that it
    settles below the server's limit and is forgotten when the server is left alone. A rate that
    the server names is kept instead. Nothing waits before the first 429.

    :ivar rate: Requests a second at the last 429, 0 before the first one.
    """

    rate: float = attrs.field(default=0.0, init=False)
    _named: bool = attrs.field(default=False, init=False)
    _next: float = attrs.field(default=0.0, init=False)
    _changed: float = attrs.field(default=0.0, init=False)
    _lock: PerProcess[threading.Lock] = attrs.field(factory=lambda: PerProcess(threading.Lock))

    def delay(self, pause: float = 0.0) -> float:
        """Take the next free slot."""
        if not self.rate:
            return pause
        with self._lock.get():
            now = monotonic()
            slot = max(now + pause, self._next)
            self._next = max(self._next, now) + 1 / self._rate_at(now)
            return slot - now

    def slow_down(self, headers: Mapping[str, str], *, sent: float, pause: float) -> None:
        """Take note of a 429."""
        with self._lock.get():
            now = monotonic()
            named = named_rate(headers)
            if named:
                self.rate, self._named, self._changed = named, True, now
            elif not self.rate:
                self.rate, self._changed = FIRST_RATE, now
            elif not self._named and sent > self._changed:
                # What was sent before the last change says nothing about the new rate.
                self.rate = max(self._rate_at(now) / 2, SLOWEST_RATE)
                self._changed = now
            self._next = max(self._next, now + pause)

    def _rate_at(self, now: float) -> float:
        return self.rate if self._named else self.rate + max(0.0, now - self._changed)


def named_rate(headers: Mapping[str, str]) -> float | None:
    """The rate that headers of a response name (RFC draft "RateLimit header fields for HTTP")."""
    for name in ("RateLimit-Policy", "RateLimit-Limit", "X-RateLimit-Limit"):
        match = _POLICY.search(headers.get(name, "")[:1000])
        if match and int(match[1]) and int(match[2]):
            return int(match[1]) / int(match[2])
    return None
