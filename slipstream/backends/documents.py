"""Attributes of JSON documents, read without trusting that they have the right type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slipstream.values.plain import parse_timestamp

Document = Mapping[str, Any]


def text(entry: Document, name: str) -> str | None:
    """A text attribute, ``None`` where there is none."""
    value = entry.get(name)
    return value if isinstance(value, str) and value else None


def mapping(entry: Document, name: str) -> dict[str, Any]:
    """A document inside a document, empty where there is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def mappings(entry: Document, name: str) -> list[dict[str, Any]]:
    """The documents of a list inside a document."""
    values = entry.get(name)
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []


def texts(entry: Document, name: str) -> list[str]:
    """The texts of a list inside a document."""
    values = entry.get(name)
    return [v for v in values if isinstance(v, str)] if isinstance(values, list) else []


def href(entry: Document, name: str) -> str | None:
    """What an attribute such as ``{"connector": {"href": "connector/x"}}`` refers to."""
    return text(mapping(entry, name), "href")


def timestamp(entry: Document, name: str) -> datetime | None:
    """A timestamp in ISO 8601, ``None`` where there is none."""
    return parse_timestamp(text(entry, name))


def number(entry: Document, name: str) -> float | None:
    """
    A numeric attribute; some are written as text.

    :returns: An ``int`` where the value is whole, ``None`` where there is none.
    """
    value = entry.get(name)
    if isinstance(value, bool):
        return None
    try:
        exact = float(value)  # type: ignore[arg-type]  # None and lists raise TypeError
        if not math.isfinite(exact):
            return None
        return int(exact) if exact.is_integer() else exact
    except (TypeError, ValueError, OverflowError):
        return None
