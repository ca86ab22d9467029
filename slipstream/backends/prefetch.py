"""Reading several things side by side, a few ahead of the one that is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(read: Callable[[T], R], things: Iterable[T], *, at_once: int) -> Generator[R]:
    """
    Read things by several threads, and hand over what came in the order of the things.

    Each thread works in a copy of the caller's context. When the caller wants no more, nothing
    more is begun, and what is under way is not waited for.

    :param read: Reads one thing.
    :param things: The things.
    :param at_once: How many are read, or wait to be handed over, at a time.
    :returns: What was read; an exception is raised in the place of the thing it came from.
    """
    left = iter(things)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="slipstream-ahead")

    def begin(thing: T) -> Future[R]:
        return pool.submit(copy_context().run, read, thing)

    try:
        under_way = deque(map(begin, islice(left, at_once)))
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(map(begin, islice(left, 1)))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def one_ahead(items: Iterator[T]) -> Generator[T]:
    """
    Go through an iterator whose next item is made by a thread while one is used.

    :param items: The iterator.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="slipstream-ahead")
    end: Any = object()

    def begin() -> Future[T]:
        context = copy_context()
        return pool.submit(lambda: context.run(next, items, end))

    try:
        future = begin()
        while (item := future.result()) is not end:
            future = begin()
            yield item
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
