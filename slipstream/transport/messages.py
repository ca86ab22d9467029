"""HTTP requests and responses as values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, XMLParser

import attrs
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from slipstream.errors import BadInput, MalformedAnswer, shorten
from slipstream.transport import clock
from slipstream.values.fields import Record
from slipstream.values.paths import leads_elsewhere
from slipstream.values.text import safe_text
from slipstream.values.timestamps import parse_timestamp

MAX_ELEMENTS = 500_000
"""Values of JSON, or elements of XML, that a body may have."""

MAX_DEPTH = 100
"""How deep they may nest; documents of the servers nest a dozen levels."""

_REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id")
_PLAIN_ID = re.compile(r"[\w.:=+/-]{1,200}")
_OTHER_ENCODING = re.compile(rb"<\?xml[^>]*encoding=.(?!(?:utf-8|us-ascii)\b)", re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _check_path(_: object, __: object, value: str) -> None:
    if not isinstance(value, str) or not value.startswith("/") or "?" in value or "#" in value:
        raise TypeError(f"{value!r} is no path: a path begins with a slash and has no query.")
    try:
        unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise BadInput(f"{shorten(value)!r} is not percent-encoded UTF-8.") from None
    if leads_elsewhere(value):
        raise BadInput(f"{shorten(value)!r} leads to another resource: leave out '.' and '..'.")


def _check_query(_: object, __: object, value: object) -> None:
    pairs = value if isinstance(value, tuple) else ((value,),)
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise TypeError(f"A query is a tuple of pairs of texts, not {value!r}.")


@attrs.frozen(kw_only=True)
class Request(Record):
    """
    One request.

    :param method: The HTTP method.
    :param path: The path below the endpoint, percent-encoded, starting with a slash.
    :param query: Names and values of the query.
    :param headers: Headers beside those that every request has.
    :param body: The body.
    :param repeatable: Whether sending it twice does no more than sending it once.
    :param reads: Whether it changes nothing; what the method says, when left out.
    :param read_timeout: Seconds to wait for the response, when not the usual ones.
    :param expects: Gives the response that the server is expected to send, for dry runs.
    :param purpose: What it is sent for, in words that go after "Cannot"; set by the session.
    """

    method: str
    path: str = attrs.field(validator=_check_path)
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), validator=_check_query)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = attrs.field(default=None, repr=False)
    repeatable: bool = False
    reads: bool = attrs.field()
    read_timeout: float | None = None
    expects: Callable[[], Response] | None = attrs.field(default=None, repr=False, eq=False)
    purpose: str = ""

    @reads.default
    def _reads(self) -> bool:
        return self.method in {"GET", "HEAD", "OPTIONS"}


@attrs.frozen(kw_only=True)
class Response(Record):
    """
    One response.

    :param status: The HTTP status.
    :param headers: The headers, whatever their case.
    :param body: The body, decompressed.
    :param url: The address that answered, without its query.
    :param max_elements: Values or elements that :meth:`json` and :meth:`xml` accept.
    :param max_depth: How deep these may nest.
    :param is_repeat: Whether the request was sent before and may have been carried out then.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    url: str
    max_elements: int = attrs.field(default=MAX_ELEMENTS, repr=False)
    max_depth: int = attrs.field(default=MAX_DEPTH, repr=False)
    is_repeat: bool = attrs.field(default=False, repr=False)

    @property
    def text(self) -> str:
        """The body as text; every server of the family writes UTF-8."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """
        The body as JSON.

        :raises MalformedAnswer: If it is none, or has too many values or levels.
        """
        separators = self.body.count(b",") + self.body.count(b"[") + self.body.count(b"{")
        if separators > self.max_elements:
            raise self._malformed("JSON", f"it has more than {self.max_elements} values")
        try:
            document = json.loads(self.body)
            if _SURROGATE.search(self.body):
                # Half a character, as "\ud800", cannot be printed, stored or sent again.
                text = json.dumps(document, ensure_ascii=False)
                document = json.loads(text.encode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            raise self._malformed("JSON", None) from None
        self._check_depth("JSON", document, _children)
        return document

    def xml(self) -> Element:
        """
        The root element of the body as XML.

        Document type declarations are refused: the servers never write one, and without one
        there are no entities to expand or to fetch.

        :raises MalformedAnswer: If it is none, has too many elements or levels, or is unsafe.
        """
        # An element, or two attributes or entities, take three bytes at least.
        if len(self.body) > 3 * self.max_elements:
            if self.body.count(b"=") + self.body.count(b"&") > 2 * self.max_elements:
                raise self._malformed("XML", "it has too many attributes or entities")
            # An element counts that is never closed: a parser keeps it until it comes to the end.
            if self.body.count(b"<") - self.body.count(b"</") > self.max_elements:
                raise self._malformed("XML", f"it has more than {self.max_elements} elements")
        # In another encoding tags would not be counted.
        if b"\0" in self.body or _OTHER_ENCODING.match(self.body):
            raise self._malformed("XML", "it is not in UTF-8")
        # The usual parser is faster; a text may hold the word, every declaration begins with it.
        parser = (
            DefusedXMLParser(forbid_dtd=True)
            if b"<!DOCTYPE" in self.body
            else XMLParser(encoding="utf-8")  # noqa: S314 - without a declaration it is safe
        )
        try:
            parser.feed(self.body)
            root: Element = parser.close()
        except ParseError as error:
            raise self._malformed("XML", safe_text(str(error))) from None
        except DefusedXmlException:
            raise self._malformed("XML", "it is not safe to read") from None
        self._check_depth("XML", root, iter)
        return root

    def _check_depth(self, language: str, root: Any, children: Callable[[Any], Any]) -> None:
        level = [root]
        for _ in range(self.max_depth):
            level = [child for parent in level for child in children(parent)]
            if not level:
                return
        raise self._malformed(language, f"it nests deeper than {self.max_depth} levels")

    def _malformed(self, language: str, reason: str | None) -> MalformedAnswer:
        return MalformedAnswer(
            f"The response is not {language} as expected ({self.kind}, {len(self.body)} bytes)"
            f"{f': {reason}' if reason else ''}.",
            endpoint=self.url,
        )

    @property
    def kind(self) -> str:
        """The media type, for messages."""
        kind = self.headers.get("Content-Type", "").split(";")[0].strip()
        return safe_text(kind, 100) or "no content type"

    @property
    def request_id(self) -> str | None:
        """
        The name that the server, or a proxy before it, has given the request.

        Neither family gives one by itself; ``X-Request-Id`` is what the usual proxies add.
        """
        for header in _REQUEST_IDS:
            text = self.headers.get(header, "").strip()
            if _PLAIN_ID.fullmatch(text):
                return text
        return None

    @property
    def date(self) -> float | None:
        """
        The time of the server in seconds since the epoch, ``None`` if it names none.

        Other times of the server mean something beside this one; the local clock may be wrong.
        """
        return _epoch(self.headers.get("Date"))

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, ``None`` if it names none that makes sense."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        until = _epoch(text)
        if until is None:
            return None
        here = self.date
        return max(0.0, until - (clock.now() if here is None else here))


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _epoch(text: str | None) -> float | None:
    timestamp = parse_timestamp(text)
    try:
        return None if timestamp is None else timestamp.timestamp()
    except OverflowError:
        return None
