"""How a comparison is judged on a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from slipstream.filters.geometry import Shape, read_shape, shape_of
from slipstream.filters.values import Date, Value, read_moment

Judge = Callable[[Sequence[Any], Value], bool]


def leaves(document: Any, path: Sequence[str]) -> Iterator[Any]:
    """
    Find what an attribute names, through lists and nested documents.

    :param document: A JSON document or a part of one.
    :param path: The names still to follow.
    :returns: Every value found; nothing for a missing attribute or a ``null``.
    """
    if isinstance(document, list | tuple):
        for element in document:
            yield from leaves(element, path)
    elif not path:
        if document is not None:
            yield document
    elif isinstance(document, Mapping) and path[0] in document:
        yield from leaves(document[path[0]], path[1:])


def _same_kind(found: Any, value: Value) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return isinstance(found, bool) and isinstance(value, bool)
    return isinstance(value, int) == isinstance(found, int | float)


def _moment(found: Any) -> datetime | None:
    try:
        return read_moment(found)
    except (TypeError, ValueError):
        return None


def _equal(found: Any, value: Value) -> bool:
    if isinstance(value, Date):
        return _moment(found) == value.moment
    return _same_kind(found, value) and bool(found == value)


def _is_equal(values: Sequence[Any], value: Value) -> bool:
    if value is None:
        return not values
    if isinstance(value, tuple):
        return any(_is_equal(values, item) for item in value)
    return any(_equal(found, value) for found in values)


def _is_other(values: Sequence[Any], value: Value) -> bool:
    return not _is_equal(values, value)


def _order(found: Any, value: Value) -> int | None:
    if isinstance(value, Date):
        moment = _moment(found)
        return None if moment is None else (moment > value.moment) - (moment < value.moment)
    comparable = isinstance(found, str) if isinstance(value, str) else _same_kind(found, value)
    return int(found > value) - int(found < value) if comparable else None


def _ordered(accept: Callable[[int], bool]) -> Judge:
    def judge(values: Sequence[Any], value: Value) -> bool:
        signs = (_order(found, value) for found in values)
        return any(sign is not None and accept(sign) for sign in signs)

    return judge


def _starts(values: Sequence[Any], value: Value) -> bool:
    return any(isinstance(found, str) and found.startswith(str(value)) for found in values)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+\*?", text.casefold()))


def _is_among(wanted: str, words: set[str]) -> bool:
    if wanted.endswith("*"):
        return any(word.startswith(wanted[:-1]) for word in words)
    return wanted in words


def _speaks_of(values: Sequence[Any], value: Value) -> bool:
    wanted = _words(str(value))
    spoken = (_words(found) for found in values if isinstance(found, str))
    return any(all(_is_among(one, words) for one in wanted) for words in spoken)


def _placed(accept: Callable[[Shape, Shape], bool]) -> Judge:
    def judge(values: Sequence[Any], value: Value) -> bool:
        found = shape_of(values)
        return found is not None and accept(found, read_shape(str(value)))

    return judge


JUDGES: Mapping[str, Judge] = {
    "=": _is_equal,
    "!=": _is_other,
    "<": _ordered(lambda sign: sign < 0),
    "<=": _ordered(lambda sign: sign <= 0),
    ">=": _ordered(lambda sign: sign >= 0),
    ">": _ordered(lambda sign: sign > 0),
    "^=": _starts,
    "==": _speaks_of,
    "intersects": _placed(lambda found, wanted: found.meets(wanted)),
    "disjoint": _placed(lambda found, wanted: not found.meets(wanted)),
    "within": _placed(lambda found, wanted: wanted.covers(found)),
    "contains": _placed(lambda found, wanted: found.covers(wanted)),
}
