"""How the XML documents write a moment."""

from __future__ import annotations

from datetime import UTC, datetime


def java(moment: datetime) -> str:
    """
    Write a moment as the XML documents do: the fraction is a count of milliseconds, unpadded.

    :param moment: The moment.
    :returns: The text, such as ``2017-10-13 17:07:26.79 UTC`` for 79 ms.
    """
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000} UTC"


def timestamp(moment: datetime) -> str:
    """
    Write a moment as the messages do that quote one from the database.

    :param moment: The moment.
    :returns: The text, such as ``2017-10-13 17:07:26.079``; zeros at the end are dropped.
    """
    utc = moment.astimezone(UTC)
    fraction = f"{utc.microsecond // 1000:03}".rstrip("0") or "0"
    return f"{utc:%Y-%m-%d %H:%M:%S}.{fraction}"
