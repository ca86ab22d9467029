"""
Calls of the user, and the clock that they share.

A call has an id, a deadline and log lines. The clock tells the time, sleeps, and keeps to the
server's rate limit. A test, or a replay, that replaces this module's ``time`` stops every pause.
"""

from __future__ import annotations

import logging
import math
import os
import random
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Generic, TypeVar

import attrs

from slipstream.values.plain import safe_text

NO_CALL = "-"
"""The id and the method outside of any call."""


@attrs.define
class Call:
    """
    One call of a user.

    :param operation: The method that was called, as in ``create_node``.
    :param id: The id in every log line and exception of the call.
    :param changes: How many requests it has sent that may have changed something: the server has
        not refused them.
    """

    operation: str
    id: str = attrs.field(factory=lambda: secrets.token_hex(4))
    changes: int = 0


_current: ContextVar[Call | None] = ContextVar("slipstream_call", default=None)
_deadline: ContextVar[float] = ContextVar("slipstream_deadline", default=math.inf)


def current() -> Call:
    """The current call; a blank one, not shared, outside of any."""
    return _current.get() or Call(NO_CALL, NO_CALL)


@contextmanager
def carrying_out(call: Call) -> Iterator[Call]:
    """
    Make a call the current one in this block, unless there is an outer one.

    :param call: The call.
    :returns: The call that counts, which is the one that the user made.
    """
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Set the deadline for retries in this block, by the monotonic clock."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline() -> float:
    """The deadline for retries; an attempt that has begun is not cut off."""
    return _deadline.get()


def label() -> str:
    """The prefix of log lines of the current call, as in ``[3f2a91c4 create_node]``."""
    call = current()
    return f"[{NO_CALL}]" if call.id == NO_CALL else f"[{call.id} {call.operation}]"


def attributes() -> dict[str, str]:
    """The attributes that log records of the current call get."""
    call = current()
    return {"call_id": call.id, "operation": call.operation}


def _add_call(record: logging.LogRecord) -> bool:
    """Put the current call into a record and before its message, and make its texts safe."""
    # Some of the texts are a server's.
    record.args = tuple(
        safe_text(str(value)) if isinstance(value, str | BaseException) else value
        for value in record.args or ()
    )
    record.msg = f"{label()} {record.msg}"
    vars(record).update(attributes())
    return True


def get_logger(name: str) -> logging.Logger:
    """The logger for a module."""
    logger = logging.getLogger(name)
    logger.addFilter(_add_call)
    return logger


_HERE = f"{Path(__file__).parents[1]}{os.sep}"


def stacklevel() -> int:
    """
    The stack level of the user's code, for warnings.

    Python 3.12 can leave out the frames of a package by itself (``skip_file_prefixes``).
    """
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - what warnings itself goes by
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level


T = TypeVar("T")


@attrs.define
class PerProcess(Generic[T]):
    """
    A value that each process makes for itself.

    A child begins with the locks of its parent as they were at the fork, with no thread to
    release them, and with its connections, on which the responses to both would mix.

    :param make: Makes the value.
    :param values: The values by process.
    """

    _make: Callable[[], T]
    _values: dict[int, T] = attrs.field(factory=dict)

    def get(self) -> T:
        """The value of the calling process."""
        pid = os.getpid()
        if pid not in self._values:
            # Threads that come here at once must all go on with the same value. The parent's
            # is kept: to drop it could wait for a lock that no thread of a child releases.
            self._values.setdefault(pid, self._make())
        return self._values[pid]


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
