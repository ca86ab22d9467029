"""The syntax tree of a filter, the words to build one, and whether a document matches."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import attrs

LARGEST_INTEGER = 2**31 - 1
_EXACT_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?", re.ASCII)
_LINE_ENDS = "\n\r\x85\u2028\u2029"


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
        return parse_timestamp(self.text)

    def check(self) -> None:
        """Make sure that every server takes this date."""
        if not _EXACT_DATE.fullmatch(self.text):
            raise UnwritableValue(f"{self.text!r} is not a date a server reads in a filter.")
        try:
            self.value  # noqa: B018 - reading it is the check
        except ValueError:
            raise UnwritableValue(f"{self.text!r} is not a day of any calendar.") from None


Item: TypeAlias = str | int | Date
Value: TypeAlias = Item | bool | tuple[Item, ...] | None


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is UTC."""
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def write(value: Value) -> str:
    """Write a value as the filter language has it."""
    if isinstance(value, str):
        return _write_string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not 0 <= value <= LARGEST_INTEGER:
            raise UnwritableValue(f"An integer in a filter is from 0 to {LARGEST_INTEGER}.")
        return str(value)
    if isinstance(value, Date):
        value.check()
        return value.text
    if isinstance(value, tuple) and all(
        isinstance(item, str | int | Date) and not isinstance(item, bool) for item in value
    ):
        return f"[{','.join(write(item) for item in value)}]"
    raise UnwritableValue(f"A filter has no literal for a value of type {type(value).__name__}.")


def _write_string(value: str) -> str:
    if "'" in value and '"' in value:
        raise UnwritableValue("A string with both kinds of quote cannot be written in a filter.")
    if value.endswith("\\"):
        raise UnwritableValue("A string that ends in a backslash cannot be written in a filter.")
    if "\\" in value and any("\\" + end in value for end in _LINE_ENDS):
        raise UnwritableValue(
            "A backslash before the end of a line cannot be written in a filter."
        )
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UnwritableValue("Half of a surrogate pair cannot be written in a filter.")
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"


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


_WORD = r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
NAME = rf"(?:{_WORD}:)?{_WORD}"
PATH = rf"{NAME}(?:/{NAME})*"
NUVLA_NAME = rf"(?:{_WORD}:)?(?:{_WORD}|@(?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)"
NUVLA_PATH = rf"{NUVLA_NAME}(?:/{NUVLA_NAME})*"
PLACING = ("intersects", "disjoint", "within", "contains")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "=": (str, int, Date, tuple, type(None)),
    "!=": (str, int, Date, tuple, type(None)),
    "^=": (str,),
    "==": (str,),
    **dict.fromkeys(PLACING, (str,)),
}
_ORDERED = (str, int, Date)


def takes(operator: str, value: Value) -> bool:
    """Whether an operator takes a value."""
    if operator not in _KINDS and isinstance(value, bool):
        return False
    return isinstance(value, _KINDS.get(operator, _ORDERED))


def _check_path(_: object, __: object, path: str) -> None:
    if not re.fullmatch(NUVLA_PATH, path):
        raise ValueError(f"{path!r} is not the name of an attribute in a filter.")


def _check_operator(_: object, __: object, operator: str) -> None:
    if operator not in {*JUDGES, *PLACING}:
        raise ValueError(f"{operator!r} is not an operator of a filter.")


class _Combinable:
    __slots__ = ()

    def __and__(self, other: Filter) -> And:
        return And((self, other))  # type: ignore[arg-type]

    def __or__(self, other: Filter) -> Or:
        return Or((self, other))  # type: ignore[arg-type]


