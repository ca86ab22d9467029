"""A clock that waits for nobody."""

from __future__ import annotations

import time
from collections.abc import Callable


class FakeTime:
    """Stands for the module ``time``: sleeping takes no time, and a clock can follow it."""

    def __init__(self, follow: Callable[[float], object] = lambda _: None) -> None:
        self.slept: list[float] = []
        self.ahead = 0.0
        self._follow = follow

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds
        self._follow(seconds)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def time(self) -> float:
        return time.time() + self.ahead


class StoppedTime(FakeTime):
    """The same, but moved by sleeping alone: how long the machine takes does not count."""

    def __init__(self, follow: Callable[[float], object] = lambda _: None) -> None:
        super().__init__(follow)
        self._began = time.monotonic()

    def monotonic(self) -> float:
        return self._began + self.ahead
