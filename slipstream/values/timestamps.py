"""Parse the timestamps of servers, from JSON, XML and headers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<separator>[T ])(?P<time>\d\d:\d\d(?::\d\d)?)"
    r"(?:[.,](?P<fraction>\d{1,9}))? ?(?P<zone>\S+)",
    re.ASCII,
)
_OFFSET = re.compile(
    r"(?:UTC|GMT)?(?P<sign>[+\u2212-])(?P<hours>[0-9]{1,2}):?(?P<minutes>[0-5][0-9])?"
)
_NAME = re.compile(r"\b[A-Z]{2,5}\b")
# The short names of zones that mean one thing, by their hours; IST, say, is that of India, Israel
# or Ireland. RFC 5322 says what the American ones mean.
_HOURS = {
    -10: "HST",
    -9: "AKST HDT",
    -8: "AKDT PST",
    -7: "MST PDT",
    -6: "CST MDT",
    -5: "CDT EST",
    -4: "EDT",
    0: "GMT UT UTC WET Z",
    1: "BST CET MEZ WAT WEST",
    2: "CAT CEST EET MESZ SAST",
    3: "EAT EEST IDT MSK",
    5: "PKT",
    7: "WIB",
    8: "AWST HKT WITA",
    9: "JST KST WIT",
    9.5: "ACST",
    10: "AEST CHST",
    10.5: "ACDT",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
}
_ZONES = {
    name: timezone(timedelta(hours=hours))
    for hours, names in _HOURS.items()
    for name in names.split()
}


def parse_timestamp(text: str | None) -> datetime | None:
    """
    Parse a timestamp.

    Three notations occur: ISO 8601 (Nuvla, SlipStream's JSON), ``2017-10-13 17:07:26.79 UTC``
    (SlipStream's XML) and that of HTTP headers. In the second one the digits behind the dot
    count milliseconds, without leading zeros: 79 ms (SlipStreamServer, the date format
    ``yyyy-MM-dd HH:mm:ss.S z``).

    A time without a zone, or whose zone is a name with several meanings, is ``None`` rather than
    a guess; RFC 5322 decides what ``EST`` to ``PDT`` mean. A time of a header that has no zone is
    in UTC (RFC 9110, 5.6.7).
    """
    text = text.strip() if isinstance(text, str) else ""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            parsed = parsedate_to_datetime(text[:60])
            names = _NAME.findall(text[:60])
            # The library ignores zones that it does not know, and gives none for "-0000" either.
            zone = parsed.tzinfo or (_zone(names[-1]) if names else UTC)
            return parsed.replace(tzinfo=zone)
        day, separator, time, fraction, name = match.groups()
        parsed = datetime.fromisoformat(f"{day} {time}").replace(
            tzinfo=_ZONES.get(name) or _zone(name)
        )
        if not fraction:
            return parsed
        is_java = separator == " " and len(fraction) <= 3
        milliseconds = int(fraction) if is_java else float(f".{fraction}") * 1000
        return parsed + timedelta(0, 0, 0, milliseconds)
    except (ValueError, TypeError, IndexError, OverflowError, KeyError, OSError):
        return None


def _zone(name: str) -> tzinfo:
    if name.upper() in _ZONES:
        return _ZONES[name.upper()]
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name)
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(offset if match["sign"] == "+" else -offset)