@attrs.frozen
class Attribute:
    """
    An attribute of a document, and the start of a comparison.

    :param path: Its name; nested names are joined by slashes, as in ``connector/href``.
    """

    path: str = attrs.field(validator=_check_path)

    def __str__(self) -> str:
        return self.path

    def values(self, document: Mapping[str, Any]) -> list[Any]:
        """The values that a document has under this name."""
        return list(leaves(document, self.path.split("/")))

    def eq(self, value: Value) -> Comparison:
        """Equal to the value; true of a list if an element is."""
        return Comparison.checked(self, "=", value)

    def ne(self, value: Value) -> Comparison:
        """Not equal to the value; true of a missing attribute too."""
        return Comparison.checked(self, "!=", value)

    def lt(self, value: Value) -> Comparison:
        """Less than the value; strings are compared as text."""
        return Comparison.checked(self, "<", value)

    def le(self, value: Value) -> Comparison:
        """Less than or equal to the value."""
        return Comparison.checked(self, "<=", value)

    def ge(self, value: Value) -> Comparison:
        """Greater than or equal to the value."""
        return Comparison.checked(self, ">=", value)

    def gt(self, value: Value) -> Comparison:
        """Greater than the value."""
        return Comparison.checked(self, ">", value)

    def startswith(self, prefix: str) -> Comparison:
        """A text that starts with the prefix."""
        return Comparison.checked(self, "^=", prefix)

    def speaks_of(self, words: str) -> Comparison:
        """A full-text match, known to SlipStream since v3.55."""
        return Comparison.checked(self, "==", words)

    def among(self, values: Iterable[Item]) -> Comparison:
        """Equal to one of the values; known to Nuvla."""
        return Comparison.checked(self, "=", tuple(values))

    def is_null(self) -> Comparison:
        """Missing."""
        return Comparison.checked(self, "=", None)

    def is_present(self) -> Comparison:
        """Present, with any value."""
        return Comparison.checked(self, "!=", None)


@attrs.frozen
class Comparison(_Combinable):
    """
    One attribute compared with one value.

    :param attribute: The attribute, always on the left.
    :param operator: One of ``= != < <= >= > ^= ==``, or a word that compares locations.
    :param value: The value.
    """

    attribute: Attribute
    operator: str = attrs.field(validator=_check_operator)
    value: Value

    @classmethod
    def checked(cls, attribute: Attribute, operator: str, value: Value) -> Comparison:
        """Build a comparison that can be sent."""
        write(value)
        if not takes(operator, value):
            raise ValueError(f"{operator} does not take {value!r} in a filter.")
        return cls(attribute, operator, value)

    def __str__(self) -> str:
        operator = f" {self.operator} " if self.operator in PLACING else self.operator
        return f"{self.attribute}{operator}{write(self.value)}"

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true of a document; locations are not compared."""
        return JUDGES[self.operator](self.attribute.values(document), self.value)

    def comparisons(self) -> Iterator[Comparison]:
        """Walk through the comparisons."""
        yield self


@attrs.frozen
class _Combination(_Combinable):
    operands: tuple[Filter, ...] = attrs.field()

    def __attrs_post_init__(self) -> None:
        unfolded: list[Filter] = []
        for operand in self.operands:
            unfolded += operand.operands if isinstance(operand, type(self)) else [operand]
        if len(unfolded) < 2:
            raise ValueError(f"{type(self).__name__} joins two expressions or more.")
        object.__setattr__(self, "operands", tuple(unfolded))

    def comparisons(self) -> Iterator[Comparison]:
        """Walk through the comparisons."""
        for operand in self.operands:
            yield from operand.comparisons()


@attrs.frozen
class And(_Combination):
    """
    True if every operand is.

    :param operands: Two expressions or more; those that are themselves ``And`` are unfolded.
    """

    def __str__(self) -> str:
        parts = (f"({part})" if isinstance(part, Or) else str(part) for part in self.operands)
        return " and ".join(parts)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true of a document."""
        return all(operand.matches(document) for operand in self.operands)


@attrs.frozen
class Or(_Combination):
    """
    True if any operand is.

    :param operands: Two expressions or more; those that are themselves ``Or`` are unfolded.
    """

    def __str__(self) -> str:
        return " or ".join(map(str, self.operands))

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true of a document."""
        return any(operand.matches(document) for operand in self.operands)


Filter: TypeAlias = Comparison | And | Or


def attr(path: str) -> Attribute:
    """Name an attribute: ``attr("connector/href").eq("exoscale-ch-gva")``."""
    return Attribute(path)
