"""Converters of records, and the check of their types when one is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from itertools import repeat
from operator import attrgetter
from types import MappingProxyType, UnionType
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
            known = {column: getattr(self, column) for column in columns}
            self.__init__(**known, **rest(self._source))
            return getattr(self, name)

    def __attrs_post_init__(self) -> None:
        checks = _checks(type(self))  # type: ignore[arg-type]
        values = checks.values(self)
        # The records of a long list have values of the same types.
        types = tuple(map(type, values))
        if types not in checks.passed:
            for (name, expected), value in zip(checks.fields.items(), values, strict=False):
                if not isinstance(value, expected):
                    raise _wrong_type(self, name, value, expected)
            checks.passed.add(types)
        for index, items, parts in checks.items:
            value = values[index]
            if value and not items.issuperset(map(type, getattr(value, parts)())):
                expected = tuple(items)
                for part in getattr(value, parts)():
                    if not isinstance(part, expected):
                        name = list(checks.fields)[index]
                        raise _wrong_type(self, f"An item in {name}", part, expected)


Types = tuple[type, ...]


@attrs.frozen
class _Checks:
    """
    What to check of the records of a class.

    :param fields: The types of each field.
    :param items: For fields that hold items: the number of the field, the types of its items, and
        how to get at them.
    :param values: Gets the values of these fields from a record.
    :param passed: Types of all values of a record that were found to be right.
    """

    fields: dict[str, Types]
    items: list[tuple[int, frozenset[type], str]]
    values: Callable[[object], tuple[Any, ...]]
    passed: set[Types] = attrs.field(factory=set)


@cache
def _checks(cls: type) -> _Checks:
    hints = get_type_hints(cls)
    fields: dict[str, Types] = {}
    items: list[tuple[int, frozenset[type], str]] = []
    for field in attrs.fields(cls):
        types = _types(hints[field.name])
        if object in types:
            continue
        parts: list[tuple[Types, str]] = []
        for hint in _alternatives(hints[field.name]):
            if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
                parts.append((_types(get_args(hint)[0]), "__iter__"))
            elif get_origin(hint) is Mapping:
                keys, values = get_args(hint)
                parts += [(_types(keys), "keys"), (_types(values), "values")]
        items.extend(
            (len(fields), frozenset(types), name) for types, name in parts if object not in types
        )
        fields[field.name] = types
    # With a second name a getter gives a tuple.
    return _Checks(fields, items, attrgetter(*fields, "__class__"))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)


def _types(hint: Any) -> Types:
    types = [get_origin(h) or (object if h is Any else h) for h in _alternatives(hint)]
    return (*types, int) if float in types else tuple(types)


def _wrong_type(record: object, name: str, value: object, types: Types) -> TypeError:
    # The value is not quoted: it could be a secret.
    expected = " or ".join(t.__name__ for t in types)
    return TypeError(
        f"{name} of a {type(record).__name__} is {type(value).__name__}, not {expected}."
    )


def to_tuple(value: Iterable[Any]) -> tuple[Any, ...]:
    """Make a tuple; a text is refused instead of split into letters."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is one text where several values belong: write [{value!r}].")
    return tuple(value)


def to_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a read-only copy."""
    return MappingProxyType(dict(value))
