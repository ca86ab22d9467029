"""Converters and validators of records, which check what they are given when one is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs.validators import instance_of

_TEXT = (str, bytes)
IS_TEXT: Any = instance_of(str)
"""The validator of a field that holds a text."""


def to_tuple(value: Iterable[Any]) -> tuple[Any, ...]:
    """Make a tuple; a text is refused, since its letters are never what is meant."""
    if isinstance(value, _TEXT):
        raise TypeError(f"{value!r} is one text where several values belong: write [{value!r}].")
    return tuple(value)


def to_texts(value: Iterable[str]) -> tuple[str, ...]:
    """Make a tuple of texts."""
    if not value:
        return ()
    texts = to_tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text.")
    return texts


def to_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a copy that cannot be changed."""
    return MappingProxyType(dict(value))
