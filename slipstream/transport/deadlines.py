"""Until when what is being done may be tried again, for all that is done on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from slipstream.transport import clock

_deadline: ContextVar[float | None] = ContextVar("slipstream_deadline", default=None)


@contextmanager
def lasting(seconds: float) -> Iterator[None]:
    """
    Do something that nobody waits for any longer than this.

    What has begun is not cut off by it; it is not tried again once the time is over.

    :param seconds: How long.
    """
    token = _deadline.set(clock.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def allows(pause: float) -> bool:
    """
    Whether there is time to try again after a pause.

    :param pause: The pause in seconds.
    """
    deadline = _deadline.get()
    return deadline is None or clock.monotonic() + pause <= deadline
