"""Taking everything secret, and everything accidental, out of recorded HTTP."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import Factory, field, frozen

from slipstream.redaction import Redactor
from slipstream.testing.cookies import scrubbed_cookie
from slipstream.testing.placeholders import PLACEHOLDERS, known_secrets, scrubbed

REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
"""The headers of a request that are kept."""

RESPONSE_HEADERS: Final = frozenset(
    {"allow", "content-type", "location", "retry-after", "set-cookie"},
)
"""The headers of a response that are kept: those a client acts upon."""

Headers = Mapping[str, Iterable[str]]

_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b"
_WIDTH = 96
_ANY_WINDOW = 47  # zlib's way to say: gzip or deflate, find out


@frozen(kw_only=True)
class Scrubber:
    """Rules that make a recording fit to be published.

    Structure alone finds most secrets, so that a scrubber without any known value takes out what
    servers send. Scrubbing what is scrubbed changes nothing.

    :param known: Secret values and the placeholder of each, replaced wherever they occur.
    :param names: Names of users and of their keys, and the placeholder of each, replaced where
        they stand as a word.
    :param moved: What moves addresses of the recorded server to the one they are kept under.
    """

    known: Mapping[str, str] = field(factory=dict, repr=False)
    names: Mapping[str, str] = field(factory=dict, repr=False)
    moved: Callable[[str], str] = field(default=str, repr=False)
    _redactor: Redactor = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(
            lambda self: Redactor(known_secrets(self.known, self.names), PLACEHOLDERS),
            takes_self=True,
        ),
    )

    def text(self, source: str) -> str:
        """Scrub a piece of text, whatever is written in it."""
        return self._redactor.text(self._plain(source))

    def url(self, source: str) -> str:
        """Scrub a URL, absolute or not."""
        return self._redactor.url(self._plain(source))

    def body(self, source: bytes, headers: Headers, *, named: str = "") -> bytes:
        """Scrub the body of a request or a response."""
        plain = _decompressed(source, _first(headers, "content-encoding"))
        content_type = _first(headers, "content-type")
        encoding = encoding_of(content_type, plain)
        text = self._plain(plain.decode(encoding))
        if PLACEHOLDERS.announces(named) and content_type.startswith("text/plain"):
            clean = scrubbed(text)
        elif "x-www-form-urlencoded" in content_type:
            clean = self._redactor.form(text)
        else:
            clean = _indented(self._redactor.text(text))
        return clean.encode(encoding, "backslashreplace")

    def request_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of a request that decide on the response."""
        return self._headers(headers, REQUEST_HEADERS)

    def response_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of a response that a client acts upon."""
        kept = self._headers(headers, RESPONSE_HEADERS - {"set-cookie"})
        date = _first(headers, "date") or None
        cookies = [scrubbed_cookie(each, date) for each in _all(headers, "set-cookie")]
        return {**kept, "set-cookie": cookies} if cookies else kept

    def _headers(self, headers: Headers, allowed: frozenset[str]) -> dict[str, list[str]]:
        kept = ((name, [self.url(v) for v in _all(headers, name)]) for name in sorted(allowed))
        return {name: values for name, values in kept if values}

    def _plain(self, source: str) -> str:
        return self.moved(self._redactor.known.mask(source))


def _indented(text: str) -> str:
    try:
        return pretty(json.loads(text)) if text.lstrip()[:1] in {"{", "["} else text
    except (ValueError, RecursionError):
        return text


def pretty(value: Any, depth: int = 0) -> str:
    """Write JSON with one line for each part that fits into one, so that a change is readable."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + depth <= _WIDTH or not isinstance(value, dict | list) or not value:
        return short
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {pretty(item, depth + 1)}"
            for key, item in value.items()
        ]
    else:
        parts = [pretty(item, depth + 1) for item in value]
    indent = " " * (depth + 1)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{indent}" + f",\n{indent}".join(parts) + f"\n{indent[1:]}{closing}"


def _all(headers: Headers, name: str) -> list[str]:
    return [
        value
        for each, values in headers.items()
        if each.lower() == name
        for value in ([values] if isinstance(values, str) else values)
    ]


def _first(headers: Headers, name: str) -> str:
    return next(iter(_all(headers, name)), "")


def encoding_of(content_type: str, body: bytes) -> str:
    """Tell a body's encoding, so that decoding and encoding give it back."""
    declared = _CHARSET.search(content_type)
    for encoding in [declared[1], "utf-8"] if declared else ["utf-8"]:
        try:
            if body.decode(encoding).encode(encoding) == body:
                return encoding
        except (LookupError, UnicodeError):
            continue
    return "latin-1"


def _decompressed(body: bytes, compression: str) -> bytes:
    if compression.lower() in {"", "identity"} or not body:
        return body
    if compression.lower() not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError(f"cannot scrub a body compressed as {compression!r}: record without it")
    # An HTTP library may have unpacked the body already and left the header as it was.
    if "gzip" in compression.lower() and not body.startswith(_GZIP_MAGIC):
        return body
    try:
        return zlib.decompress(body, _ANY_WINDOW)
    except zlib.error:
        return _inflated(body)


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error:
        return body
