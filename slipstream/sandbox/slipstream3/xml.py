"""A small tree of elements that prints as XML or as the JSON made from it, and reading XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from operator import attrgetter
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import attrs
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_INDENT = "   "
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_IN_ATTRIBUTES = _QUOTES | {"\n": "&#10;", "\t": "&#9;"}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d+)?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RFC = "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
# What the server says where no handler gives a message of its own.
_SENTENCES = {
    400: "The request could not be understood by the server due to malformed syntax",
    401: "The request requires user authentication",
    403: "The server understood the request, but is refusing to fulfill it",
    404: "The server has not found anything matching the request URI",
    405: "The method specified in the request is not allowed for the resource identified by the "
    "request URI",
    409: "The request could not be completed due to a conflict with the current state of the "
    "resource",
    412: "The precondition given in one or more of the request-header fields evaluated to false "
    "when it was tested on the server",
    415: "The server is refusing to service the request because the entity of the request is in "
    "a format not supported by the requested resource for the requested method",
    500: "The server encountered an unexpected condition which prevented it from fulfilling the "
    "request",
}


def java_timestamp(at: datetime) -> str:
    """Write a timestamp as the XML documents do, ``2017-10-13 17:07:26.79 UTC`` with 79 ms."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000} UTC"


def attributes_of(source: object, table: str) -> dict[str, Any]:
    """Read what a table names: ``attribute``, or ``name=path.of.attributes`` for another name."""
    items = (item.partition("=") for item in table.split())
    return {name: attrgetter(path or name)(source) for name, _, path in items}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    return java_timestamp(value) if isinstance(value, datetime) else str(value)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items() if value is not None}


def _present(children: Iterable[Element | None]) -> list[Element]:
    return [child for child in children if child is not None]


@attrs.define
class Element:
    """An element; attributes and children that are None are left out."""

    name: str
    attributes: dict[str, str] = attrs.field(factory=dict, converter=_texts)
    children: list[Element] = attrs.field(factory=list, converter=_present)
    text: str | None = None
    cdata: bool = False

    def walk(self) -> Iterator[Element]:
        """The element itself and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def xml(self) -> str:
        """The element as XML, indented by three spaces, without a declaration."""
        return "\n".join(_lines(self, ""))

    def json(self) -> Any:
        """What a mechanical translation of the XML gives: texts like numbers become numbers."""
        if not self.attributes and not self.children:
            return self._json_text()
        document: dict[str, Any] = {name: _guess(text) for name, text in self.attributes.items()}
        for name in dict.fromkeys(child.name for child in self.children):
            values = [child.json() for child in self.children if child.name == name]
            document[name] = values[0] if len(values) == 1 else values
        if self.text:
            document["content"] = self._json_text()
        return document

    def _json_text(self) -> Any:
        # The translation leaves alone what stands in a CDATA section.
        return (self.text or "") if self.cdata or self.text is None else _guess(self.text)


def _lines(element: Element, indent: str) -> Iterator[str]:
    attributes = "".join(
        f' {name}="{escape(_NOT_XML.sub("", text), _IN_ATTRIBUTES)}"'
        for name, text in element.attributes.items()
    )
    start = f"{indent}<{element.name}{attributes}"
    if element.text is not None:
        yield f"{start}>{_content(element.text, cdata=element.cdata)}</{element.name}>"
    elif element.children:
        yield f"{start}>"
        for child in element.children:
            yield from _lines(child, indent + _INDENT)
        yield f"{indent}</{element.name}>"
    else:
        yield f"{start}/>"


def _content(text: str, *, cdata: bool) -> str:
    clean = _NOT_XML.sub("", text)
    if not cdata:
        return escape(clean, _QUOTES)
    return "<![CDATA[" + clean.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _guess(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if re.search(r"[.eE]", text) else int(text)
    return text


def entries(pairs: Iterable[tuple[str, Element]], *, cdata: bool = False) -> list[Element]:
    """Write a map the way the Simple XML library does."""
    return [
        Element("entry", children=[Element("string", text=key, cdata=cdata), value])
        for key, value in pairs
    ]


def string_array(name: str, texts: Iterable[str]) -> Element:
    """An array of strings, with its ``length``."""
    children = [Element("string", text=text) for text in texts]
    return Element(name, {"length": len(children)}, children)


class XmlProblem(Exception):
    """A refusal of the XML service; without a message, it has the server's standard sentence."""

    def __init__(self, status: int, detail: str = "", *, allow: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail or _SENTENCES.get(status, HTTPStatus(status).phrase)
        self.allow = allow
        self.reason = HTTPStatus(status).phrase
        self.specification = f"{_RFC}#sec10.{status // 100}.{status % 100 + 1}"
        if status == HTTPStatus.IM_A_TEAPOT:
            self.reason = self.detail = "I'm a teapot!"
            self.specification = "http://tools.ietf.org/html/rfc2324"

    @property
    def attributes(self) -> dict[str, Any]:
        """What every variant of the response says."""
        return attributes_of(self, "code=status reason detail specificationUri=specification")

    def element(self) -> Element:
        """The ``error`` element."""
        line = {"detail": self.detail.replace("\n", " ")}
        return Element("error", self.attributes | line, text=f"\n{self.detail}\n")


def read_xml(body: bytes) -> ET.Element:
    """Parse a document, entities off."""
    try:
        root: ET.Element = fromstring(body)
    except (ET.ParseError, DefusedXmlException, ValueError):
        raise XmlProblem(400, "Invalid xml document") from None
    return root
