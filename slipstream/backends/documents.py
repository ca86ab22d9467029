"""Attributes of JSON documents, read without trusting that they have the right type."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from slipstream.values.timestamps import parse_timestamp


def href(entry: dict[str, Any], name: str) -> str | None:
    """
    What an attribute such as ``{"connector": {"href": "connector/x"}}`` refers to.

    :param entry: The entry.
    :param name: The attribute.
    :returns: The reference, ``None`` if there is none.
    """
    holder = entry.get(name)
    value = holder.get("href") if isinstance(holder, dict) else None
    return value if isinstance(value, str) and value else None


def number(entry: dict[str, Any], name: str) -> float | None:
    """
    A numeric attribute; some are written as text.

    :param entry: The entry.
    :param name: The attribute.
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


def text(entry: dict[str, Any], name: str) -> str | None:
    """
    A text attribute.

    :param entry: The entry.
    :param name: The attribute.
    :returns: The text, ``None`` where there is none.
    """
    value = entry.get(name)
    return value if isinstance(value, str) and value else None


def moment(value: str | None) -> datetime | None:
    """
    A moment as the JSON servers write it, in ISO 8601.

    :param value: The text.
    :returns: The moment, ``None`` where there is none.
    """
    return parse_timestamp(value)
