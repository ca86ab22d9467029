"""What a forked child must not share with its parent: locks and connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_renewals: WeakKeyDictionary[Any, Callable[[Any], object]] = WeakKeyDictionary()


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


def renew_in_children(owner: T, renew: Callable[[T], object]) -> None:
    """Have something done to an object in every forked child, before anything else."""
    _renewals[owner] = renew


def _renew_all() -> None:
    for owner, renew in list(_renewals.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
