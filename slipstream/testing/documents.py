"""Taking secrets out of JSON, XML and forms by the names they stand under."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.redaction.names import VALUE_NAMES, squeezed
from slipstream.testing.cookies import distant
from slipstream.testing.names import CLIENT_ADDRESS, blanked, is_sensitive

Text = Callable[[str], str]

_NAMING: Final = ("name", "key", "id", "parameter")
_FORM = re.compile(r"[^\s=&?/<>{}\[\]\"']+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)*")


def clean_json(value: Any, text: Text) -> Any:
    """Take the secrets out of a parsed JSON document.

    :param value: the document or a part of it.
    :param text: what cleans a string that stands under a harmless name.
    :returns: a copy of the same shape.
    """
    if isinstance(value, dict):
        return {text(key): _member(key, value, text) for key in value}
    if isinstance(value, list):
        return [clean_json(item, text) for item in value]
    return text(value) if isinstance(value, str) else value


def _member(key: str, document: Mapping[str, Any], text: Text) -> Any:
    value, name = document[key], squeezed(key)
    if is_sensitive(key) or (name == "key" and "secret" in document):
        return _blanked_json(value)
    if isinstance(value, str):
        if name in VALUE_NAMES and _names_a_secret(document):
            return blanked(value)
        if name == "clientip":
            return CLIENT_ADDRESS
        if name == "expiry" and str(document.get("id")).startswith("session/"):
            return distant(value)
    return clean_json(value, text)


def _names_a_secret(document: Mapping[str, Any]) -> bool:
    names = (document.get(naming) for naming in _NAMING)
    return str(document.get("type", "")).lower() == "password" or any(
        isinstance(name, str) and is_sensitive(name) for name in names
    )


def _blanked_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _blanked_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blanked_json(item) for item in value]
    if isinstance(value, str):
        return blanked(value)
    return value if value is None or isinstance(value, bool) else 0


def clean_form(source: str, text: Text, *, certain: bool = False) -> str | None:
    """Take the secrets out of ``name=value&...``, as forms and queries have it.

    :param source: the text.
    :param text: what cleans a value that stands under a harmless name.
    :param certain: true if it is known to be a form, as a query is.
    :returns: the cleaned form, the very source if there was nothing to do, or ``None`` if it is
        no form.
    """
    if not certain and not _FORM.fullmatch(source):
        return None
    pairs = parse_qsl(source, keep_blank_values=True)
    paired = any(name == "secret" for name, _ in pairs)
    cleaned = [
        (
            text(name),
            blanked(value) if is_sensitive(name) or (paired and name == "key") else text(value),
        )
        for name, value in pairs
    ]
    return source if cleaned == pairs else urlencode(cleaned, quote_via=quote)


def clean_xml(source: str, text: Text) -> str | None:
    """Take the secrets out of an XML document.

    :param source: the document.
    :param text: what cleans a string that stands under a harmless name.
    :returns: the document written anew without comments, the very source if there was nothing
        to do, or ``None`` if it cannot be read, or declares entities.
    """
    try:
        root = fromstring(source)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    before = tostring(root)
    _clean_element(root, text, secret=False)
    after = tostring(root)
    return (
        source
        if after == before and "<!" not in source.replace("<![CDATA[", "")
        else (after.decode("ascii"))
    )


def _clean_element(element: Element, text: Text, *, secret: bool) -> None:
    tagged = secret or is_sensitive(_local(element.tag))
    named = tagged or _named_element(element)
    for name, value in element.attrib.items():
        blank = tagged or is_sensitive(_local(name))
        blank = blank or (named and squeezed(name) in VALUE_NAMES)
        element.set(name, blanked(value) if blank else text(value))
    element.text = _clean_text(element.text, text, secret=named)
    # A map is written as entries of a name and what stands under it.
    announced = named
    for child in element:
        _clean_element(child, text, secret=announced)
        child.tail = _clean_text(child.tail, text, secret=named)
        announced = announced or (
            _local(element.tag) == "entry" and is_sensitive(child.text or "")
        )


def _clean_text(value: str | None, text: Text, *, secret: bool) -> str | None:
    if not value or not value.strip():
        return value
    return blanked(value) if secret else text(value)


def _named_element(element: Element) -> bool:
    names = (element.get(naming, "") for naming in _NAMING)
    return element.get("type", "").lower() == "password" or any(map(is_sensitive, names))


def _local(name: str) -> str:
    return name.rpartition("}")[2]
