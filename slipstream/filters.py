"""
The filter language of CIMI collections, as values.

Build an expression, print it for the wire, read one back, or try it on a document::

    machines = attr("resource:type").eq("VM") & attr("connector/href").eq("exoscale-ch-gva")
    str(machines)              # resource:type='VM' and connector/href='exoscale-ch-gva'
    parse(str(machines))       # the same value again
    machines.matches(document) # True or False

Nuvla knows lists and locations beside that: ``parse(text, NUVLA)`` reads ``state=['NEW','OLD']``.

Servers strip the quotes of a string and nothing else, so some values cannot be written at all.
Those raise :class:`UnwritableValue`; a value never changes the meaning of the rest of a filter.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import NoneType
from typing import Any, TypeAlias

import attrs

__all__ = [
    "LARGEST_INTEGER",
    "NUVLA",
    "SLIPSTREAM",
    "And",
    "Attribute",
    "Comparison",
    "Date",
    "Filter",
    "FilterSyntaxError",
    "Grammar",
    "Or",
    "UnwritableValue",
    "Value",
    "attr",
    "parse",
]

LARGEST_INTEGER = 2**31 - 1
_EXACT_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?", re.ASCII)
_UNWRITABLE = {
    "with both kinds of quote": re.compile(r"""'.*"|".*'""", re.DOTALL),
    "that ends in a backslash": re.compile(r"\\\Z"),
    "with a backslash before the end of a line": re.compile(r"\\[\n\r\x85\u2028\u2029]"),
    "with half of a surrogate pair": re.compile("[\ud800-\udfff]"),
}


class UnwritableValue(ValueError):
    """The filter language has no way to write this value."""


@attrs.frozen
class Date:
    """
    A date without quotes, as in ``created>2017-06-26``.

    :param text: A day, or a timestamp in UTC with milliseconds (``2017-06-26T11:13:42.883Z``).
    """

    text: str

    @classmethod
    def at(cls, timestamp: datetime) -> Date:
        """Write a timestamp the way servers store it."""
        if timestamp.tzinfo is None:
            raise UnwritableValue("A timestamp in a filter needs a time zone.")
        text = timestamp.astimezone(UTC).isoformat(timespec="milliseconds")
        return cls(text.replace("+00:00", "Z"))

    @property
    def value(self) -> datetime:
        """The timestamp; of a day its first instant in UTC."""
        return _timestamp(self.text)


Item: TypeAlias = str | int | Date
Value: TypeAlias = Item | bool | tuple[Item, ...] | None


def _timestamp(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is UTC."""
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def write(value: Value) -> str:
    """Write a value as the filter language has it."""
    if isinstance(value, str):
        for what, pattern in _UNWRITABLE.items():
            if pattern.search(value):
                raise UnwritableValue(f"A string {what} cannot be written in a filter.")
        quote = '"' if "'" in value else "'"
        return f"{quote}{value}{quote}"
    if value is None or isinstance(value, int):
        if value is not None and not 0 <= value <= LARGEST_INTEGER:
            raise UnwritableValue(f"An integer in a filter is from 0 to {LARGEST_INTEGER}.")
        return json.dumps(value)
    if isinstance(value, Date):
        with suppress(ValueError):  # not a day of any calendar
            if _EXACT_DATE.fullmatch(value.text) and value.value:
                return value.text
        raise UnwritableValue(f"{value.text!r} is not a date that a server reads in a filter.")
    if isinstance(value, tuple) and all(
        isinstance(item, _ORDERED) and not isinstance(item, bool) for item in value
    ):
        return f"[{','.join(map(write, value))}]"
    raise UnwritableValue(f"A filter has no literal for a value of type {type(value).__name__}.")


Predicate = Callable[[Sequence[Any], Value], bool]


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
            return _timestamp(attribute), value.value
        except (TypeError, ValueError):
            return None
    has_type = isinstance(attribute, int | float if isinstance(value, int) else str)
    # A truth value is an int as well.
    is_same = has_type and isinstance(attribute, bool) is isinstance(value, bool)
    return (attribute, value) if is_same else None


