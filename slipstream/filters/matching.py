"""Evaluate a comparison on a document."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from slipstream.filters.values import Date, Value, parse_timestamp

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


def _comparable(attribute: Any, value: Value) -> tuple[Any, Any] | None:
    """Both sides of a comparison, if they are of the same kind."""
    if isinstance(value, Date):
        try:
            return parse_timestamp(attribute), value.value
        except (TypeError, ValueError):
            return None
    if isinstance(attribute, bool) or isinstance(value, bool):
        same_kind = isinstance(attribute, bool) and isinstance(value, bool)
    elif isinstance(value, int):
        same_kind = isinstance(attribute, int | float)
    else:
        same_kind = isinstance(attribute, str)
    return (attribute, value) if same_kind else None


def _compared(compare: Callable[[Any, Any], bool]) -> Judge:
    def judge(values: Sequence[Any], value: Value) -> bool:
        pairs = (_comparable(attribute, value) for attribute in values)
        return any(pair is not None and compare(*pair) for pair in pairs)

    return judge


_has_equal = _compared(operator.eq)


def _is_equal(values: Sequence[Any], value: Value) -> bool:
    if value is None:
        return not values
    if isinstance(value, tuple):
        return any(_is_equal(values, item) for item in value)
    return _has_equal(values, value)


def _starts(values: Sequence[Any], value: Value) -> bool:
    return any(isinstance(text, str) and text.startswith(str(value)) for text in values)


def _has_words(values: Sequence[Any], value: Value) -> bool:
    def words(text: str) -> set[str]:
        return set(re.findall(r"\w+\*?", text.casefold()))

    def is_among(term: str, text: set[str]) -> bool:
        if term.endswith("*"):
            return any(word.startswith(term[:-1]) for word in text)
        return term in text

    terms, texts = words(str(value)), (words(text) for text in values if isinstance(text, str))
    return any(all(is_among(term, text) for term in terms) for text in texts)


JUDGES: Mapping[str, Judge] = {
    "=": _is_equal,
    "!=": lambda values, value: not _is_equal(values, value),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">=": _compared(operator.ge),
    ">": _compared(operator.gt),
    "^=": _starts,
    "==": _has_words,
}
"""Whether an operator is true of the values of an attribute and the value beside it."""
