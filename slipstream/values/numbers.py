"""Numbers that callers give: timeouts, periods, factors."""

from __future__ import annotations

from threading import TIMEOUT_MAX

from slipstream.errors import BadInput


def check_number(name: str, value: object, *, above_zero: bool) -> float:
    """
    Make sure that an argument is a finite number that the system can wait for.

    :param name: The argument's name.
    :param value: Its value.
    :param above_zero: Whether 0 is too small.
    :returns: The number.
    :raises BadInput: If it is none, negative, NaN, infinite or too large to count.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Comparisons are false for NaN, and safe for an int that no float can hold.
        if (value > 0 if above_zero else value >= 0) and value <= TIMEOUT_MAX:
            return float(value)
        if isinstance(value, int) and abs(value) > TIMEOUT_MAX:
            raise BadInput(f"{name} is {'below 0' if value < 0 else 'too large'}.")
    least = "above 0" if above_zero else "from 0 on"
    raise BadInput(f"{name} is {value!r}: a number {least} is needed, most often seconds.")
