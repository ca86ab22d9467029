"""Pauses between attempts, for every loop that waits."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs


@attrs.frozen(kw_only=True)
class Backoff:
    """
    Pauses that grow.

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