def _compared(compare: Callable[[Any, Any], bool]) -> Predicate:
    def predicate(values: Sequence[Any], value: Value) -> bool:
        pairs = (_comparable(attribute, value) for attribute in values)
        return any(pair is not None and compare(*pair) for pair in pairs)

    return predicate


_has_equal = _compared(operator.eq)


def _is_equal(values: Sequence[Any], value: Value) -> bool:
    if value is None:
        return not values
    if isinstance(value, tuple):
        return any(_is_equal(values, item) for item in value)
    return _has_equal(values, value)


def _has_words(values: Sequence[Any], value: Value) -> bool:
    def words(text: str) -> set[str]:
        return set(re.findall(r"\w+\*?", text.casefold()))

    def is_among(term: str, text: set[str]) -> bool:
        if term.endswith("*"):
            return any(word.startswith(term[:-1]) for word in text)
        return term in text

    terms, texts = words(str(value)), (words(text) for text in values if isinstance(text, str))
    return any(all(is_among(term, text) for term in terms) for text in texts)


PREDICATES: Mapping[str, Predicate] = {
    "=": _is_equal,
    "!=": lambda values, value: not _is_equal(values, value),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">=": _compared(operator.ge),
    ">": _compared(operator.gt),
    "^=": _compared(str.startswith),
    "==": _has_words,
}
"""Whether an operator is true of the values of an attribute and the value beside it."""


_WORD = r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
NAME = rf"(?:{_WORD}:)?{_WORD}"
PATH = rf"{NAME}(?:/{NAME})*"
NUVLA_NAME = rf"(?:{_WORD}:)?(?:{_WORD}|@(?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)"
NUVLA_PATH = rf"{NUVLA_NAME}(?:/{NUVLA_NAME})*"
_ANY_PATH = re.compile(NUVLA_PATH)
PLACING = ("intersects", "disjoint", "within", "contains")
_ORDERED = (str, int, Date)
_TAKES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("=", "!="), (*_ORDERED, tuple, NoneType)),
    **dict.fromkeys(("<", "<=", ">=", ">"), _ORDERED),
    **dict.fromkeys(("^=", "==", *PLACING), (str,)),
}
"""The types of the values that an operator takes; only equality takes what is true or false."""


class _Combinable:
    __slots__ = ()

    def __and__(self, other: Filter) -> And:
        return And((self, other))  # type: ignore[arg-type]

    def __or__(self, other: Filter) -> Or:
        return Or((self, other))  # type: ignore[arg-type]


