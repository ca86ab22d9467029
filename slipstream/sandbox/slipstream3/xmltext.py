"""A small tree of elements that prints as XML or as the JSON made from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

import attrs

_INDENT = "   "
_IN_ATTRIBUTES = {'"': "&quot;", "'": "&apos;", "\n": "&#10;", "\t": "&#9;"}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d+)?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _present(children: Iterable[Element | None]) -> list[Element]:
    return [child for child in children if child is not None]


def _attributes(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items() if value is not None}


def _quoted(value: str) -> str:
    return '"' + escape(_NOT_XML.sub("", value), _IN_ATTRIBUTES) + '"'


@attrs.define
class Element:
    """
    An element.

    :param name: Its name.
    :param attributes: Its attributes; those that are None are left out.
    :param children: Its children; those that are None are left out.
    :param text: Its text; None for none.
    :param cdata: Whether the text stands in a CDATA section.
    """

    name: str
    attributes: dict[str, str] = attrs.field(factory=dict, converter=_attributes)
    children: list[Element] = attrs.field(factory=list, converter=_present)
    text: str | None = None
    cdata: bool = False

    def find(self, name: str) -> Element | None:
        """
        Find a child.

        :param name: Its name.
        :returns: The first one, or None.
        """
        return next((child for child in self.children if child.name == name), None)

    def walk(self) -> Iterator[Element]:
        """
        Walk through the tree.

        :returns: This element and everything below it.
        """
        yield self
        for child in self.children:
            yield from child.walk()

    def xml(self) -> str:
        """
        Print as XML, indented by three spaces, without a declaration.

        :returns: The text.
        """
        return "\n".join(_lines(self, ""))

    def json(self) -> Any:
        """
        Convert to what a mechanical translation of the XML gives.

        :returns: A document for the content; texts that look like numbers have become numbers.
        """
        if not self.attributes and not self.children:
            return "" if self.text is None else _guess(self.text)
        found: dict[str, Any] = {name: _guess(text) for name, text in self.attributes.items()}
        for child in self.children:
            _accumulate(found, child.name, child.json())
        if self.text:
            found["content"] = _guess(self.text)
        return found


def _lines(element: Element, indent: str) -> Iterator[str]:
    pairs = element.attributes.items()
    attributes = "".join(f" {name}={_quoted(text)}" for name, text in pairs)
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
        return escape(clean)
    return "<![CDATA[" + clean.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _accumulate(target: dict[str, Any], name: str, value: Any) -> None:
    if name not in target:
        target[name] = value
    elif isinstance(target[name], list):
        target[name].append(value)
    else:
        target[name] = [target[name], value]


def _guess(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if re.search(r"[.eE]", text) else int(text)
    return text


def entries(pairs: Iterable[tuple[str, Element]], *, cdata: bool = False) -> list[Element]:
    """
    Write a map the way the Simple XML library does.

    :param pairs: Keys and the elements of their values.
    :param cdata: Whether keys stand in CDATA sections.
    :returns: One ``entry`` each.
    """
    return [
        Element("entry", children=[Element("string", text=key, cdata=cdata), value])
        for key, value in pairs
    ]
