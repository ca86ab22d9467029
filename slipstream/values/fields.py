"""Converters of records, and the check of their types when one is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from itertools import repeat
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_args, get_origin, get_type_hints

import attrs

S = TypeVar("S")


class Record:
    """
    A base for attrs classes, whose fields must have the types that they are declared with.

    Items of tuples are checked, and keys and values of mappings, unless they may be anything.
    """

    __slots__ = ("_rest", "_source")

    @classmethod
    def lazy(
        cls,
        sources: Collection[S],
        rest: Callable[[S], Mapping[str, object]],
        **columns: Iterable[object],
    ) -> list[Self]:
        """
        Make a record of each source, whose seldom used fields are read when one is needed.

        :param rest: Reads these fields in a source; it must not fail.
        :param columns: The values that the other fields have in each of the records.
        """
        records = [cls.__new__(cls) for _ in sources]
        columns |= {"_source": sources, "_rest": repeat((rest, tuple(columns)))}
        for name, values in columns.items():
            deque(map(getattr(cls, name).__set__, records, values), maxlen=0)
        return records

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Complete a lazy record; called for a field that is not set."""
            if not hasattr(attrs.fields(type(self)), name):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            rest, columns = self._rest
            values = {column: getattr(self, column) for column in columns}
            self.__init__(**values, **rest(self._source))
            return getattr(self, name)

    def __attrs_post_init__(self) -> None:
        for name, types, parts in _checks(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if type(value) not in types and not isinstance(value, types):
                raise _wrong_type(self, name, value, types)
            for items, method in parts if value else ():
                for item in getattr(value, method)():
                    if not isinstance(item, items):
                        raise _wrong_type(self, f"An item in {name}", item, items)


Types = tuple[type, ...]


@cache
def _checks(cls: Any) -> list[tuple[str, Types, list[tuple[Types, str]]]]:
    """The types of each field, and for one that holds items their types and how to get them."""
    hints, checks = get_type_hints(cls), []
    for field in attrs.fields(cls):
        parts: list[tuple[Types, str]] = []
        for hint in _alternatives(hints[field.name]):
            if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
                parts.append((_types(get_args(hint)[0]), "__iter__"))
            elif get_origin(hint) is Mapping:
                keys, values = map(_types, get_args(hint))
                parts += [(keys, "keys"), (values, "values")]
        types = _types(hints[field.name])
        if object not in types:
            checks.append((field.name, types, [part for part in parts if object not in part[0]]))
    return checks


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)


def _types(hint: Any) -> Types:
    types = [get_origin(h) or (object if h is Any else h) for h in _alternatives(hint)]
    return (*types, int) if float in types else tuple(types)


def _wrong_type(record: object, name: str, value: object, types: Types) -> TypeError:
    # The value is not quoted: it could be a secret.
    expected = " or ".join("None" if t is NoneType else t.__name__ for t in types)
    return TypeError(
        f"{name} of {type(record).__name__} must be {expected}, not {type(value).__name__}."
    )


def to_tuple(value: Iterable[Any]) -> tuple[Any, ...]:
    """Make a tuple; a text is refused instead of split into letters."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is one text where several values belong: write [{value!r}].")
    return tuple(value)


def to_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a read-only copy."""
    return MappingProxyType(dict(value))
