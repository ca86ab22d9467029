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
# The short names that Java writes, by their hours. Left out are those of several zones that
# disagree, such as IST of India, Israel and Ireland. RFC 5322 says what the American ones mean,
# and of BST, CAT, GST and KST only zones with next to no servers have another opinion.
_HOURS = {
    -11: "NUT SST",
    -10: "CKT HAST HST TAHT",
    -9.5: "MART",
    -9: "AKST GAMT HADT HDT",
    -8: "AKDT PST",
    -7: "MST PDT",
    -6: "CST EAST GALT MDT",
    -5: "ACT CDT COT EASST ECT EST PET",
    -4: "BOT CLT EDT GYT",
    -3.5: "NST",
    -3: "ADT AMST ART BRT CLST FKT GFT PMST PYST ROTT SRT UYT",
    -2.5: "NDT",
    -2: "BRST FNT PMDT",
    -1: "AZOT CVT",
    0: "AZOST GMT UT UTC WET WEZ Z",
    1: "BST CET MET MEZ WAT WEST WESZ",
    2: "CAT CEST EET MEST MESZ OEZ SAST",
    3: "EAT EEST IDT OESZ SYOT TRST",
    3.5: "IRST",
    4: "AZT GET GST MUT RET SAMT SCT",
    4.5: "AFT IRDT",
    5: "AQTT MAWT MVT ORAT PKT TFT TJT TMT UZT YEKT",
    5.75: "NPT",
    6: "BDT BTT IOT KGT OMST XJT",
    6.5: "CCT MMT",
    7: "CXT DAVT HOVT ICT KRAT WIB",
    8: "AWST BNT CHOT HKT HOVST IRKT MYT PHT SGT ULAT WITA",
    8.75: "ACWST",
    9: "CHOST JST KST PWT TLT ULAST WIT",
    9.5: "ACST",
    10: "AEST CHST CHUT DDUT PGT VLAT",
    10.5: "ACDT LHST",
    11: "AEDT KOST LHDT NCT NFT PONT SBT SRET VUT",
    12: "ANAT FJT GILT MHT NFST NRT NZST PETT TVT WAKT WFT",
    12.75: "CHAST",
    13: "FJST NZDT PHOT TKT TOT WSST",
    13.75: "CHADT",
    14: "LINT TOST WSDT",
}
_ZONES = {
    name: timezone(timedelta(hours=hours))
    for hours, names in _HOURS.items()
    for name in names.split()
}
_MOVED = {
    "ALMT": "Asia/Almaty",
    "MAGT": "Asia/Magadan",
    "MSK": "Europe/Moscow",
    "NOVT": "Asia/Novosibirsk",
    "SAKT": "Asia/Sakhalin",
    "TRT": "Europe/Istanbul",
    "VET": "America/Caracas",
    "YAKT": "Asia/Yakutsk",
}
"""Names whose hours have changed, and the zone that says when."""


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
        if name == "UTC":
            if fraction and len(fraction) == 3:
                return datetime.fromisoformat(f"{day} {time}.{fraction}+00:00")
            parsed = datetime.fromisoformat(f"{day} {time}+00:00")
        else:
            parsed = datetime.fromisoformat(f"{day} {time}").replace(tzinfo=_zone(name))
        if not fraction:
            return parsed
        is_java = separator == " " and len(fraction) <= 3
        milliseconds = int(fraction) if is_java else float(f".{fraction}") * 1000
        return parsed + timedelta(0, 0, 0, milliseconds)
    except (ValueError, TypeError, IndexError, OverflowError, KeyError, OSError):
        return None


def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    if match is None:
        place = name if "/" in name else _MOVED.get(name.upper())
        return ZoneInfo(place) if place else _ZONES[name.upper()]
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(offset if match["sign"] == "+" else -offset)
