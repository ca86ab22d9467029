"""
The index of a collection: its searches, and how it refuses what it cannot do.

Source: nuvla/api-server, server/middleware/cimi_params and db/es/common/pagination.cljc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, cast

import attrs

from slipstream.filters import (
    LARGEST_INTEGER,
    NUVLA,
    PLACING,
    Attribute,
    Comparison,
    Date,
    Filter,
    FilterSyntaxError,
    leaves,
    parse,
)
from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import JsonProblem, not_played
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.schema import Description, anything, describe, texts
from slipstream.sandbox.store import MOST_DOCUMENTS, Criterion, Query

COMMON = describe(
    *("id", "resource-type", "created", "updated", "created-by", "updated-by", "name", "parent"),
    *("resource-metadata", "subtype"),
    tags=texts,
    **dict.fromkeys(("description", "properties", "operations", "acl"), anything),
)
"""The attributes that every type has."""
_HIDDEN = Attribute("@hidden")
"""What stands for an attribute that is not in the index: no document has it."""
_DATE_ARITHMETIC = re.compile(r"now(?:([+-]\d+)([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATES = frozenset({"created", "updated", "expiry", "timestamp", "started", "last-check"})
_FORMAT = "strict_date_optional_time||epoch_millis"
_NO_FIELD_DATA = (
    "Text fields are not optimised for operations that require per-document field data like "
    "aggregations and sorting, so these operations are disabled by default. Please use a keyword "
    "field instead. Alternatively, set fielddata=true on [fulltext] in order to load field data "
    "by uninverting the inverted index. Note that this can use significant memory."
)


def query_failed(reason: str) -> JsonProblem:
    return JsonProblem(500, f"unexpected exception querying: {reason}")


def index_failed(kind: str, type_: str, reason: str) -> JsonProblem:
    """The refusal of a search that the index cannot do, in the index's own words."""
    where = f', :index "nuvla-{kind}"' if type_ == "query_shard_exception" else ""
    cause = f'{{:type "{type_}", :reason "{reason}"{where}}}'
    details = ':type "search_phase_execution_exception", :reason "all shards failed"'
    return query_failed(f"{{:root_cause [{cause}], {details}}}")


@attrs.frozen
class _FullText:
    """A comparison with all words of a document."""

    comparison: Comparison

    def matches(self, document: Mapping[str, Any]) -> bool:
        texts = leaves([document.get(name) for name in ("name", "description", "tags")], ())
        return self.comparison.matches({"fulltext": " ".join(map(str, texts))})


@attrs.frozen
class _Keyword:
    """``==`` on a keyword: it compares the whole value, with ``*`` for anything."""

    attribute: str
    pattern: str

    def matches(self, document: Mapping[str, Any]) -> bool:
        values = leaves(document, self.attribute.split("/"))
        pattern = re.compile(re.escape(self.pattern).replace(r"\*", ".*"), re.DOTALL)
        return any(pattern.fullmatch(str(value)) for value in values)


class Searchable(cimi.Resource):
    """A type of resource whose documents are in an index, like Elasticsearch's."""

    world: State
    description: ClassVar[Description] = COMMON
    """The attributes of its documents, by which they can be sorted though none may have them."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Attributes that are not in the index, slashes for nesting."""

    def query(self) -> Query:
        """Read the parameters of a search; refuse what the index cannot do."""
        query = Query.read(self.parameters)
        if max(query.first, query.last or 0) > MOST_DOCUMENTS:
            raise query_failed(
                "java.lang.IllegalArgumentException: First and last must be less than or equal to "
                "10'000. Use filter to limit the number of returned resources."
            )
        if any(name.partition(".")[0] in self.hidden for name, _ in query.order):
            raise self.unsortable(query.order)
        return attrs.evolve(
            query,
            filter=self._filter(self.parameters("filter")),
            select=() if query.select is None and self.parameters("select") else query.select,
            mapped=frozenset(self.description) - {*self.hidden},
        )

    def unsortable(self, order: Sequence[tuple[str, bool]]) -> JsonProblem:
        """The refusal of an order by an unknown attribute."""
        name = order[0][0]
        if name == "fulltext":
            return index_failed(self.name, "illegal_argument_exception", _NO_FIELD_DATA)
        reason = f"No mapping found for [{name}] in order to sort on"
        return index_failed(self.name, "query_shard_exception", reason)

    def _filter(self, texts: Sequence[str]) -> Criterion | None:
        """
        Read filters, which must all hold. The server puts each in parentheses first, so that one
        which closes a parenthesis too many and opens another is a filter after all.
        """
        if not texts:
            return None
        text = f"({') and ('.join(texts)})"
        try:
            expression = parse(text, NUVLA)
        except FilterSyntaxError as error:
            # What is wrong with an empty filter is that nothing follows the parenthesis.
            index = 1 if text == "()" else error.index
            raise JsonProblem(
                400,
                f"Invalid CIMI filter. Parse error at line 1, column {index + 1}:\n"
                f"{text}\n{' ' * index}^\nExpected one of:\n{error.expected}\n",
            ) from None
        return self._resolved(expression)

    def _resolved(self, expression: Filter) -> Criterion:
        if isinstance(expression, Comparison):
            return self._comparison(expression)
        parts = tuple(self._resolved(part) for part in expression.operands)
        kind: Any = type(expression)
        return cast("Criterion", kind(parts))

    def _comparison(self, comparison: Comparison) -> Criterion:
        attribute, operator = str(comparison.attribute), comparison.operator
        value = comparison.value
        if any(f"{attribute}/".startswith(f"{path}/") for path in self.hidden):
            return attrs.evolve(comparison, attribute=_HIDDEN)
        for item in value if isinstance(value, tuple) else (value,):
            self._check_literal(item)
        if operator in PLACING:
            raise not_played("A search by place")
        if attribute == "fulltext":
            return _FullText(comparison)
        if operator == "==" and isinstance(value, str):
            return _Keyword(attribute, value)
        if operator not in {"<", "<=", ">", ">="} or not isinstance(value, str):
            return comparison
        match = _DATE_ARITHMETIC.fullmatch(value)
        if match is None:
            if attribute in _DATES:
                self._check_literal(Date(value))
            return comparison
        shift = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match[1] else timedelta()
        return Comparison(comparison.attribute, operator, Date.at(self.world.now() + shift))

    def _check_literal(self, value: object) -> None:
        if isinstance(value, int) and value > LARGEST_INTEGER:
            raise query_failed(f'java.lang.NumberFormatException: For input string: "{value}"')
        if isinstance(value, Date):
            try:
                value.value  # noqa: B018 - reading it is the check
            except ValueError:
                failed = f"failed to parse date field [{value.text}] with format [{_FORMAT}]"
                reason = f"{failed}: [{failed}]"
                raise index_failed(self.name, "parse_exception", reason) from None
