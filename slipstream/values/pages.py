"""Lists in pages."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.define(eq=False)
class Pages(Iterator[T]):
    """
    An iterator over the entries of pages, which :func:`by_page` splits into its pages.

    :param pages: The pages.
    :ivar begun: Whether an entry was read.
    """

    pages: Iterator[Sequence[T]]
    begun: bool = attrs.field(default=False, init=False)
    _entries: Iterator[T] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: chain.from_iterable(self.pages), takes_self=True),
    )

    def __iter__(self) -> Iterator[T]:
        self.begun = True
        return self._entries

    def __next__(self) -> T:
        self.begun = True
        return next(self._entries)


def by_page(entries: Iterable[T]) -> Generator[Sequence[T]]:
    """
    The pages of a list; of one without pages, or partly read, each entry by itself.

    To close it closes what makes the pages, if that is a generator.
    """
    if isinstance(entries, Pages) and not entries.begun:
        yield from entries.pages
    else:
        for entry in entries:
            yield (entry,)
