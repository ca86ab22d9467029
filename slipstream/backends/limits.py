"""How long a listing may go on: every one of them ends, whatever a server sends."""

from __future__ import annotations

from typing import Final

MAX_ENTRIES: Final = 1_000_000
"""Entries that a list may count; no account has as many."""

MAX_PAGES: Final = 2_000
"""Pages of a list whose entries the server does not count."""

MAX_PROJECTS: Final = 20_000
"""Projects that a recursive listing reads."""

MAX_LEVELS: Final = 50
"""How deep projects may nest, and how many components may be built one on the other."""

IDLE_PAGES: Final = 20
"""Pages in a row that may bring nothing new, since the list changes while it is read."""

MOST_DELETED: Final = 10
"""Entries that others may delete while one page is read; a list that loses more is not whole."""


def most_pages(count: int, size: int) -> int:
    """The number of pages of a size after which a listing of some entries gives up."""
    return IDLE_PAGES + 2 * (count // size)
