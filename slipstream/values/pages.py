"""Lists in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

T = TypeVar("T")


class Pages(Iterator[T]):
    """
    An iterator over the entries of pages, which :func:`by_page` splits into its pages.

    :param pages: The pages.
    """

    def __init__(self, pages: Iterator[Sequence[T]]) -> None:
        self._pages, self._entries = pages, chain.from_iterable(pages)
        self.begun = False

    def __iter__(self) -> Iterator[T]:
        self.begun = True
        return self._entries

    def __next__(self) -> T:
        self.begun = True
        return next(self._entries)

    def close(self) -> None:
        """Close what makes the pages, if it is a generator."""
        getattr(self._pages, "close", lambda: None)()


def by_page(entries: Iterable[T]) -> Iterator[Sequence[T]]:
    """The pages of a list; of one without pages, or partly read, each entry by itself."""
    if isinstance(entries, Pages) and not entries.begun:
        return entries._pages  # noqa: SLF001
    return zip(entries, strict=False)
