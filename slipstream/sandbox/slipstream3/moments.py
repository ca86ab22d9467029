"""The three ways SlipStream writes a moment."""

from __future__ import annotations

from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905


def iso(moment: datetime) -> str:
    """
    Write a moment as the JSON documents do: ``2017-10-13T10:20:00.110Z``.

    :param moment: The moment.
    :returns: The text.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def java(moment: datetime) -> str:
    """
    Write a moment as the XML documents do: the fraction is a count of milliseconds, unpadded.

    :param moment: The moment.
    :returns: The text, such as ``2017-10-13 17:07:26.79 UTC`` for 79 ms.
    """
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000} UTC"


def cookie(moment: datetime, *, zone: str) -> str:
    """
    Write a moment as cookies do, in English whatever the locale.

    :param moment: The moment.
    :param zone: How the zone is written: ``UTC`` or ``+0000``.
    :returns: The text, such as ``Sat, 14 Oct 2017 17:07:26 UTC``.
    """
    utc = moment.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year} {utc:%H:%M:%S} {zone}"