@attrs.frozen
class Comparison(_Combinable):
    """
    One attribute compared with one value.

    :param attribute: The attribute, always on the left.
    :param operator: One of ``= != < <= >= > ^= ==``, or a word that compares locations.
    :param value: The value.
    """

    attribute: Attribute
    operator: str
    value: Value

    def __attrs_post_init__(self) -> None:
        types = _TAKES.get(self.operator)
        if types is None:
            raise ValueError(f"{self.operator!r} is not an operator of a filter.")
        is_ordered = types is _ORDERED and isinstance(self.value, bool)
        if is_ordered or not isinstance(self.value, types):
            raise ValueError(f"{self.operator} does not take {self.value!r} in a filter.")

    def __str__(self) -> str:
        operator = f" {self.operator} " if self.operator in PLACING else self.operator
        return f"{self.attribute.path}{operator}{write(self.value)}"

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true of a document; locations are not compared."""
        return PREDICATES[self.operator](self.attribute.values(document), self.value)

    def comparisons(self) -> Iterator[Comparison]:
        """Walk through the comparisons."""
        yield self


def _comparing(operator: str, meaning: str) -> Callable[[Attribute, Value], Comparison]:
    def compare(self: Attribute, value: Value) -> Comparison:
        write(value)
        return Comparison(self, operator, value)

    compare.__doc__ = meaning
    return compare


@attrs.frozen
class Attribute:
    """
    An attribute of a document, and the start of a comparison.

    :param path: Its name; nested names are joined by slashes, as in ``connector/href``.
    """

    path: str = attrs.field()

    @path.validator
    def _check(self, _: object, path: str) -> None:
        if not _ANY_PATH.fullmatch(path):
            raise ValueError(f"{path!r} is not the name of an attribute in a filter.")

    def __str__(self) -> str:
        return self.path

    def values(self, document: Mapping[str, Any]) -> list[Any]:
        """The values that a document has under this name."""
        return list(leaves(document, self.path.split("/")))

    eq = _comparing("=", "Equal to the value; true of a list if an element is.")
    ne = _comparing("!=", "Not equal to the value; true of a missing attribute too.")
    lt = _comparing("<", "Less than the value; strings are compared as text.")
    le = _comparing("<=", "Less than or equal to the value.")
    ge = _comparing(">=", "Greater than or equal to the value.")
    gt = _comparing(">", "Greater than the value.")
    startswith = _comparing("^=", "A text that starts with the value.")
    has_words = _comparing("==", "A full-text match, known to SlipStream since v3.55.")

    def among(self, values: Iterable[Item]) -> Comparison:
        """Equal to one of the values; known to Nuvla."""
        return self.eq(tuple(values))

    def is_null(self) -> Comparison:
        """Missing."""
        return self.eq(None)

    def is_present(self) -> Comparison:
        """Present, with any value."""
        return self.ne(None)


attr = Attribute
"""Names an attribute: ``attr("connector/href").eq("exoscale-ch-gva")``."""


@attrs.frozen(init=False)
class _Combination(_Combinable):
    operands: tuple[Filter, ...]

    def __init__(self, operands: Iterable[Filter]) -> None:
        unfolded: list[Filter] = []
        for operand in operands:
            unfolded += operand.operands if isinstance(operand, type(self)) else [operand]
        if len(unfolded) < 2:
            raise ValueError(f"{type(self).__name__} joins two expressions or more.")
        self.__attrs_init__(tuple(unfolded))

    def __str__(self) -> str:
        parts = (f"({part})" if isinstance(part, Or) else str(part) for part in self.operands)
        return f" {type(self).__name__.lower()} ".join(parts)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true of a document."""
        results = (operand.matches(document) for operand in self.operands)
        return all(results) if isinstance(self, And) else any(results)

    def comparisons(self) -> Iterator[Comparison]:
        """Walk through the comparisons."""
        for operand in self.operands:
            yield from operand.comparisons()


class And(_Combination):
    """
    True if every operand is. It has the methods of :class:`Comparison`.

    :param operands: Two expressions or more; those that are themselves ``And`` are unfolded.
    """


class Or(_Combination):
    """
    True if any operand is. It has the methods of :class:`Comparison`.

    :param operands: Two expressions or more; those that are themselves ``Or`` are unfolded.
    """


Filter: TypeAlias = Comparison | And | Or


_DEEPEST = 100
_STRING = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_DATE = r"\d{4}-\d\d(?:-\d\d)?(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z)?"
_ITEM = rf"(?:{_STRING}|{_DATE}|\d+)"
_ITEMS = re.compile(rf"(?P<string>{_STRING})|(?P<date>{_DATE})|(?P<integer>\d+)", re.ASCII)
_NOTHING = r"(?P<list>(?!))"
_LIST = rf"(?P<list>\[\s*(?:{_ITEM}\s*,?\s*)*\])"
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


@attrs.frozen(kw_only=True)
class Grammar:
    """
    One family's language.

    :param path: A pattern of an attribute's name.
    :param special: A pattern of what the family alone knows.
    :param words: Operators that are words.
    """

    path: str
    special: str
    words: tuple[str, ...] = ()
    tokens: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    @tokens.default
    def _compile(self) -> re.Pattern[str]:
        return re.compile(
            rf"""\s*(?:
                {self.special}
              | (?P<word>{self.path}(?![A-Za-z0-9_:/@-]))
              | (?P<date>{_DATE})
              | (?P<integer>\d+)
              | (?P<string>{_STRING})
              | (?P<operator>\^=|==|!=|<=|>=|=|<|>)
              | (?P<bracket>[()])
              | (?P<end>\Z)
            )""",
            re.VERBOSE | re.ASCII,
        )


