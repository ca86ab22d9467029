"""
What a forked child makes anew.

A child is born with the locks of its parent as they were, and nobody to release those that
another thread held; and with its connections, on which the answers to both would mingle.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_renewals: WeakKeyDictionary[Any, Callable[[Any], object]] = WeakKeyDictionary()


def renew_in_children(owner: T, renew: Callable[[T], object]) -> None:
    """
    Have something done in every forked child, before anything else happens there.

    :param owner: What it is done to; once it is gone, it is forgotten.
    :param renew: What is done; it must wait for no lock.
    """
    _renewals[owner] = renew


def renew_locks_in_children(owner: object, *names: str) -> None:
    """
    Have locks replaced in every forked child.

    :param owner: An object or a module.
    :param names: The names of its locks.
    """
    renew_in_children(owner, partial(_renew_locks, names=names))


def _renew_locks(owner: object, names: tuple[str, ...]) -> None:
    for name in names:
        setattr(owner, name, threading.Lock())


def _renew_all() -> None:
    for owner, renew in list(_renewals.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
