"""The syntax tree of a filter, and the words to build one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from slipstream.filters.matching import JUDGES, leaves
from slipstream.filters.values import Date, Item, Value, write

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
class Property:
    """
    The form ``property['name']``: part of the grammar, but it names a field no document has.

    :param name: The name between the brackets.
    """

    name: str

    def __str__(self) -> str:
        return f"property[{write(self.name)}]"

    def values(self, document: Mapping[str, Any]) -> list[Any]:  # noqa: ARG002
        """Nothing."""
        return []


@attrs.frozen
class Comparison(_Combinable):
    """
    One attribute compared with one value.

    :param attribute: The attribute, always on the left.
    :param operator: One of ``= != < <= >= > ^= ==``, or a word that compares locations.
    :param value: The value.
    """

    attribute: Attribute | Property
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
