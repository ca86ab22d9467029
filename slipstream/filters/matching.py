"""Evaluate a comparison on a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from slipstream.filters.values import Date, Value, read_moment

Judge = Callable[[Sequence[Any], Value], bool]


def leaves(document: Any, path: Sequence[str]) -> Iterator[Any]:
    """Find what an attribute names, through lists and nested documents."""
    if isinstance(document, list | tuple):
        for element in document:
            yield from leaves(element, path)
    elif not path:
        if document is not None:
            yield document
    elif isinstance(document, Mapping) and path[0] in document:
        yield from leaves(document[path[0]], path[1:])


def _same_kind(attribute: Any, value: Value) -> bool:
    if isinstance(attribute, bool) or isinstance(value, bool):
        return isinstance(attribute, bool) and isinstance(value, bool)
    return isinstance(value, int) == isinstance(attribute, int | float)


def _moment(attribute: Any) -> datetime | None:
    try:
        return read_moment(attribute)
    except (TypeError, ValueError):
        return None


def _equal(attribute: Any, value: Value) -> bool:
    if isinstance(value, Date):
        return _moment(attribute) == value.moment
    return _same_kind(attribute, value) and bool(attribute == value)


def _is_equal(values: Sequence[Any], value: Value) -> bool:
    if value is None:
        return not values
    if isinstance(value, tuple):
        return any(_is_equal(values, item) for item in value)
    return any(_equal(attribute, value) for attribute in values)


def _is_other(values: Sequence[Any], value: Value) -> bool:
    return not _is_equal(values, value)


def _order(attribute: Any, value: Value) -> int | None:
    if isinstance(value, Date):
        moment = _moment(attribute)
        return None if moment is None else (moment > value.moment) - (moment < value.moment)
    comparable = (
        isinstance(attribute, str) if isinstance(value, str) else _same_kind(attribute, value)
    )
    return int(attribute > value) - int(attribute < value) if comparable else None


def _ordered(accept: Callable[[int], bool]) -> Judge:
    def judge(values: Sequence[Any], value: Value) -> bool:
        signs = (_order(attribute, value) for attribute in values)
        return any(sign is not None and accept(sign) for sign in signs)

    return judge


def _starts(values: Sequence[Any], value: Value) -> bool:
    return any(
        isinstance(attribute, str) and attribute.startswith(str(value)) for attribute in values
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+\*?", text.casefold()))


def _is_among(term: str, words: set[str]) -> bool:
    if term.endswith("*"):
        return any(word.startswith(term[:-1]) for word in words)
    return term in words


def _has_words(values: Sequence[Any], value: Value) -> bool:
    terms = _words(str(value))
    texts = (_words(attribute) for attribute in values if isinstance(attribute, str))
    return any(all(_is_among(term, words) for term in terms) for words in texts)


JUDGES: Mapping[str, Judge] = {
    "=": _is_equal,
    "!=": _is_other,
    "<": _ordered(lambda sign: sign < 0),
    "<=": _ordered(lambda sign: sign <= 0),
    ">=": _ordered(lambda sign: sign >= 0),
    ">": _ordered(lambda sign: sign > 0),
    "^=": _starts,
    "==": _has_words,
}
