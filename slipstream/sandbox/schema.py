"""Schemas of documents: the attributes and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], bool]
Description: TypeAlias = Mapping[str, Check]


def anything(_: Any) -> bool:
    return True


def string(value: Any) -> bool:
    return isinstance(value, str)


def text(value: Any) -> bool:
    """A string with something other than blanks."""
    return isinstance(value, str) and bool(value.strip())


def count(value: Any) -> bool:
    """A whole number from 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and value >= 0 and value == int(value)


def timestamp(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def one_of(*values: Any) -> Check:
    return lambda value: value in values


def list_of(element: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(element, value))


def described(**attributes: Check) -> Description:
    """Make a schema, with underscores for dashes."""
    return {name.replace("_", "-"): check for name, check in attributes.items()}


def texts(*names: str) -> Description:
    """Make the schema of attributes that are texts with other characters than blanks."""
    return dict.fromkeys(names, text)


def misfit(description: Description, document: Mapping[str, Any]) -> str | None:
    """The name of an attribute that is unknown or has a wrong value."""
    for name, value in document.items():
        if name not in description or not description[name](value):
            return name
    return None
