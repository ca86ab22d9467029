"""How both families write a timestamp in a JSON document and in a cookie."""

from __future__ import annotations

from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905


def iso(timestamp: datetime) -> str:
    """Write a timestamp as the JSON documents do: ``2017-10-13T10:20:00.110Z``."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cookie(timestamp: datetime, *, zone: str, padded: bool = True) -> str:
    """Write a timestamp as cookies do, in English whatever the locale."""
    utc = timestamp.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    number = f"{utc.day:02}" if padded else str(utc.day)
    return f"{day}, {number} {month} {utc.year} {utc:%H:%M:%S} {zone}"
