"""The right-hand side of a comparison, and how it is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TypeAlias

import attrs

LARGEST_INTEGER = 2**31 - 1
_EXACT_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?", re.ASCII)
_LINE_ENDS = "\n\r\x85\u2028\u2029"


class UnwritableValue(ValueError):
    """The filter language has no way to write this value."""


@attrs.frozen
class Date:
    """
    A date without quotes, as in ``created>2017-06-26``.

    :param text: A day, or a timestamp in UTC with milliseconds (``2017-06-26T11:13:42.883Z``).
    """

    text: str

    @classmethod
    def at(cls, timestamp: datetime) -> Date:
        """Write a timestamp the way servers store it."""
        if timestamp.tzinfo is None:
            raise UnwritableValue("A timestamp in a filter needs a time zone.")
        text = timestamp.astimezone(UTC).isoformat(timespec="milliseconds")
        return cls(text.replace("+00:00", "Z"))

    @property
    def value(self) -> datetime:
        """The timestamp; of a day its first instant in UTC."""
        return parse_timestamp(self.text)

    def check(self) -> None:
        """Make sure that every server takes this date."""
        if not _EXACT_DATE.fullmatch(self.text):
            raise UnwritableValue(f"{self.text!r} is not a date a server reads in a filter.")
        try:
            self.value  # noqa: B018 - reading it is the check
        except ValueError:
            raise UnwritableValue(f"{self.text!r} is not a day of any calendar.") from None


Item: TypeAlias = str | int | Date
Value: TypeAlias = Item | bool | tuple[Item, ...] | None


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is UTC."""
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def write(value: Value) -> str:
    """Write a value as the filter language has it."""
    if isinstance(value, str):
        return _write_string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not 0 <= value <= LARGEST_INTEGER:
            raise UnwritableValue(f"An integer in a filter is from 0 to {LARGEST_INTEGER}.")
        return str(value)
    if isinstance(value, Date):
        value.check()
        return value.text
    if isinstance(value, tuple) and all(
        isinstance(item, str | int | Date) and not isinstance(item, bool) for item in value
    ):
        return f"[{','.join(write(item) for item in value)}]"
    raise UnwritableValue(f"A filter has no literal for a value of type {type(value).__name__}.")


def _write_string(value: str) -> str:
    if "'" in value and '"' in value:
        raise UnwritableValue("A string with both kinds of quote cannot be written in a filter.")
    if value.endswith("\\"):
        raise UnwritableValue("A string that ends in a backslash cannot be written in a filter.")
    if "\\" in value and any("\\" + end in value for end in _LINE_ENDS):
        raise UnwritableValue(
            "A backslash before the end of a line cannot be written in a filter."
        )
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UnwritableValue("Half of a surrogate pair cannot be written in a filter.")
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"
