"""HTTP requests, responses and cookies as values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.message import Message
from email.utils import formatdate
from http.cookiejar import Cookie, DefaultCookiePolicy
from itertools import chain
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, XMLParser

import attrs
import requests
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar

from slipstream.errors import BadInput, MalformedAnswer, shorten
from slipstream.transport import calls
from slipstream.transport.calls import PerProcess
from slipstream.values.fields import Record, leads_elsewhere
from slipstream.values.plain import parse_timestamp, safe_text

MAX_ELEMENTS = 500_000
"""Values of JSON, or elements of XML, that a body may have."""

MAX_DEPTH = 100
"""How deep they may nest; documents of the servers nest a dozen levels."""

_REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id")
_PLAIN_ID = re.compile(r"[\w.:=+/-]{1,200}")
_OTHER_ENCODING = re.compile(rb"<\?xml[^>]*encoding=.(?!(?:utf-8|us-ascii)\b)", re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


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
    :param expects: Returns the response that the server is expected to send, for dry runs.
    :param purpose: What it is sent for, in words that go after "Cannot"; set by the session.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = attrs.field(default=None, repr=False)
    repeatable: bool = False
    reads: bool = attrs.Factory(
        lambda self: self.method in {"GET", "HEAD", "OPTIONS"}, takes_self=True
    )
    read_timeout: float | None = None
    expects: Callable[[], Response] | None = attrs.field(default=None, repr=False, eq=False)
    purpose: str = ""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        path = self.path
        if not path.startswith("/") or "?" in path or "#" in path:
            raise TypeError(
                f"{path!r} is not a path: a path begins with a slash and has no query."
            )
        if not all(len(pair) == 2 and set(map(type, pair)) == {str} for pair in self.query):
            raise TypeError(f"A query is a tuple of pairs of texts, not {self.query!r}.")
        try:
            unquote(path, errors="strict")
        except UnicodeDecodeError:
            raise BadInput(f"{shorten(path)!r} is not percent-encoded UTF-8.") from None
        if leads_elsewhere(path):
            raise BadInput(
                f"{shorten(path)!r} leads to another resource.",
                hint="Leave out '.', '..' and control characters, percent-encoded or not.",
            )


@attrs.frozen(kw_only=True)
class Response(Record):
    """
    One response.

    :param status: The HTTP status.
    :param headers: The headers, in upper or lower case.
    :param body: The body, decompressed.
    :param url: The address of the response, without its query.
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
            level = list(chain.from_iterable(map(children, level)))
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
        The id of the request in the response, from the server or a proxy before it.

        Neither family has one of its own; ``X-Request-Id`` is what the usual proxies add.
        """
        for header in _REQUEST_IDS:
            text = self.headers.get(header, "").strip()
            if _PLAIN_ID.fullmatch(text):
                return text
        return None

    @property
    def date(self) -> float | None:
        """
        The time of the server in seconds since the epoch, ``None`` without a ``Date``.

        Other times of the server mean something beside this one; the local clock may be wrong.
        """
        timestamp = parse_timestamp(self.headers.get("Date"))
        return None if timestamp is None else timestamp.timestamp()

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait by ``Retry-After``, ``None`` without a valid one."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        until, date = parse_timestamp(text), self.date
        if until is None:
            return None
        return max(0.0, until.timestamp() - (calls.now() if date is None else date))


def expect(status: int, body: bytes = b"", **headers: str) -> Callable[[], Response]:
    """The value of a request's ``expects``: the response that a change is expected to have."""
    return lambda: Response(status=status, headers=headers, body=body, url="")


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_COOKIE_LIFETIME = re.compile(r"(?i);\s*(expires|max-age)\s*=\s*\"?([^;\"]*)\"?")
_NO_DOMAIN = re.compile(r"(?i);\s*domain\s*=\s*(?=;|\Z)")
"""To be ignored (RFC 6265, 5.2.3); the library takes it for another host's."""

_SECONDS = re.compile(r"-?\d+", re.ASCII)
LONGEST_LIFETIME = 2**31
"""Seconds beyond which a cookie need not be kept."""


class _CookiePolicy(DefaultCookiePolicy):
    def return_ok_expires(self, cookie: Cookie, request: Any) -> bool:  # noqa: ARG002
        """Leave it to the server whether a session has ended: the local clock may be wrong."""
        return True


class EndpointCookieJar(RequestsCookieJar):
    """
    The cookies of one login, which threads and forked children may share.

    A server that refuses an old cookie tells the client to remove it, and may do so late: no
    cookie is removed. A login begins with a jar of its own.

    :param secure: Whether the endpoint is encrypted. The servers mark their cookie ``Secure``
        on plain http too, and would never see it again. A user who chose such an address chose to
        send the password over it as well.
    """

    def __init__(self, *, secure: bool = True) -> None:
        super().__init__(policy=_CookiePolicy())
        self._secure = secure
        self.copies = PerProcess(self.copy, {os.getpid(): self})
        """The jar to use in each process: the library's has a lock, which a fork may copy held."""

    def copy(self) -> EndpointCookieJar:
        """Another jar with the same cookies."""
        jar = EndpointCookieJar(secure=self._secure)
        jar.update(self)
        return jar

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]  # of cookies, not names
        while True:
            try:
                return iter(list(super().__iter__()))
            except RuntimeError:  # another thread added a cookie meanwhile
                continue

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        """Add a cookie, for all of the endpoint: SlipStream's is made below ``/api`` alone."""
        cookie.path = "/"
        cookie.secure = cookie.secure and self._secure
        super().set_cookie(cookie, *args, **kwargs)

    def clear_expired_cookies(self) -> None:
        """Keep all."""

    def extract(
        self, request: requests.PreparedRequest, fields: Iterable[str], *, date: float | None
    ) -> None:
        """
        Add the cookies of the ``Set-Cookie`` headers of a response.

        Times of expiry mean something beside the server's own ``date`` alone: with a wrong local
        clock every new cookie would be dropped.
        """
        headers, now = Message(), calls.now()
        for field in fields:
            attributes = {name.lower(): value for name, value in _COOKIE_LIFETIME.findall(field)}
            number = _SECONDS.match(attributes.get("max-age", "").strip())
            end = parse_timestamp(attributes.get("expires", "").replace("-", " "))
            seconds, expiry = None, ""
            if number is not None:
                seconds = int(number[0][:11])
            elif end is not None and (date is not None or end.year <= 1970):
                seconds = int(end.timestamp() - (date or 0))
            if seconds is not None:
                if seconds <= 0:
                    continue
                until = formatdate(now + min(seconds, LONGEST_LIFETIME), usegmt=True)
                expiry = f"; Expires={until}"
            rest = _NO_DOMAIN.sub("", _COOKIE_LIFETIME.sub("", field))
            headers["Set-Cookie"] = f"{rest}{expiry}"
        self.extract_cookies(MockResponse(headers), MockRequest(request))  # type: ignore[arg-type]
