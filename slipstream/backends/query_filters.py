"""Filters that the backends build from what users give."""

from __future__ import annotations

from slipstream.errors import BadInput, shorten
from slipstream.filters import Filter, Or, UnwritableValue, attr


def either(path: str, *values: str) -> Filter:
    """
    The filter "this attribute has one of these values".

    :param path: The attribute.
    :param values: The values.
    :raises BadInput: If a value cannot be written in a filter; nothing has it then.
    """
    try:
        comparisons = [attr(path).eq(value) for value in values]
    except UnwritableValue:
        raise BadInput(f"{shorten(values[0])!r} cannot be the value of {path}.") from None
    return comparisons[0] if len(comparisons) == 1 else Or(tuple(comparisons))
