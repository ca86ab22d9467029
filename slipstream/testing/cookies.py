"""Making a recorded session cookie harmless, and valid for ever."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

NEVER: Final = "Thu, 31 Dec 2099 23:59:59"
NEVER_ISO: Final = "2099-12-31T23:59:59.000Z"
_LONG_AGO = "Thu, 01 Jan 1970 00:00:00"

_KEPT = frozenset({"path", "expires", "max-age", "secure", "httponly", "samesite"})
_ZONE = re.compile(r"(?:GMT|UTC|[+-]\d{4})\s*$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T")


def scrubbed_cookie(header: str, responded: str | None = None) -> str:
    """Take the token out of a ``Set-Cookie`` header.

    Name and attributes stay, because a client acts on them. A cookie that was valid when it was
    recorded is given an end far away, as it has to be valid whenever the recording is played; one
    that had expired stays expired.
    """
    cookie, *attributes = [part.strip() for part in header.split(";")]
    name, _, value = cookie.partition("=")
    attributes = [
        _attribute(part, responded) for part in attributes if _attribute_name(part) in _KEPT
    ]
    return "; ".join([f"{name.strip()}={_cookie_value(value)}", *attributes])


def _cookie_value(value: str) -> str:
    # INVALID is how the servers forget a session: com/sixsq/slipstream/auth/cookies.clj.
    return value if value in {"", "INVALID"} else "SCRUBBED"


def _attribute_name(part: str) -> str:
    return part.partition("=")[0].strip().lower()


def _attribute(part: str, responded: str | None) -> str:
    if _attribute_name(part) != "expires":
        return part
    name, _, timestamp = part.partition("=")
    return f"{name.strip()}={distant(timestamp, responded)}"


def distant(timestamp: str, responded: str | None = None) -> str:
    """Move the end of a session far away, written the way it was."""
    if _ISO.match(timestamp):
        return NEVER_ISO
    zone = _ZONE.search(timestamp)
    end = _read(timestamp)
    start = _read(responded) if responded else None
    expired = end is not None and (end <= start if start else end.timestamp() <= 0)
    return f"{_LONG_AGO if expired else NEVER} {zone[0].strip() if zone else 'GMT'}"


def _read(timestamp: str | None) -> datetime | None:
    try:
        read = parsedate_to_datetime((timestamp or "").strip().replace("UTC", "GMT"))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
