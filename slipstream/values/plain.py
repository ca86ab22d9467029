"""Read, check and show plain values: numbers, texts, timestamps, paths, and names of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, Final
from urllib.parse import unquote
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


_KINDS = {FileNotFoundError: FileMissing, PermissionError: FileForbidden}
_ENDINGS = {".cer", ".cookies", ".crt", ".key", ".pem", ".pub", ".toml", ".txt"}

_LONGEST_PATH = 4096
"""Characters of a path that a system takes."""


def leads_elsewhere(path: str) -> bool:
    """
    Whether a path of a URL reaches another resource than it seems to.

    HTTP clients and servers resolve dots, however they are encoded, and some of them twice.
    """
    segments = re.split(r"[/\\]", unquote(unquote(unquote(path))))
    return not {".", ".."}.isdisjoint(segment.partition(";")[0] for segment in segments)


def user_path(name: str, value: object) -> Path:
    """Read the path of a file as a user writes it; what is no path may be a secret, unquoted."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the path of a file, not {type(value).__name__}.")
    if not text or len(text) > _LONGEST_PATH or "-----BEGIN" in text or set("\n\r\0") & set(text):
        what = f"a text of {len(text)} characters" if text else "empty"
        raise BadInput(f"{name} is {what}: the path of a file is needed.")
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except RuntimeError:
        raise BadInput(f"{name} begins with '~' and somebody who has no home directory.") from None
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
    if is_below or os.path.lexists(path) or path.suffix.lower() in _ENDINGS:
        return safe_text(str(path))
    return f"(a name of {len(str(path))} characters, which may be a secret)"


def file_error(
    message: str, path: Path, error: OSError, *, hint: str | None = None
) -> FileUnreadable:
    """The exception for a file that a user names and that cannot be read or written."""
    cls = _KINDS.get(type(error), FileUnreadable)
    failure = cls(f"{message}: {error.strerror or type(error).__name__}.", hint=hint)
    failure.errno, failure.strerror, failure.filename = error.errno, error.strerror, str(path)
    return failure


_ANYWHERE = re.compile(
    "password|passwd|passphrase|passcode|secret|privatekey|authorization|token|cookie"
    "|apikey|accessid|accesskey"
)
_LAST_WORDS = frozenset({"digest", "jwt", "otp", "pass", "pw", "pwd"})
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
    """Tell whether what stands under a key, field, attribute or tag of this name is a secret."""
    words = _words(name)
    plain = squeezed(name)
    return bool(words) and (
        words[-1] in _LAST_WORDS or plain in _declared or bool(_ANYWHERE.search(plain))
    )


def authenticates(header: str) -> bool:
    """Tell whether a header of this name holds credentials, or another secret."""
    return announces_secret(header) or not _AUTHENTICATION_WORDS.isdisjoint(_words(header))


def _words(name: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_HUMP.sub("-", name).lower()) if word]
