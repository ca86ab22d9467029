"""Texts and paths, the names of secrets, and the timestamps of servers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from slipstream.errors import BadInput, FileForbidden, FileMissing, FileUnreadable

CONTROL_CHARACTERS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, line ends, and code points that are no characters: not for a name."""

NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""
What no XML document can hold (XML 1.0, production 2).

A server that accepts such a value cannot write the document any more in which it stands.
"""

# Marks that turn the direction of the text around them could make a line read as another one.
_UNSAFE = re.compile(
    CONTROL_CHARACTERS.pattern + r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def safe_text(text: str, limit: int = 500) -> str:
    r"""
    Make a server's text safe for messages, warnings and log lines.

    :param text: Any text.
    :param limit: Characters that the result may have.
    :returns: The text on one line: control characters are written as ``\n`` or ``\x1b``, and what
        is longer than the limit is cut and ends with ``…``.
    """
    safe = _UNSAFE.sub(_escaped, text[: limit + 1])
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _escaped(hit: re.Match[str]) -> str:
    return hit[0].encode("unicode_escape").decode("ascii")


_FILE_ERRORS = {FileNotFoundError: FileMissing, PermissionError: FileForbidden}
_FILE_ENDINGS = {".cer", ".cookies", ".crt", ".key", ".pem", ".pub", ".toml", ".txt"}

_LONGEST_PATH = 4096
"""Characters of a path that a system takes."""


def user_path(name: str, value: object) -> Path:
    """Read the path of a file from a user; an invalid one may be a secret, and is not quoted."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the path of a file, not {type(value).__name__}.")
    if not text or len(text) > _LONGEST_PATH or "-----BEGIN" in text or set("\n\r\0") & set(text):
        what = f"a text of {len(text)} characters" if text else "empty"
        raise BadInput(f"{name} is {what}: pass the path of a file.")
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except RuntimeError:
        raise BadInput(f"{name} begins with '~' and a user without a home directory.") from None
    except UnicodeEncodeError:
        raise BadInput(f"{name} cannot be written as a file name.") from None
    return path


def shown_path(path: Path) -> str:
    """
    A path for messages: quoted if it exists, its first directory does, or its ending is a usual
    one; anything else may be a password or a line of a key.
    """
    first = path.parts[: 2 if path.is_absolute() else 1]
    is_below = len(path.parts) > len(first) and os.path.isdir(Path(*first))  # noqa: PTH112
    # os.path survives names that are too long.
    if is_below or os.path.lexists(path) or path.suffix.lower() in _FILE_ENDINGS:
        return safe_text(str(path))
    return f"(a name of {len(str(path))} characters, which may be a secret)"


def file_error(
    message: str, path: Path, error: OSError, *, hint: str | None = None
) -> FileUnreadable:
    """The exception for a file that a user names and that cannot be read or written."""
    cls = _FILE_ERRORS.get(type(error), FileUnreadable)
    failure = cls(f"{message}: {error.strerror or type(error).__name__}.", hint=hint)
    failure.errno, failure.strerror, failure.filename = error.errno, error.strerror, str(path)
    return failure


_SECRET_WORDS = re.compile(
    "password|passwd|passphrase|passcode|secret|privatekey|authorization|token|cookie"
    "|apikey|accessid|accesskey"
)
_LAST_SECRET_WORDS = frozenset({"digest", "jwt", "otp", "pass", "pw", "pwd"})
_AUTHENTICATION_WORDS = frozenset({"auth", "authn", "authz"})
_declared: set[str] = set()
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

NAMING: Final = frozenset({"name", "key", "id", "parameter", "filename"})
"""Members and attributes that name the thing whose value stands beside them, squeezed."""

VALUE_NAMES: Final = frozenset(
    {"value", "default", "defaultvalue", "initialvalue", "content", "text", "filecontent"},
)
"""Members that hold the value of the thing whose name stands beside them, squeezed."""


def squeezed(name: str) -> str:
    """Write a name in lower-case letters and digits alone: ``secret-Key`` as ``secretkey``."""
    return _SEPARATORS.sub("", name.lower())


def declare_secret_names(names: Iterable[str]) -> None:
    """Add names that announce a secret from now on, in logs, errors and cassettes alike."""
    _declared.update(squeezed(name) for name in names)


def announces_secret(name: str) -> bool:
    """Whether the value of a key, field, attribute or tag of this name is a secret."""
    words = _words(name)
    plain = squeezed(name)
    return bool(words) and (
        words[-1] in _LAST_SECRET_WORDS or plain in _declared or bool(_SECRET_WORDS.search(plain))
    )


def authenticates(header: str) -> bool:
    """Whether a header of this name holds credentials, or another secret."""
    return announces_secret(header) or not _AUTHENTICATION_WORDS.isdisjoint(_words(header))


def _words(name: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_HUMP.sub("-", name).lower()) if word]


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
        region = name if "/" in name else _MOVED.get(name.upper())
        return ZoneInfo(region) if region else _ZONES[name.upper()]
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(offset if match["sign"] == "+" else -offset)
