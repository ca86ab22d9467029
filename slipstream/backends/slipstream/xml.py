"""XML of the servers' older half, parsed without trusting it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from slipstream.errors import MalformedAnswer
from slipstream.transport.messages import Response

DEEPEST = 100
"""No document of the servers nests deeper than a dozen elements."""

_ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3,
}  # fmt: skip


class _TooDeep(Exception):
    pass


class _ShallowBuilder(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: Any, attributes: Any) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _TooDeep
        return super().start(tag, attributes)

    def end(self, tag: Any) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(answer: Response, *roots: str) -> Element:
    """
    Parse an answer.

    Document type declarations are refused altogether: the servers never write one, and without
    one there are no entities to expand or to fetch.

    :param answer: The answer.
    :param roots: The names that the root element may have.
    :returns: The root element.
    :raises MalformedAnswer: If it is no such document.
    """
    try:
        root = parse_bytes(answer.body)
    except (ParseError, DefusedXmlException, _TooDeep, ValueError, LookupError) as error:
        reason = str(error) if isinstance(error, ParseError) else "it is not safe to read"
        raise MalformedAnswer(
            f"The answer is not the XML expected ({answer.kind}, {len(answer.body)} bytes):"
            f" {reason}.",
            endpoint=answer.url,
        ) from None
    if root.tag not in roots:
        raise MalformedAnswer(
            f"The answer is <{root.tag[:50]}> where <{roots[0]}> was expected.",
            endpoint=answer.url,
        )
    return root


def parse_bytes(body: bytes) -> Element:
    """
    Parse bytes with every dangerous feature of XML off.

    :param body: The document.
    :returns: The root element.
    """
    parser = DefusedXMLParser(target=_ShallowBuilder(), forbid_dtd=True)
    parser.feed(body)
    root: Element = parser.close()
    return root


def entries(element: Element, holder: str, tag: str) -> Iterator[Element]:
    """
    The values of a map, written as ``<holder><entry><string/><tag/></entry></holder>``.

    :param element: What holds the map.
    :param holder: The map's own element.
    :param tag: The element of a value.
    """
    return element.iterfind(f"{holder}/entry/{tag}")


def flag(element: Element, name: str) -> bool:
    """
    A boolean attribute.

    :param element: The element.
    :param name: The attribute's name.
    """
    return element.get(name, "").lower() == "true"


def whole(text: str | None) -> int | None:
    """
    Read a whole number.

    :param text: The text, or ``None``.
    :returns: The number, ``None`` for anything else or one beyond all reason.
    """
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else None


def moment(text: str | None) -> datetime | None:
    """
    Read a date such as ``2017-10-13 17:07:26.79 UTC``.

    What follows the dot is a count of milliseconds without leading zeros, so that is 79 ms
    (SlipStreamServer, the date format ``yyyy-MM-dd HH:mm:ss.S z``).

    :param text: The text, or ``None``.
    :returns: The moment with its zone, ``None`` for no date or an unknown zone.
    """
    try:
        day, clock, zone = (text or "").split()
        second, _, milliseconds = clock.partition(".")
        hours = timedelta(hours=_ZONES[zone])
        naive = datetime.fromisoformat(f"{day}T{second}")
        exact = naive + timedelta(milliseconds=int(milliseconds or 0))
    except (ValueError, KeyError):
        return None
    return exact.replace(tzinfo=timezone(hours) if hours else UTC)
