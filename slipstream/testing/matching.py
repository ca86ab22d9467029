"""When a request is the one that was recorded: else a matcher raises ``AssertionError``."""

from __future__ import annotations

import difflib
import json
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import ParseError, canonicalize

from vcr.request import Request  # type: ignore[import-untyped]

IGNORED_IN_QUERIES: Final = {
    # The driver sends another one with each read, to get past the cache of SlipStream's front
    # server, which is keyed by the whole address. The server itself never looks at it: SlipStream
    # 3.71 answers GET /run, /run/U and /run/U/ss:state alike with, without and with any other.
    "_": "a nonce against caches",
}
"""Parameters in the query of a GET that a server provably ignores, and what they are."""

WHOLE_LIST: Final = 1000
"""A page of SlipStream that ends here or later holds the whole list in every recording."""

_LONGEST_DIFF = 40


def address(request: Request, recorded: Request) -> None:
    """Compare methods and URLs, without the query."""
    # Each request is compared with each recorded one: most differ here, and nothing is parsed.
    _compare(_address(request), _address(recorded))


def query(request: Request, recorded: Request) -> None:
    """Compare queries, empty values included, in any order, without what servers ignore."""
    _compare(_query(request), _query(recorded))


def negotiation(request: Request, recorded: Request) -> None:
    """Compare the media types of what is accepted and of what is sent."""
    # The servers choose between XML, JSON and text by them, and take no form for one unless it is
    # called so to the letter.
    for name in ("accept", "content-type"):
        _compare(f"{name}: {_header(request, name)}", f"{name}: {_header(recorded, name)}")


def body(request: Request, recorded: Request) -> None:
    """Compare bodies by what they mean: JSON, a form, XML, or plain bytes."""
    _compare(_meaning(request), _meaning(recorded))


MATCHERS: Final = {"address": address, "query": query, "negotiation": negotiation, "body": body}


def _address(request: Request) -> str:
    return f"{request.method} {request.uri.partition('?')[0]}"


def _query(request: Request) -> list[tuple[str, str]]:
    ignored = IGNORED_IN_QUERIES if request.method == "GET" else {}
    pairs = _pairs(request.uri.partition("?")[2])
    return [pair for pair in pairs if pair[0] not in ignored]


@cache
def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(text, keep_blank_values=True)))


def _page_size(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    is_whole = name == "$last" and value.isdecimal() and int(value) >= WHOLE_LIST
    return (name, "all") if is_whole else pair


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name, "")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _meaning(request: Request) -> Any:
    content = bytes(request.body_bytes or b"")
    if not content:
        return content
    content_type = _header(request, "content-type")
    try:
        if "json" in content_type:
            return json.loads(content)
        if "x-www-form-urlencoded" in content_type:
            return [_page_size(pair) for pair in _pairs(content.decode())]
        return canonicalize(content.decode()) if "xml" in content_type else content
    except (ValueError, ParseError):
        return content


def _compare(request: Any, recorded: Any) -> None:
    if request == recorded:
        return
    diff = difflib.unified_diff(_lines(recorded), _lines(request), "recorded", "sent", lineterm="")
    raise AssertionError("\n".join([*diff][:_LONGEST_DIFF]))


def _lines(value: Any) -> list[str]:
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    if not isinstance(value, str):
        value = json.dumps(value, indent=1, sort_keys=True)
    return str(value).splitlines()
