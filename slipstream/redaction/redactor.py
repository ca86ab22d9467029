"""
Taking secrets out of what is shown of an exchange: addresses, headers and bodies.

They are found by the names they stand under (:mod:`slipstream.redaction.names`), by their looks,
and because the conversation knows their very text (:mod:`slipstream.redaction.values`). What can
be parsed is parsed. Of what cannot, all that may belong to a secret goes: rather too much is
masked than too little.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError, indent, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.redaction.documents import mask_xml, masked_form, masked_json
from slipstream.redaction.names import announces_secret, authenticates
from slipstream.redaction.texts import mask_assigned
from slipstream.redaction.values import MASK, KnownSecrets, mask_shapes

LARGEST = 2 * 1024 * 1024
"""Bytes beyond which a body is not searched for secrets, and so not shown."""

_WORD = re.compile(r"[\w.\-]+")
_TAG = re.compile(r"<[^<>]*>?(?:\s*+[\w.\-:]++\s*+(?=<|\Z))?+")
_PAGE = re.compile(r"\s*<(?:!doctype\s+)?html\b", re.IGNORECASE)
_COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite"}
_COOKIE_FLAGS = {"secure", "httponly", "partitioned"}


class Redactor:
    """
    Takes the secrets of one conversation out of what is shown of it.

    :param known: The secrets whose text the conversation knows.
    """

    def __init__(self, known: KnownSecrets) -> None:
        self.known = known

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def said(self, text: str) -> str:
        """
        A sentence without secrets that it quotes; words that only announce one stay.

        :param text: The sentence, as in the message of an error.
        :returns: The sentence.
        """
        return mask_shapes(self.known.mask(text))

    def text(self, source: str) -> str:
        """
        Any piece of text, whatever may be written in it.

        :param source: The text.
        :returns: The text without secrets.
        """
        document = self._document(source)
        if document is None:
            document = self._loose(self.known.mask(source))
        return MASK if document is None else self.known.mask(document)

    def url(self, source: str) -> str:
        """
        An address, absolute or not.

        :param source: The address.
        :returns: It without user information, and without the secrets in path and query.
        """
        try:
            parts = urlsplit(source)
        except ValueError:
            return MASK
        _, at, host = parts.netloc.rpartition("@")
        shown = parts._replace(
            netloc=f"{MASK}@{host}" if at else host,
            path=self.said(parts.path),
            query=masked_form(parts.query, self.text),
            fragment=masked_form(parts.fragment, self.text),
        )
        return self.known.mask(urlunsplit(shown))

    def header(self, name: str, value: str) -> str:
        """
        The value of a header.

        :param name: The header's name.
        :param value: Its value.
        :returns: The value; of cookies the names and the attributes stay.
        """
        if name.lower() == "cookie":
            return "; ".join(self._cookie(cookie) for cookie in value.split(";"))
        if name.lower() == "set-cookie":
            cookie, *attributes = value.split(";")
            return "; ".join([self._cookie(cookie), *map(_attribute, attributes)])
        if authenticates(name):
            return MASK
        return self.url(value) if name.lower() == "location" else self.text(value)

    def body(self, body: bytes, kind: str, *, named: str = "", pretty: bool = False) -> str:
        """
        What a request or an answer carries.

        :param body: The bytes.
        :param kind: The media type that it is sent as.
        :param named: The name of what it is the bare value of, if it is one.
        :param pretty: Whether to indent JSON and XML.
        :returns: The text without secrets, or in brackets why it cannot be shown.
        """
        if len(body) > LARGEST:
            return f"({len(body)} bytes, too many to be searched for secrets)"
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return f"({len(body)} bytes that are no text)"
        if not text.strip():
            return text
        shown = self._shown(text, kind.lower(), named, pretty)
        if shown is None:
            return f"({len(text)} characters that cannot be searched for secrets)"
        return self.known.mask(shown)

    def _shown(self, text: str, kind: str, named: str, pretty: bool) -> str | None:
        bare = announces_secret(named)
        if bare and "json" not in kind and "xml" not in kind:
            return MASK
        document = self._document(text, pretty=pretty)
        if document is not None or bare:
            return document or MASK
        if "x-www-form-urlencoded" in kind:
            return masked_form(text, self.text)
        start = text.lstrip()[:1]
        if start in {"{", "["} or (start == "<" and not _PAGE.match(text)):
            return None
        return self._loose(self.known.mask(text))

    def _document(self, text: str, *, pretty: bool = False) -> str | None:
        """A whole document, read and written anew; ``None`` if it is none."""
        start = text.lstrip()[:1]
        try:
            if start in {"{", "["}:
                cleaned = masked_json(json.loads(text), self.text)
                return json.dumps(cleaned, ensure_ascii=False, indent=2 if pretty else None)
            if start == "<":
                root = fromstring(text)
                mask_xml(root, self.text)
                return _written(root, pretty=pretty)
        except (ParseError, DefusedXmlException, ValueError, RecursionError):
            return None
        return None

    def _loose(self, text: str) -> str | None:
        """A text that no parser reads; ``None`` if its markup announces a secret."""
        for tag in _TAG.finditer(text):
            if any(map(announces_secret, _WORD.findall(tag[0]))):
                return None
        return mask_assigned(mask_shapes(text))

    def _cookie(self, cookie: str) -> str:
        name, equals, value = cookie.strip().partition("=")
        return f"{self.said(name)}={MASK if value else ''}" if equals else MASK


def _written(root: Element, *, pretty: bool) -> str:
    if pretty:
        indent(root)
    return tostring(root, encoding="unicode")


def _attribute(text: str) -> str:
    name, equals, _ = text.strip().partition("=")
    known = name.lower() in (_COOKIE_ATTRIBUTES if equals else _COOKIE_FLAGS)
    return text.strip() if known else MASK
