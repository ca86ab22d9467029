"""Numbers that callers give: timeouts, periods, factors, counts."""

from __future__ import annotations

from collections.abc import Callable
from threading import TIMEOUT_MAX
from typing import Any, Final

from slipstream.errors import BadInput

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
    """Make sure that an argument is a number, by default of seconds that a thread can wait."""
    kinds = int if whole else int | float
    number: Any = value if isinstance(value, kinds) and not isinstance(value, bool) else None
    # Comparisons are false for NaN, and safe for an int that no float can hold.
    if number is not None and least <= number <= most and (number or not above_zero):
        return number if whole else float(number)
    from_ = "above 0" if above_zero else f"from {least:g}"
    raise BadInput(
        f"{name} is {_shown(value)}: a {'whole ' if whole else ''}number {from_}"
        f" to {most:.0f} is needed."
    )


def within(**limits: Any) -> Callable[[Any, Any, Any], None]:
    """Make a validator of attrs of the arguments of :func:`check_number`; ``None`` passes."""

    def validate(_: object, field: Any, value: object) -> None:
        if value is not None:
            check_number(field.name, value, **limits)

    return validate


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**20:
        return f"a number of {value.bit_length()} bits"
    # A text may be a password in the wrong place.
    return repr(value) if isinstance(value, int | float) else f"a {type(value).__name__}"
