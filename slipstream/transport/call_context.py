"""Which call of the user is being carried out, and until when, for all that is done on its way."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs


@attrs.define
class Call:
    """
    One call of a user.

    :param operation: The method that was called, as in ``create_node``.
    :param id: What ties together all that the call sends and logs.
    :param changes: How many requests were sent that may have changed something.
    """

    operation: str
    id: str = attrs.field(factory=lambda: secrets.token_hex(4))
    changes: int = 0


_current: ContextVar[Call | None] = ContextVar("slipstream_call", default=None)
_deadline: ContextVar[float] = ContextVar("slipstream_deadline", default=math.inf)


def current() -> Call | None:
    """The call being carried out here, ``None`` outside of any."""
    return _current.get()


def note_change(number: int = 1) -> None:
    """Note that the current call sends a change, or with -1 that the server has refused it."""
    call = _current.get()
    if call is not None:
        call.changes += number


def changes() -> int:
    """How many changes the current call has sent that the server has not refused."""
    call = _current.get()
    return 0 if call is None else call.changes


class carrying_out:  # noqa: N801 - used like a function
    """
    Do something as part of a call.

    A call inside another one is part of the outer one, which is what the user made; the block is
    given the one that counts.

    :param call: The call.
    """

    __slots__ = ("_call", "_token")

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> Call:
        outer = _current.get()
        self._token = None if outer is not None else _current.set(self._call)
        return outer or self._call

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Send nothing again in this block after a time by the monotonic clock."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline() -> float:
    """When to send nothing again; an attempt that is under way is not cut off."""
    return _deadline.get()
