"""Times as servers write them, from JSON, XML and headers alike."""

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
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?", re.ASCII)
# The names that Java writes for zones of one meaning; of those with several meanings, that of
# RFC 5322. A server in another zone writes its offset.
_ZONES = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2, "SGT": 8, "HKT": 8, "JST": 9, "KST": 9, "AWST": 8,
    "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "AST": -4, "ADT": -3, "EST": -5,
    "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9,
    "AKDT": -8, "HST": -10, "IST": 5.5, "PKT": 5, "NPT": 5.75, "BDT": 6, "ICT": 7, "WIB": 7,
    "PHT": 8, "MYT": 8, "GST": 4, "IDT": 3, "EAT": 3, "WAT": 1, "CAT": 2, "TRT": 3, "BRT": -3,
    "ART": -3, "UYT": -3, "CLT": -4, "COT": -5, "PET": -5, "WEZ": 0, "MEZ": 1, "MESZ": 2, "OEZ": 2,
}  # fmt: skip


def parse_timestamp(text: str | None) -> datetime | None:
    """
    Parse a timestamp.

    Three notations occur: ISO 8601 (Nuvla, SlipStream's JSON), ``2017-10-13 17:07:26.79 UTC``
    (SlipStream's XML) and that of HTTP headers. In the second one the digits behind the dot
    count milliseconds, without leading zeros: 79 ms (SlipStreamServer, the date format
    ``yyyy-MM-dd HH:mm:ss.S z``).
    """
    text = text.strip() if isinstance(text, str) else ""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            parsed = parsedate_to_datetime(text[:60])
            # The zone "-0000" stands for UTC, of a clock whose own zone is unknown.
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        day, separator, time, fraction, name = match.groups()
        if name == "UTC":
            if fraction and len(fraction) == 3:
                return datetime.fromisoformat(f"{day} {time}.{fraction}+00:00")
            parsed = datetime.fromisoformat(f"{day} {time}+00:00")
        else:
            parsed = datetime.fromisoformat(f"{day} {time}").replace(tzinfo=_zone(name))
        if not fraction:
            return parsed
        milliseconds = int(fraction) if separator == " " else float(f".{fraction}") * 1000
        return parsed + timedelta(0, 0, 0, milliseconds)
    except (ValueError, TypeError, IndexError, OverflowError, KeyError, OSError):
        return None


def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name) if "/" in name else timezone(timedelta(hours=_ZONES[name.upper()]))
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)
