"""Converters of records, and the check of their types when one is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import attrs


class Record:
    """
    A base for attrs classes, whose fields must have the types that they are declared with.

    Items of tuples are checked, and keys and values of mappings, unless they may be anything.
    """

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        for name, types, items in _checks(type(self)):  # type: ignore[arg-type]
            value: Any = getattr(self, name)
            if not isinstance(value, types):
                raise _wrong_type(self, name, value, types)
            for item_types, parts in items if value else ():
                for part in getattr(value, parts)():
                    if not isinstance(part, item_types):
                        raise _wrong_type(self, f"An item in {name}", part, item_types)


Types = tuple[type, ...]


@cache
def _checks(cls: type) -> tuple[tuple[str, Types, tuple[tuple[Types, str], ...]], ...]:
    """What to check of each field: its types, and those of its items and how to get at them."""
    hints = get_type_hints(cls)
    checks = []
    for field in attrs.fields(cls):
        types = _types(hints[field.name])
        if object in types:
            continue
        items: list[tuple[Types, str]] = []
        for hint in _alternatives(hints[field.name]):
            if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
                items.append((_types(get_args(hint)[0]), "__iter__"))
            elif get_origin(hint) is Mapping:
                keys, values = get_args(hint)
                items += [(_types(keys), "keys"), (_types(values), "values")]
        checks.append((field.name, types, tuple(i for i in items if object not in i[0])))
    return tuple(checks)


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
    """Make a tuple; a text is refused, since its letters are never what is meant."""
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r} is one text where several values belong: write [{value!r}].")
    return tuple(value)


def to_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a copy that cannot be changed."""
    return MappingProxyType(dict(value))
