"""The clock of a sandbox, and how both families write a timestamp."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from slipstream.values.fields import check_number

FASTEST = 1e6
MOST_AHEAD = 1e9


class Clock:
    """
    A clock that a test can drive.

    It starts at the present time and never goes backwards.

    :param speed: Simulated seconds per real second; 0 moves only by :meth:`advance`.
    :param start: The first time, with a time zone; now, if left out.
    :param ticks: The source of real seconds; only differences between its values count.
    :raises ValueError: If the speed is negative or not a finite number.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        start: datetime | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start or datetime.now(UTC)
        self._ticks = ticks
        self._origin = ticks()
        self._speed = self._ahead = 0.0
        self._lock = threading.Lock()
        self.speed = speed

    def __repr__(self) -> str:
        return f"Clock(speed={self.speed}, now={self.now().isoformat()})"

    @property
    def speed(self) -> float:
        """Simulated seconds per real second; it may be changed while the clock runs."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        check_number("speed", speed, most=FASTEST)
        with self._lock:
            ticks = self._ticks()
            self._ahead += (ticks - self._origin) * self._speed
            self._origin, self._speed = ticks, speed

    def now(self) -> datetime:
        """
        The time.

        :returns: The simulated time, in the time zone of the start.
        """
        with self._lock:
            passed = (self._ticks() - self._origin) * self._speed + self._ahead
        return self._start + timedelta(seconds=passed)

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward.

        :param seconds: How far, in simulated seconds.
        :raises ValueError: If it is negative.
        """
        check_number("seconds", seconds, most=MOST_AHEAD)
        with self._lock:
            self._ahead += seconds


def iso(timestamp: datetime) -> str:
    """Write a timestamp as the JSON documents do: ``2017-10-13T10:20:00.110Z``."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cookie_date(timestamp: datetime, *, gmt: bool) -> str:
    """Write a timestamp as cookies do; the time zone as ``GMT`` or as ``+0000``."""
    return format_datetime(timestamp.astimezone(UTC), usegmt=gmt)
