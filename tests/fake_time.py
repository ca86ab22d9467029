"""A clock of which tests read how long was slept, and which can follow another one."""

from __future__ import annotations

import time
from collections.abc import Callable

from slipstream.testing.offline import InstantTime as FakeTime


class StoppedTime(FakeTime):
    """Moved by sleeping alone: how long the machine takes does not count."""

    def __init__(self, follow: Callable[[float], object] = float) -> None:
        super().__init__(follow)
        self._began = time.monotonic()

    def monotonic(self) -> float:
        return self._began + self.ahead


__all__ = ["FakeTime", "StoppedTime"]
