"""
What a search asks for.

Source: nuvla/api-server, server/middleware/cimi_params and db/es/common/pagination.cljc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from slipstream.filters import (
    LARGEST_INTEGER,
    NUVLA,
    And,
    Comparison,
    Date,
    Filter,
    FilterSyntaxError,
    Or,
    parse,
)
from slipstream.filters.expressions import PLACING
from slipstream.filters.geometry import read_shape
from slipstream.sandbox import queries
from slipstream.sandbox.nuvla.call import Fields
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.store import MOST_DOCUMENTS, Document, Query

_FULL_TEXT = ("id", "name", "description", "tags", "path", "subtype")
_DATE_ARITHMETIC = re.compile(r"now(?:([+-]\d+)([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@attrs.frozen
class Wanted:
    """
    A filter as the index sees documents: some attributes are not in it, one is in it alone.

    :param filter: The filter.
    :param hidden: Attributes that are not indexed, slashes for nesting.
    """

    filter: Filter
    hidden: tuple[str, ...]

    def matches(self, document: Mapping[str, Any]) -> bool:
        """
        Judge a document.

        :param document: The document.
        :returns: Whether the filter lets it through.
        """
        indexed = dict(document)
        for path in self.hidden:
            _hide(indexed, path.split("/"))
        indexed["fulltext"] = " ".join(_text(document.get(name)) for name in _FULL_TEXT)
        return self.filter.matches(indexed)


def _hide(document: dict[str, Any], path: Sequence[str]) -> None:
    if len(path) == 1:
        document.pop(path[0], None)
    elif isinstance(document.get(path[0]), dict):
        document[path[0]] = dict(document[path[0]])
        _hide(document[path[0]], path[1:])


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def read_query(
    fields: Fields, now: datetime, *, hidden: tuple[str, ...] = (), default_order: str | None
) -> Query:
    """
    Read the parameters of a search.

    :param fields: The parameters.
    :param now: The present moment, which date arithmetic starts from.
    :param hidden: Attributes that are not indexed.
    :param default_order: What to sort by, newest first, if nothing is said.
    :returns: The query.
    :raises JsonProblem: 400 for a filter that is none, 500 for one that the index chokes on.
    """
    first = max(1, queries.integer(fields.get("first", ()), 1) or 1)
    last = queries.integer(fields.get("last", ()), None)
    if max(first, last or 0) > MOST_DOCUMENTS:
        raise _index_failed(
            "First and last must be less than or equal to 10'000. "
            "Use filter to limit the number of returned resources."
        )
    order = queries.order(fields.get("orderby", ()))
    if not order and default_order:
        order = ((default_order, True),)
    return Query(
        filter=_wanted(fields.get("filter", ()), now, hidden),
        first=first,
        last=last,
        order=order,
        select=queries.names(fields.get("select", ())),
        aggregations=tuple(
            (algorithm, attribute)
            for algorithm, attribute in queries.aggregations(fields.get("aggregation", ()))
            if algorithm != "count"
        ),
    )


def _index_failed(reason: str) -> JsonProblem:
    return JsonProblem(500, f"unexpected exception querying: {reason}")


def _wanted(texts: Sequence[str], now: datetime, hidden: tuple[str, ...]) -> Wanted | None:
    if not texts:
        return None
    return Wanted(read_filter(") and (".join(texts), now), hidden)


def read_filter(text: str, now: datetime) -> Filter:
    """
    Read a filter. The server puts it in parentheses first, so that one which closes a
    parenthesis too many and opens another is a filter after all.

    :param text: The filter as it was sent.
    :param now: The present moment.
    :returns: The filter.
    :raises JsonProblem: 400 for a filter that is none, 500 for one that the index chokes on.
    """
    text = f"({text})"
    try:
        found = parse(text, NUVLA)
    except FilterSyntaxError as error:
        place = " " * error.index
        raise JsonProblem(
            400,
            f"Invalid CIMI filter. Parse error at line 1, column {error.index + 1}:\n"
            f"{text}\n{place}^\nExpected one of:\n{error.expected}\n",
        ) from None
    return _resolved(found, now)


def _resolved(expression: Filter, now: datetime) -> Filter:
    if isinstance(expression, Comparison):
        return _comparison(expression, now)
    parts = tuple(_resolved(part, now) for part in expression.operands)
    return And(parts) if isinstance(expression, And) else Or(parts)


def _comparison(one: Comparison, now: datetime) -> Comparison:
    values = one.value if isinstance(one.value, tuple) else (one.value,)
    for value in values:
        _check_literal(value)
    if one.operator in PLACING:
        _check_place(str(one.value))
    found = _DATE_ARITHMETIC.fullmatch(one.value) if isinstance(one.value, str) else None
    if found is None or one.operator not in {"<", "<=", ">", ">="}:
        return one
    ahead = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[1] else timedelta()
    return Comparison(one.attribute, one.operator, Date.at(now + ahead))


def _check_literal(value: object) -> None:
    if isinstance(value, int) and value > LARGEST_INTEGER:
        raise _index_failed(f'For input string: "{value}"')
    if isinstance(value, Date):
        try:
            value.moment  # noqa: B018 - reading it is the check
        except ValueError:
            raise _index_failed(f"failed to parse date field [{value.text}]") from None


def _check_place(text: str) -> None:
    try:
        read_shape(text)
    except ValueError as error:
        raise JsonProblem(400, f"Invalid WKT format: {error}") from None


def shown(document: Document, select: Sequence[str] | None) -> Document:
    """
    Cut a document to what was selected: top-level attributes, and always the id.

    :param document: The document.
    :param select: The names; None for all.
    :returns: A new document.
    """
    if select is None:
        return dict(document)
    return {name: document[name] for name in ("id", *select) if name in document}
