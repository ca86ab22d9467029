"""The current call of the user: its id, its deadline, its log lines, and values per process."""

from __future__ import annotations

import logging
import math
import os
import secrets
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Generic, TypeVar

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


class CallLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that puts the current call before each message and into each record."""

    def log(self, level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a message, its texts made safe: some are a server's."""
        if self.isEnabledFor(level):
            texts = (
                safe_text(str(value)) if isinstance(value, str | BaseException) else value
                for value in args
            )
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().log(level, msg, *texts, **kwargs)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the current call to a message; see :class:`logging.LoggerAdapter`."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **attributes()}
        return f"{label()} {msg}", kwargs


def get_logger(name: str) -> CallLogger:
    """The logger for a module."""
    return CallLogger(logging.getLogger(name), {})


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
