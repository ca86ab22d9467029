"""Read several things concurrently, a few ahead of the one in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from itertools import islice, repeat
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

PAGES_AHEAD = 2  # pages that are held beside the one that is used


def read_ahead(
    read: Callable[[T], R], things: Iterable[T], *, at_once: int, threads: int | None = None
) -> Generator[R]:
    """
    Read things by several threads, and yield the results in the order of the things.

    Each thread works in a copy of the caller's context. When the caller wants no more, nothing
    more is begun, and what is under way is not waited for.

    :param at_once: How many are read, or wait to be handed over, at a time.
    :param threads: By how many threads, if not by as many.
    """
    pool = ThreadPoolExecutor(threads or at_once, thread_name_prefix="slipstream-ahead")
    try:
        begun = (pool.submit(copy_context().run, read, thing) for thing in things)
        under_way = deque(islice(begun, at_once))
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(islice(begun, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def convert_pages(
    convert: Callable[[Sequence[T]], R],
    pages: Iterator[Sequence[T]],
    *,
    size: int | None = None,
    at_once: int = 8,
) -> Generator[R]:
    """
    Convert the pages of a list, side by side with reading the next ones.

    :param size: How many entries a conversion is for, where it sends requests of its own; those
        of a page, if left out.
    :param at_once: How many conversions run at a time.
    :returns: The results, in the order of the entries.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="slipstream-beside")

    def begin(_: None) -> list[Future[R]] | None:
        if (page := next(pages, None)) is None:
            return None
        step = size or len(page) or 1
        parts = [page[start : start + step] for start in range(0, len(page), step)]
        return [pool.submit(copy_context().run, convert, part) for part in parts]

    # One thread reads the pages; with one in hand it goes on, and sends before that is used.
    begun = read_ahead(begin, repeat(None), at_once=PAGES_AHEAD, threads=1)
    try:
        with closing(begun):
            while (futures := next(begun)) is not None:
                for future in futures:
                    yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
