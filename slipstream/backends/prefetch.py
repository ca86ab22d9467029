"""Reading several things side by side, a few ahead of the one that is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from itertools import islice, repeat
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

PAGES_AHEAD = 2
"""Pages that are held beside the one that is used."""


def read_ahead(
    read: Callable[[T], R], things: Iterable[T], *, at_once: int, threads: int | None = None
) -> Generator[R]:
    """
    Read things by several threads, and hand over what came in the order of the things.

    Each thread works in a copy of the caller's context. When the caller wants no more, nothing
    more is begun, and what is under way is not waited for.

    :param at_once: How many are read, or wait to be handed over, at a time.
    :param threads: By how many threads, if not by as many.
    """
    left = iter(things)
    pool = ThreadPoolExecutor(threads or at_once, thread_name_prefix="slipstream-ahead")
    try:
        under_way = deque(_begin(pool, read, thing) for thing in islice(left, at_once))
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(_begin(pool, read, thing) for thing in islice(left, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def make_ahead(items: Iterator[T]) -> Generator[T]:
    """Go through an iterator whose next items are made by one thread while one is used."""
    end: Any = object()
    # With one in hand the thread goes on by itself, and sends before its items are used.
    results = read_ahead(lambda _: next(items, end), repeat(None), at_once=PAGES_AHEAD, threads=1)
    with closing(results):
        while (item := next(results)) is not end:
            yield item


def read_beside(
    read: Callable[[Sequence[T]], R], pages: Iterator[Sequence[T]], *, size: int, at_once: int = 8
) -> Generator[R]:
    """
    Read something for each few entries of a list, side by side with its next pages.

    :param size: How many entries one reading is for.
    :param at_once: How many readings run at a time.
    :returns: What was read, in the order of the entries.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="slipstream-beside")

    def begin(page: Sequence[T]) -> list[Future[R]]:
        parts = [page[start : start + size] for start in range(0, len(page), size)]
        return [_begin(pool, read, part) for part in parts]

    try:
        with closing(make_ahead(map(begin, pages))) as begun:
            for futures in begun:
                for future in futures:
                    yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(pool: ThreadPoolExecutor, read: Callable[[T], R], thing: T) -> Future[R]:
    return pool.submit(copy_context().run, read, thing)
