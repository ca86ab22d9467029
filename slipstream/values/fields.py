"""Fields of records, the checks of their types and values, and lists in pages."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, repeat
from threading import TIMEOUT_MAX
from types import MappingProxyType, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import unquote

import attrs

from slipstream.errors import BadInput

S = TypeVar("S")
T = TypeVar("T")


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


LONGEST_SOCKET_TIMEOUT: Final = 2_000_000.0
"""Seconds; a system counts the milliseconds of a socket's timeout in 31 bits."""


def check_number(
    name: str,
    value: object,
    *,
    least: float = 0,
    most: float = TIMEOUT_MAX,
    above_zero: bool = False,
    whole: bool = False,
) -> Any:
    """Check a number, by default of seconds that a thread can wait."""
    kinds = int if whole else int | float
    number: Any = value if isinstance(value, kinds) and not isinstance(value, bool) else None
    # Comparisons are false for NaN, and safe for an int that no float can hold.
    if number is not None and least <= number <= most and (number or not above_zero):
        return number if whole else float(number)
    from_ = "above 0" if above_zero else f"from {least:g}"
    raise BadInput(
        f"{name} must be a {'whole ' if whole else ''}number {from_} to {most:.0f},"
        f" not {_shown_number(value)}."
    )


def within(**limits: Any) -> Callable[[Any, Any, Any], None]:
    """Make a validator of attrs of the arguments of :func:`check_number`; ``None`` passes."""

    def validate(_: object, field: Any, value: object) -> None:
        if value is not None:
            check_number(field.name, value, **limits)

    return validate


def _shown_number(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**20:
        return f"a number of {value.bit_length()} bits"
    # A text may be a password in the wrong place.
    return repr(value) if isinstance(value, int | float) else type(value).__name__


def leads_elsewhere(path: str) -> bool:
    """
    Whether a path of a URL has dots or control characters that lead to another resource.

    HTTP clients and servers resolve dots, however they are encoded, and some of them twice. Some
    end a path at a NUL, drop control characters, or decode what is no UTF-8 as something else.
    """
    decoded = unquote(unquote(unquote(path)))
    segments = [segment.partition(";")[0].strip() for segment in re.split(r"[/\\]", decoded)]
    return bool({".", ".."} & set(segments) or re.search(r"[\x00-\x1f\x7f\ufffd]", decoded))


@attrs.define(eq=False)
class Pages(Iterator[T]):
    """
    An iterator over the entries of pages, which :func:`by_page` splits into its pages.

    :param pages: The pages.
    :ivar begun: Whether an entry was read.
    """

    pages: Iterator[Sequence[T]]
    begun: bool = attrs.field(default=False, init=False)
    _entries: Iterator[T] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: chain.from_iterable(self.pages), takes_self=True),
    )

    def __iter__(self) -> Iterator[T]:
        self.begun = True
        return self._entries

    def __next__(self) -> T:
        self.begun = True
        return next(self._entries)


def by_page(entries: Iterable[T]) -> Generator[Sequence[T]]:
    """
    The pages of a list; of one without pages, or partly read, each entry by itself.

    To close it closes what makes the pages, if that is a generator.
    """
    if isinstance(entries, Pages) and not entries.begun:
        yield from entries.pages
    else:
        for entry in entries:
            yield (entry,)