SLIPSTREAM = Grammar(path=PATH, special=_NOTHING)
NUVLA = Grammar(path=NUVLA_PATH, special=_LIST, words=PLACING)


class FilterSyntaxError(ValueError):
    """
    The text is not a filter.

    :param text: The text.
    :param index: Where it stops being one, from 0.
    :param expected: What would be right there.
    """

    def __init__(self, text: str, index: int, expected: str) -> None:
        super().__init__(text, index, expected)
        self.text, self.index, self.expected = text, index, expected

    def __str__(self) -> str:
        return f"Invalid filter at position {self.index + 1}: expected {self.expected}."


@attrs.frozen
class _Token:
    kind: str
    text: str
    index: int


@attrs.define
class _Reader:
    text: str
    grammar: Grammar
    end: int = 0
    depth: int = 0
    ahead: _Token = _Token("start", "", 0)

    def fail(self, expected: str, token: _Token | None = None) -> FilterSyntaxError:
        return FilterSyntaxError(self.text, (token or self.ahead).index, expected)

    def next(self) -> _Token:
        """Take the token ahead, and read the one after it."""
        token, match = self.ahead, self.grammar.tokens.match(self.text, self.end)
        if match is None or match.lastgroup is None:
            raise FilterSyntaxError(self.text, self.end, "a filter")
        kind, self.end = match.lastgroup, match.end()
        self.ahead = _Token(kind, match[kind], match.start(kind))
        return token

    def skip(self, text: str) -> bool:
        skips = self.ahead.kind in {"word", "bracket"} and self.ahead.text == text
        if skips:
            self.next()
        return skips

    def alternatives(self) -> Filter:
        return self._joined("or", lambda: self._joined("and", self.term, And), Or)

    def _joined(
        self, word: str, read: Callable[[], Filter], join: Callable[[tuple[Filter, ...]], Filter]
    ) -> Filter:
        parts = [read()]
        while self.skip(word):
            parts.append(read())
        return join(tuple(parts)) if len(parts) > 1 else parts[0]

    def term(self) -> Filter:
        if not self.skip("("):
            return self.comparison()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail(f"at most {_DEEPEST} nested parentheses")
        expression = self.alternatives()
        if not self.skip(")"):
            raise self.fail("')'")
        self.depth -= 1
        return expression

    def comparison(self) -> Filter:
        left = self.next()
        if self.ahead.kind != "operator" and self.ahead.text not in self.grammar.words:
            raise self.fail("an operator")
        operator = self.next()
        right = self.next()
        # White space is free everywhere but here.
        if right.kind == "list" and right.index != operator.index + len(operator.text):
            raise self.fail("a list without a space before it", right)
        # Servers read "5<x" as "x<5": the sides are swapped and the operator stays.
        for attribute, literal in ((left, right), (right, left)):
            if attribute.kind == "word":
                with suppress(KeyError, ValueError):
                    value = _literal(literal.kind, literal.text)
                    return Comparison(Attribute(attribute.text), operator.text, value)
        expected = "an attribute on one side, and on the other a value the operator takes"
        raise self.fail(expected, right)


def _literal(kind: str | None, text: str) -> Value:
    """Read a value; ``KeyError`` for what is none."""
    if kind == "list":
        items = (_literal(match.lastgroup, match[0]) for match in _ITEMS.finditer(text))
        return tuple(items)  # type: ignore[arg-type]  # none of them is a list
    if kind == "string":
        return text[1:-1]
    if kind == "integer":
        return int(text)
    return Date(text) if kind == "date" else _CONSTANTS[text]


def parse(text: str, grammar: Grammar = SLIPSTREAM) -> Filter:
    """Read a filter."""
    reader = _Reader(text, grammar)
    reader.next()
    expression = reader.alternatives()
    if reader.ahead.kind != "end":
        raise reader.fail("'and', 'or' or the end")
    return expression
