"""JSON, XML and forms without the secrets in them, told by the names they stand under."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus
from xml.etree.ElementTree import Element

from slipstream.redaction.names import NAMING, VALUE_NAMES, announces_secret, squeezed
from slipstream.redaction.values import MASK

Text = Callable[[str], str]
"""What masks secrets in a text that stands under a harmless name."""


def masked_json(value: Any, text: Text) -> Any:
    """
    A JSON document without its secrets.

    :param value: The document, or a part of it.
    :param text: What masks secrets in a text.
    :returns: A copy of the same shape.
    """
    if isinstance(value, dict):
        return {text(key): _member(key, value, text) for key in value}
    if isinstance(value, list):
        return [masked_json(item, text) for item in value]
    return _leaf(value, text)


def _member(key: str, document: Mapping[str, Any], text: Text) -> Any:
    value, name = document[key], squeezed(key)
    announced = announces_secret(key) or (name in VALUE_NAMES and _names_a_secret(document))
    return _hidden(value) if announced else masked_json(value, text)


def _leaf(value: Any, text: Text) -> Any:
    if isinstance(value, str):
        return text(value)
    # A code of digits may have become a number on its way.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if text(str(value)) == str(value) else MASK
    return value


def _names_a_secret(document: Mapping[str, Any]) -> bool:
    return _is_password(document.get("type")) or _any_announces(document.items())


def _is_password(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower() == "password"


def _any_announces(members: Iterable[tuple[str, object]]) -> bool:
    return any(
        isinstance(value, str) and squeezed(_local(name)) in NAMING and announces_secret(value)
        for name, value in members
    )


def _hidden(value: Any) -> Any:
    """Whether there is something may show; what it is, and how much of it, may not."""
    empty = value is None or isinstance(value, bool) or value in ("", [], {})
    return value if empty else MASK


def masked_form(source: str, text: Text) -> str:
    """
    A form, or the query of a URL, without its secrets.

    :param source: ``name=value&...``, percent-encoded; what is harmless stays as it is written.
    :param text: What masks secrets in a text.
    :returns: The form.
    """
    fields = [field.partition("=") for field in source.split("&")]
    paired = _any_announces((unquote_plus(name), unquote_plus(value)) for name, _, value in fields)

    def masked(name: str, equals: str, value: str) -> str:
        plain = unquote_plus(name)
        announced = announces_secret(plain) or (paired and squeezed(plain) in VALUE_NAMES)
        shown = MASK if announced and value else _rewritten(value, text)
        return f"{_rewritten(name, text)}{equals}{shown}"

    return "&".join(masked(*field) for field in fields)


def _rewritten(encoded: str, text: Text) -> str:
    plain = unquote_plus(encoded)
    masked = text(plain)
    return encoded if masked == plain else quote_plus(masked, safe="*")


def mask_xml(element: Element, text: Text, *, secret: bool = False) -> None:
    """
    Mask the secrets of an XML document in place.

    :param element: The document's root, or a part of it.
    :param text: What masks secrets in a text.
    :param secret: Whether it is part of something that is a secret as a whole.
    """
    secret = secret or announces_secret(_local(element.tag))
    named = secret or _says_so(element)
    for name, value in element.attrib.items():
        hidden = secret or announces_secret(_local(name))
        hidden = hidden or (named and squeezed(_local(name)) in VALUE_NAMES)
        element.set(name, _masked(value, text, secret=hidden))
    element.text = _masked(element.text, text, secret=named)
    # A map is written as entries of a name and what stands under it.
    naming = [child for child in element if _announces(child)]
    for child in element:
        left = bool(naming) and child not in naming and not _says_so(child)
        mask_xml(child, text, secret=named or left)
        child.tail = _masked(child.tail, text, secret=named or bool(naming))


def _says_so(element: Element) -> bool:
    return _is_password(element.get("type")) or _any_announces(element.items())


def _announces(element: Element) -> bool:
    names = len(element) == 0 and squeezed(_local(element.tag)) in NAMING | {"string"}
    return names and announces_secret(element.text or "")


def _masked(value: str | None, text: Text, *, secret: bool) -> str:
    if not value or not value.strip():
        return value or ""
    return MASK if secret else text(value)


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]
