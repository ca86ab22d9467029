"""Schemas of documents: the attributes and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], bool]
Description: TypeAlias = dict[str, Check]


def anything(_: Any) -> bool:
    return True


def text(value: Any) -> bool:
    """A string with something other than blanks."""
    return isinstance(value, str) and bool(value.strip())


def count(value: Any) -> bool:
    """A whole number from 0."""
    return type(value) is int and value >= 0


def timestamp(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def one_of(*values: Any) -> Check:
    return lambda value: value in values


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def describe(*names: str, **attributes: Check) -> Description:
    """Describe texts by their names, and other attributes with underscores for dashes."""
    checks = {name.replace("_", "-"): check for name, check in attributes.items()}
    return dict.fromkeys(names, text) | checks


def misfit(description: Description, document: Mapping[str, Any]) -> str | None:
    """The name of an attribute that is unknown or has a wrong value."""
    for name, value in document.items():
        if name not in description or not description[name](value):
            return name
    return None
