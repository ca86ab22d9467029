"""XML of the servers' older half, parsed without trusting it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from slipstream.errors import MalformedAnswer
from slipstream.transport.messages import Response

_TAG = re.compile(
    r"</?(?:a|b|br|code|div|em|h[1-6]|i|li|p|pre|span|strong|u|ul)\b[^<>]*>", re.IGNORECASE
)


def without_markup(text: str) -> str:
    """
    Take tags and entities out of a reason that the server wrote for its web pages.

    :param text: The reason, as in ``edit your <a href='/user/alice'> user account</a>``.
    """
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def parse(response: Response, *roots: str) -> Element:
    """
    Parse a response.

    :param response: The response.
    :param roots: The names that the root element may have.
    :returns: The root element.
    :raises MalformedAnswer: If it is no such document.
    """
    root = response.xml()
    if root.tag not in roots:
        raise MalformedAnswer(
            f"The answer is <{root.tag[:50]}> where <{roots[0]}> was expected.",
            endpoint=response.url,
        )
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
