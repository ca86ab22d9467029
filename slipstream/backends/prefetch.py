"""Reading several things side by side, a few ahead of the one that is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import chain, islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(read: Callable[[T], R], things: Iterable[T], *, at_once: int) -> Generator[R]:
    """
    Read things by several threads, and hand over what came in the order of the things.

    Each thread works in a copy of the caller's context. When the caller wants no more, nothing
    more is begun, and what is under way is not waited for.

    :param at_once: How many are read, or wait to be handed over, at a time.
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
    """Go through an iterator whose next item is made by a thread while one is used."""
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


def read_beside(
    read: Callable[[Sequence[T]], R], pages: Iterator[Sequence[T]], *, size: int, at_once: int = 8
) -> Iterator[tuple[Sequence[T], R]]:
    """
    Read something for each few entries of a list, side by side with its next pages.

    At most three pages are held at a time: the one that is used, the next one with what was read
    for it, and the one after that.

    :param size: How many entries one reading is for.
    :param at_once: How many readings run at a time.
    :returns: The entries by the few, in order, each time with what was read for them.
    """

    def complete() -> Iterator[list[tuple[Sequence[T], R]]]:
        for page in one_ahead(pages):
            few = [page[start : start + size] for start in range(0, len(page), size)]
            yield list(zip(few, read_ahead(read, few, at_once=at_once), strict=True))

    return chain.from_iterable(one_ahead(complete()))
