"""Taking everything secret, and everything accidental, out of recorded HTTP."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from attrs import field, frozen

from slipstream.testing.cookies import scrubbed_cookie
from slipstream.testing.documents import clean_form, clean_json, clean_xml
from slipstream.testing.known import replacer
from slipstream.testing.loose import clean_assignments, clean_markup
from slipstream.testing.names import SCRUBBED, is_sensitive
from slipstream.testing.pretty import pretty
from slipstream.testing.shapes import without_secrets

REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
"""The headers of a request that are kept."""

RESPONSE_HEADERS: Final = frozenset(
    {"allow", "content-type", "location", "retry-after", "set-cookie"},
)
"""The headers of an answer that are kept: those a client acts upon."""

Headers = Mapping[str, Iterable[str]]

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>\\]+")
_QUERY = re.compile(r"(?<=[?])[^\s\"'<>#]*=[^\s\"'<>#]*")
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b"
_ANY_WINDOW = 47  # zlib's way to say: gzip or deflate, find out


@frozen(kw_only=True)
class Scrubber:
    """Rules that make a recording fit to be published.

    Structure alone finds most secrets, so that a scrubber without any known value takes out what
    servers answer. Scrubbing what is scrubbed changes nothing.

    :param known: secret values and the placeholder of each, replaced wherever they occur.
    :param names: names of users and of their keys, and the placeholder of each, replaced where
        they stand as a word.
    :param moved: what moves addresses of the recorded server to the one they are kept under.
    """

    known: Mapping[str, str] = field(factory=dict, repr=False)
    names: Mapping[str, str] = field(factory=dict, repr=False)
    moved: Callable[[str], str] = field(default=str, repr=False)
    _replace: Callable[[str], str] = field(init=False, repr=False, eq=False)

    @_replace.default
    def _build(self) -> Callable[[str], str]:
        return replacer(self.known, self.names)

    def text(self, source: str) -> str:
        """Scrub a piece of text, whatever is written in it.

        :param source: a value from a document, or a whole document.
        :returns: the text without secrets.
        """
        return self._structured(source)

    def url(self, source: str) -> str:
        """Scrub an address, absolute or not.

        :param source: the address.
        :returns: the address without user information, and without secrets in its query.
        """
        source = self._plain(source)
        try:
            parts = urlsplit(source)
        except ValueError:
            return self._loose(source)
        user, at, host = parts.netloc.rpartition("@")
        query = clean_form(parts.query, self.text, certain=True) or ""
        fragment = clean_form(parts.fragment, self.text) or parts.fragment
        netloc = f"{SCRUBBED}@{host}" if at and user else host
        # Nothing is put together anew that has not changed: parsing forgets an empty query.
        if (netloc, query, fragment) == (parts.netloc, parts.query, parts.fragment):
            return source
        return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=fragment))

    def body(self, source: bytes, headers: Headers, *, named: str = "") -> bytes:
        """Scrub what a request or an answer carries.

        :param source: the body as it was sent.
        :param headers: the headers as they were sent, which say how it is written.
        :param named: the name of what the body is the bare value of, if it is one.
        :returns: the body unpacked, scrubbed and, if it is JSON, indented.
        :raises ValueError: if it is packed in a way that cannot be unpacked.
        """
        unpacked = _unpacked(source, _first(headers, "content-encoding"))
        if not unpacked:
            return unpacked
        content_type = _first(headers, "content-type")
        encoding = encoding_of(content_type, unpacked)
        text = unpacked.decode(encoding)
        if is_sensitive(named) and content_type.startswith("text/plain"):
            return self._bare_value(text).encode(encoding)
        form = None
        if "x-www-form-urlencoded" in content_type:
            form = clean_form(self._plain(text), self.text, certain=True)
        cleaned = self._structured(text, document=True) if form is None else form
        return cleaned.encode(encoding, "backslashreplace")

    def request_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of a request that decide on the answer.

        :param headers: every header that was sent.
        :returns: the kept ones, their names in lower case.
        """
        return self._headers(headers, REQUEST_HEADERS)

    def response_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of an answer that a client acts upon.

        :param headers: every header that was received.
        :returns: the kept ones, their names in lower case, cookies without their token.
        """
        kept = self._headers(headers, RESPONSE_HEADERS - {"set-cookie"})
        answered = _first(headers, "date") or None
        cookies = [scrubbed_cookie(each, answered) for each in _all(headers, "set-cookie")]
        return {**kept, "set-cookie": cookies} if cookies else kept

    def _headers(self, headers: Headers, allowed: frozenset[str]) -> dict[str, list[str]]:
        kept = ((name, [self.url(v) for v in _all(headers, name)]) for name in sorted(allowed))
        return {name: values for name, values in kept if values}

    def _plain(self, source: str) -> str:
        return self.moved(self._replace(source))

    def _bare_value(self, text: str) -> str:
        plain = self._plain(text)
        return plain if not plain or plain.startswith("recorded-") else SCRUBBED

    def _structured(self, source: str, *, document: bool = False) -> str:
        source = self._plain(source)
        start = source.lstrip("\ufeff \t\r\n")[:1]
        if start in {"{", "["}:
            cleaned = self._json(source, document=document)
        elif start == "<":
            cleaned = clean_xml(source, self.text)
        else:
            cleaned = clean_form(source, self.text)
        return self._loose(source) if cleaned is None else cleaned

    def _json(self, source: str, *, document: bool) -> str | None:
        try:
            parsed: Any = json.loads(source)
        except (ValueError, RecursionError):
            return None
        cleaned = clean_json(parsed, self.text)
        if document:
            return pretty(cleaned)
        return source if cleaned == parsed else json.dumps(cleaned, ensure_ascii=False)

    def _loose(self, source: str) -> str:
        source = without_secrets(source)
        if "<" in source:
            source = clean_markup(source)
        source = _URL.sub(lambda hit: self._address(hit[0]), source)
        source = _QUERY.sub(lambda hit: clean_form(hit[0], self.text, certain=True) or "", source)
        return clean_assignments(source)

    def _address(self, source: str) -> str:
        return source if source.endswith("://") else self.url(source)


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
    """Say how a body's text is encoded, so that decoding and encoding give it back.

    :param content_type: the header of that name.
    :param body: the bytes.
    :returns: the declared encoding or UTF-8 if the body is written in it, else Latin-1, which
        maps every byte to one character.
    """
    declared = _CHARSET.search(content_type)
    for encoding in [declared[1], "utf-8"] if declared else ["utf-8"]:
        try:
            if body.decode(encoding).encode(encoding) == body:
                return encoding
        except (LookupError, UnicodeError):
            continue
    return "latin-1"


def _unpacked(body: bytes, packing: str) -> bytes:
    if packing.lower() in {"", "identity"} or not body:
        return body
    if packing.lower() not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError(f"cannot scrub a body packed as {packing!r}: record without it")
    # An HTTP library may have unpacked the body already and left the header as it was.
    if "gzip" in packing.lower() and not body.startswith(_GZIP_MAGIC):
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
