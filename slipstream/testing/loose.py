"""Taking secrets out of text that no parser reads: prose, pages, documents cut short."""

from __future__ import annotations

import re

from slipstream.redaction.names import VALUE_NAMES, squeezed
from slipstream.testing.names import SCRUBBED, blanked, is_sensitive

# The quantifiers are possessive: an answer of megabytes has to be read in one go.
_NAME = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-]++)\\*+[\"']?+\s*+[=:]\s*+\\*+")
_VALUE = re.compile(
    r"\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?|[^\s\"'&,;<>{}\[\]]++",
    re.DOTALL,
)
_TAG = re.compile(r"<(?P<name>[A-Za-z][\w.:\-]*)(?P<attributes>[^<>]*)>")
_ATTRIBUTE = re.compile(r"(?P<name>[\w.:\-]+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'/]+)")


def clean_assignments(text: str) -> str:
    """Blank what follows ``password=``, ``"secret":`` and their like.

    :param text: any text.
    :returns: the text, its quotes as they were.
    """
    cleaned, position = [], 0
    for name in _NAME.finditer(text):
        value = _VALUE.match(text, name.end())
        if value and name.start() >= position and is_sensitive(name["name"]):
            cleaned += [text[position : name.end()], _requoted(value[0])]
            position = value.end()
    return "".join([*cleaned, text[position:]])


def _requoted(value: str) -> str:
    quote = value[0] if value[0] in "\"'" else ""
    closed = quote if len(value) > 1 and value.endswith(quote) else ""
    return quote + blanked(value.removeprefix(quote).removesuffix(closed)) + closed


def clean_markup(text: str) -> str:
    """Blank secrets in XML or HTML that is not well formed.

    :param text: text with tags.
    :returns: the text without sensitive attributes, and without what sensitive elements hold.
    """
    cleaned, position = [], 0
    while tag := _TAG.search(text, position):
        cleaned += [text[position : tag.start()], _clean_tag(tag)]
        position = tag.end()
        if _is_sensitive_tag(tag) and not tag["attributes"].endswith("/"):
            position = _end_of(tag["name"], text, position)
            cleaned.append(SCRUBBED)
    return "".join([*cleaned, text[position:]])


def _end_of(name: str, text: str, position: int) -> int:
    end = text.find(f"</{name}", position)
    return len(text) if end < 0 else end


def _attributes(tag: re.Match[str]) -> dict[str, str]:
    return {
        hit["name"].lower(): hit["value"].strip("\"'")
        for hit in _ATTRIBUTE.finditer(tag["attributes"])
    }


def _is_sensitive_tag(tag: re.Match[str]) -> bool:
    attributes = _attributes(tag)
    names = [tag["name"], *(attributes.get(naming, "") for naming in ("name", "key", "id"))]
    void = tag["name"].lower() in {"input", "meta", "link", "img", "br"}
    secret = attributes.get("type", "").lower() == "password" or any(map(is_sensitive, names))
    return secret and not void


def _clean_tag(tag: re.Match[str]) -> str:
    attributes = _attributes(tag)
    announced = attributes.get("type", "").lower() == "password" or any(
        is_sensitive(attributes.get(naming, "")) for naming in ("name", "key", "id")
    )

    def clean(hit: re.Match[str]) -> str:
        name = hit["name"]
        secret = is_sensitive(name) or (announced and squeezed(name) in VALUE_NAMES)
        return f"{name}={_requoted(hit['value'])}" if secret else hit[0]

    return f"<{tag['name']}{_ATTRIBUTE.sub(clean, tag['attributes'])}>"
