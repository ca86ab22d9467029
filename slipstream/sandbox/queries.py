"""The parameters of a search, but for the filter; the families name them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload


@overload
def integer(texts: Sequence[str], default: int) -> int: ...


@overload
def integer(texts: Sequence[str], default: None) -> int | None: ...


def integer(texts: Sequence[str], default: int | None) -> int | None:
    """Read a number."""
    for text in texts:
        try:
            return int(text)
        except ValueError:
            continue
    return default


def names(texts: Sequence[str]) -> tuple[str, ...] | None:
    """Read what to select."""
    return tuple(_items(texts)) or None


def order(texts: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Read what to sort by."""
    pairs = []
    for item in _items(texts):
        name, colon, direction = item.rpartition(":")
        if colon and direction in {"asc", "desc"}:
            pairs.append((name, direction == "desc"))
        else:
            pairs.append((item, False))
    return tuple(pairs)


def aggregations(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read what to aggregate."""
    split = (item.partition(":") for item in _items(texts))
    return tuple((algorithm, attribute) for algorithm, _, attribute in split)


def _items(texts: Sequence[str]) -> list[str]:
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]
