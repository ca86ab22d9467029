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


@attrs.frozen(kw_only=True)
class Backoff:
    """
    Back-off: pauses that grow.

    :param start: Seconds of the first pause.
    :param factor: How many times longer each further pause is.
    :param ceiling: Seconds that no pause exceeds.
    :param jitter: The part of a pause, between 0 and 1, that is left to chance, so that clients
        that wait for the same server do not all come back at once.
    """

    start: float
    factor: float = 1.0
    ceiling: float = 30.0
    jitter: float = 0.2

    def pauses(self) -> Iterator[float]:
        """The pauses in seconds, without end."""
        pause = min(self.start, self.ceiling)
        while True:
            yield pause * random.uniform(1 - self.jitter, 1.0)  # noqa: S311 - jitter is no secret
            pause = min(pause * self.factor, self.ceiling)


FIRST_RATE = 10.0
"""Requests a second after the first 429, half of what the vendor's front server allows."""

SLOWEST_RATE = 0.5
"""Requests a second below which pacing does not go by itself."""

_POLICY = re.compile(r"(?:[^;,]*;\s*q=)?\s*(\d{1,9})\s*;(?:[^,]*;)?\s*w=(\d{1,9})", re.ASCII)


class Pacer:
    """
    Spaces the requests of all threads after the first 429 of a server.

    The rate is halved by a 429 and grows by one request a second with each second, so that it
    settles below the server's limit and is forgotten when the server is left alone. A rate that
    the server names is kept instead. Nothing waits before the first 429.
    """

    def __init__(self) -> None:
        self._lock = PerProcess(threading.Lock)
        self._rate = 0.0
        self._named = False
        self._next = 0.0
        self._changed = 0.0

    def delay(self, pause: float = 0.0) -> float:
        """Take the next free slot."""
        if not self._rate:
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
                self._rate, self._named, self._changed = named, True, now
            elif not self._rate:
                self._rate, self._changed = FIRST_RATE, now
            elif not self._named and sent > self._changed:
                # What was sent before the last change says nothing about the new rate.
                self._rate = max(self._rate_at(now) / 2, SLOWEST_RATE)
                self._changed = now
            self._next = max(self._next, now + pause)

    def _rate_at(self, now: float) -> float:
        return self._rate if self._named else self._rate + max(0.0, now - self._changed)


def named_rate(headers: Mapping[str, str]) -> float | None:
    """The rate that headers of a response name (RFC draft "RateLimit header fields for HTTP")."""
    for name in ("RateLimit-Policy", "RateLimit-Limit", "X-RateLimit-Limit"):
        match = _POLICY.search(headers.get(name, "")[:1000])
        if match and int(match[1]) and int(match[2]):
            return int(match[1]) / int(match[2])
    return None
