"""Taking secrets out of URLs, headers and bodies.

They are found by the names they stand under (:mod:`slipstream.values.plain`), by their
looks, and because the session knows their very text (:mod:`slipstream.redaction.values`). What
can be parsed is parsed. Of what cannot, all that may belong to a secret goes: rather too much is
replaced than too little.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError, indent, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.errors import DriverError
from slipstream.redaction.documents import Documents
from slipstream.redaction.policy import MASKING, Policy
from slipstream.redaction.prose import markup_announces_secret, replace_assigned, replace_shapes
from slipstream.redaction.values import KnownSecrets
from slipstream.values.plain import announces_secret, authenticates

LARGEST = 2 * 1024 * 1024
"""Bytes beyond which a body is not searched for secrets, and so not shown."""

_PAGE = re.compile(r"\s*<(?:!doctype\s+)?html\b", re.IGNORECASE)
# Comments, processing instructions and declarations, which a parser leaves out.
_UNPARSED = re.compile(r"<!(?!\[CDATA\[)|<\?(?!xml\s)")
_COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite"}
_COOKIE_FLAGS = {"secure", "httponly", "partitioned"}


class Redactor:
    """Takes the secrets of one session out of text.

    :param known: The secrets whose text the session knows.
    :param policy: What stands in their place, by default the mask for people.
    """

    def __init__(self, known: KnownSecrets, policy: Policy = MASKING) -> None:
        self.known = known
        self.policy = policy
        self._documents = Documents(policy, self.text)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def said(self, text: str) -> str:
        """Redact a sentence; words that only announce a secret stay."""
        return replace_shapes(self.known.mask(text), self.policy)

    def mask_error(self, error: DriverError) -> None:
        """Take the secrets out of what an exception says."""
        error.args = (self.said(error.summary), *error.args[1:])
        error.hint = error.hint and self.said(error.hint)

    def quotes_secret(self, error: BaseException) -> bool:
        """Whether the traceback of an exception, its causes included, holds a secret."""
        try:
            text = "".join(traceback.format_exception(error))
        except Exception:  # noqa: BLE001 - a plugin's exception may not even be printed
            return True
        return self.said(text) != text

    def text(self, source: str) -> str:
        """Redact any piece of text: a document, or prose."""
        document = self.document(source)
        return self.known.mask(self.loose(source) if document is None else document)

    def url(self, source: str) -> str:
        """Redact a URL, absolute or not."""
        try:
            parts = urlsplit(source)
        except ValueError:
            return self.policy.replace(source)
        user, at, host = parts.netloc.rpartition("@")
        netloc = f"{self.policy.replace(user)}{at}{host}"
        path = self.said(parts.path)
        query, fragment = self.form(parts.query), self.form(parts.fragment)
        # Nothing is put together anew that has not changed: parsing forgets an empty query.
        if (netloc, path, query, fragment) != parts[1:]:
            source = urlunsplit((parts.scheme, netloc, path, query, fragment))
        return self.known.mask(source)

    def form(self, source: str) -> str:
        """Redact a form, or the query of a URL."""
        return self._documents.form(source)

    def header(self, name: str, value: str) -> str:
        """Redact the value of a header."""
        if name.lower() == "cookie":
            return "; ".join(self._cookie(cookie) for cookie in value.split(";"))
        if name.lower() == "set-cookie":
            cookie, *attributes = value.split(";")
            return "; ".join([self._cookie(cookie), *map(self._attribute, attributes)])
        if authenticates(name):
            return self.policy.replace(value)
        return self.url(value) if name.lower() == "location" else self.text(value)

    def body(self, body: bytes, kind: str, *, named: str = "", pretty: bool = False) -> str:
        """Redact the body of a request or a response for people."""
        if len(body) > LARGEST:
            return f"({len(body)} bytes, too many to be searched for secrets)"
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return f"({len(body)} bytes that are no text)"
        if not text.strip():
            return text
        redacted = self._whole(text, kind.lower(), named, pretty)
        if redacted is None:
            return f"({len(text)} characters that cannot be searched for secrets)"
        return self.known.mask(redacted)

    def _whole(self, text: str, kind: str, named: str, pretty: bool) -> str | None:
        bare = announces_secret(named)
        if bare and "json" not in kind and "xml" not in kind:
            return self.policy.replace(text)
        document = self.document(text, pretty=pretty)
        if document is not None or bare:
            return document or self.policy.replace(text)
        if "x-www-form-urlencoded" in kind:
            return self.form(text)
        start = text.lstrip()[:1]
        if start in {"{", "["} or (start == "<" and not _PAGE.match(text)):
            return None
        return self.loose(text)

    def document(self, text: str, *, pretty: bool = False) -> str | None:
        """Redact a whole JSON or XML document."""
        start = text.lstrip("\ufeff \t\r\n")[:1]
        try:
            if start in {"{", "["}:
                parsed = json.loads(text, object_pairs_hook=_unique)
                cleaned = self._documents.json(parsed)
                if self.policy.keep_form and cleaned == parsed:
                    return text
                return json.dumps(cleaned, ensure_ascii=False, indent=2 if pretty else None)
            if start == "<":
                return self._xml(text, pretty=pretty)
        except (ParseError, DefusedXmlException, ValueError, RecursionError):
            return None
        return None

    def _xml(self, text: str, *, pretty: bool) -> str:
        root = fromstring(text)
        before = tostring(root)
        self._documents.xml(root)
        if pretty:
            indent(root)
        elif self.policy.keep_form and tostring(root) == before and not _UNPARSED.search(text):
            return text
        return _written(root)

    def loose(self, source: str) -> str:
        """Redact a text that no parser reads."""
        source = self.known.mask(source)
        if markup_announces_secret(source, self.policy):
            return self.policy.replace(source)
        return replace_assigned(replace_shapes(source, self.policy), self.policy)

    def _cookie(self, cookie: str) -> str:
        name, equals, value = cookie.strip().partition("=")
        replaced = self.policy.replace(value if equals else name)
        return f"{self.said(name)}={replaced}" if equals else replaced

    def _attribute(self, text: str) -> str:
        name, equals, _ = text.strip().partition("=")
        known = name.lower() in (_COOKIE_ATTRIBUTES if equals else _COOKIE_FLAGS)
        return text.strip() if known else self.policy.replace(text)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one with a name twice has members that only some readers see."""
    pairs = list(pairs)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _written(root: Element) -> str:
    return tostring(root, encoding="unicode")
