"""When to make no other attempt, for callers that cannot pass it as an argument yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("slipstream_deadline", default=None)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Make no other attempt in this block after a time by the monotonic clock."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def current() -> float | None:
    """The deadline of the block, ``None`` outside of any."""
    return _deadline.get()
