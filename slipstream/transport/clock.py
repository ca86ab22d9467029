"""
Sleep and read the time: all that waits or looks at the clock does it here.

A test, or a replay, that replaces this module's ``time`` stops every pause at once.
"""

from __future__ import annotations

import time


def sleep(seconds: float) -> None:
    """Do nothing for some seconds."""
    time.sleep(seconds)


def monotonic() -> float:
    """Seconds by a clock that nobody sets; only differences mean something."""
    return time.monotonic()


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
