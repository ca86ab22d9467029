"""What a forked child must not share with its parent: locks and connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """
    A value that each process makes for itself.

    A child begins with the locks of its parent as they were at the fork, with no thread to
    release them, and with its connections, on which the responses to both would mix.

    :param make: Makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[int, T] = {}

    def get(self) -> T:
        """The value of the calling process."""
        pid = os.getpid()
        if pid not in self._values:
            # Threads that come here at once must all go on with the same value. The parent's
            # is kept: to drop it could wait for a lock that nobody releases in a child.
            self._values.setdefault(pid, self._make())
        return self._values[pid]
