"""
Faults of responses, from a server or a proxy before it.

The suite for backends tries these on what a backend was sent, and so do the tests of the driver.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from email.utils import formatdate
from functools import partial
from html import escape
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

import attrs
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.transport import calls
from slipstream.values import parse_timestamp

HTML = b"<html><head><title>Sign in</title></head><body><h1>Welcome</h1></body></html>"
NO_TIME = "9999-99-99T99:99:99Z"
"""A date that cannot be."""
HUGE = 10**400
CONTROLS = "\x1b[31m\x85\x9b\r\n\u202e"

_DAY = 24 * 3600
_JSON = ("Content-Type", "application/json")
_XML = ("Content-Type", "application/xml")
_HTML = ("Content-Type", "text/html; charset=utf-8")


@attrs.frozen
class Reply:
    """
    A response as it is sent.

    :param status: Its status.
    :param headers: Its headers; one name may be there several times.
    :param body: Its body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first value of a header, empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


Change = Callable[[Reply], Reply]


@attrs.frozen
class Fault:
    """
    One way in which a response can be wrong.

    :param name: What is wrong.
    :param change: Makes the faulty response of the right one.
    :param replaces: Whether something else responds in place of the server.
    :param refusal: Whether it says that the server refuses.
    :param plausible: Whether a server could mean it, so that it may pass for the right one.
    """

    name: str
    change: Change
    replaces: bool = False
    refusal: bool = False
    plausible: bool = False


RESPONSE_FAULTS: list[Fault] = []
"""The faults of whole responses."""


def _replace(
    name: str, status: int, body: bytes = b"", *headers: tuple[str, str], plausible: bool = False
) -> None:
    reply = Reply(status, headers, body)
    refusal = 400 <= status < 500
    RESPONSE_FAULTS.append(Fault(name, lambda _: reply, True, refusal, plausible))


def _alter(name: str, *changes: Change) -> None:
    def change(reply: Reply) -> Reply:
        for step in changes:
            reply = step(reply)
        return reply

    RESPONSE_FAULTS.append(Fault(name, change))


def _with_header(name: str, value: str, *, twice: bool = False) -> Change:
    def change(reply: Reply) -> Reply:
        others = tuple(h for h in reply.headers if twice or h[0].lower() != name.lower())
        return attrs.evolve(reply, headers=(*others, (name, value)))

    return change


def _in_json(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Change every object of a JSON document."""

    def changed(reply: Reply) -> Reply:
        try:
            document = json.loads(reply.body, object_hook=change)
        except ValueError:
            return reply
        return attrs.evolve(reply, body=json.dumps(document).encode())

    return changed


def _in_body(pattern: bytes, replacement: bytes) -> Change:
    return lambda reply: attrs.evolve(reply, body=re.sub(pattern, replacement, reply.body))


def _setting(value: Any, *keys: str) -> Change:
    return _in_json(lambda d: {**d, **dict.fromkeys(keys & d.keys(), value)})


def _with_controls(document: dict[str, Any]) -> dict[str, Any]:
    keys = {"name", "state", "message"} & document.keys()
    return {**document, **{key: f"{document[key]}\x1b[31m\r\n" for key in keys}}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


for _code in (200, 201, 202, 300, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504):
    _replace(f"status {_code}", _code, HTML, _HTML)
for _code in (200, 201, 202, 204, 304, 404, 500, 503):
    _replace(f"empty {_code}", _code)
for _value in ("0", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "-5"):
    for _code in (429, 503):
        _name = f"{_code}, Retry-After {_value[:16]}"
        _replace(_name, _code, HTML, _HTML, ("Retry-After", _value))
for _name, _status, _body in (
    ("null", 200, b"null"),
    ("201 null", 201, b"null"),
    ("text", 200, b'"text"'),
    ("number", 200, b"17"),
    ("deep JSON", 200, b"[" * 100_000 + b"]" * 100_000),
    ("deep objects", 200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("JSON of no UTF-8", 200, b'{"id": "\xff\xfe\x80"}'),
    ("HTML", 200, HTML),
):
    _replace(f"JSON: {_name}", _status, _body, _JSON)
for _name, _status, _body in (
    ("list", 200, b"[]"),
    ("empty object", 200, b"{}"),
    ("lone surrogates", 200, b'{"id": "\\ud800", "message": "\\udfff"}'),
    ("NaN", 200, b'{"id": NaN, "count": 1e999}'),
    ("201 odd id", 201, b'{"resource-id": "../../../etc"}'),
):
    _replace(f"JSON: {_name}", _status, _body, _JSON, plausible=True)
for _body in (b"null", b"[]", b"{}", b'{"message": 7, "error": null}'):
    for _code in (409, 500):
        _replace(f"JSON: {_code} {_body.decode()}", _code, _body, _JSON)
for _name, _body in {
    "other element": b"<x/>",
    "deep XML": b"<a>" * 100_000 + b"</a>" * 100_000,
    "XML of no UTF-8": b"<runs>\xff\xfe</runs>",
    "cut XML": b"<runs><item",
    "entities": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "HTML": HTML,
}.items():
    _replace(f"XML: {_name}", 200, _body, _XML)
for _name, _value in {
    "another host": "http://example.org:1/elsewhere",
    "relative": "/elsewhere",
    "empty": "",
    "no URL": "http://[",
    "no UTF-8": "http://\xff\xfe/",
    "script": "javascript:alert(1)",
    "60 kB": "http://h/" + "x" * 60_000,
    "ESC": "http://h/\x1b[31m",
}.items():
    _replace(f"302 to {_name}", 302, b"", ("Location", _value))
_replace("301 without Location", 301)

_alter("two Content-Types", _with_header("Content-Type", "text/plain", twice=True))
_alter("two Dates", _with_header("Date", "x", twice=True))
_alter("body cut in half", lambda r: attrs.evolve(r, body=r.body[: len(r.body) // 2]))
_alter(
    "count null",
    _setting(None, "count"),
    _in_body(rb'(totalC|c)ount="\d+"', rb'\1ount=""'),
)
_alter(
    "count more", _setting(7000, "count"), _in_body(rb'otalCount="\d+"', b'otalCount="999999999"')
)
_alter(
    "no ids",
    _in_json(lambda d: {k: v for k, v in d.items() if k not in {"id", "resource-id"}}),
    _in_body(rb' (uuid|resourceUri|name)="[^"]*"', b""),
)
_alter("empty ids", _setting("", "id"), _in_body(rb' (uuid|resourceUri)="[^"]*"', rb' \1=""'))
_alter(
    "control characters",
    _in_json(_with_controls),
    _in_body(rb' (name|state|status)="([^"]*)"', rb' \1="\2&#x9b;31m&#10;"'),
)
_alter("values null", _in_json(dict.fromkeys))
_alter("values lists", _in_json(lambda d: {k: [v] for k, v in d.items()}))
_alter("numbers huge", _in_json(lambda d: {k: HUGE if _is_number(v) else v for k, v in d.items()}))
for _name, _id in {
    "elsewhere": "../../user/alice",
    "of control characters": "a\r\nb\x1b",
    "60 kB": "x" * 60_000,
    "of half a character": "\ud800",
    "a number": HUGE,
}.items():
    _text = escape(str(_id)[:2000]).encode("ascii", "xmlcharrefreplace")
    _alter(
        f"ids {_name}",
        _setting(_id, "id", "resource-id"),
        _in_body(rb' (uuid|resourceUri)="[^"]*"', rb' \1="%s"' % _text),
    )
_alter("201 as 200", lambda r: attrs.evolve(r, status=200 if r.status == 201 else r.status))
for _name, _date in {
    "two days ahead": formatdate(calls.now() + 2 * _DAY, usegmt=True),
    "two days behind": formatdate(calls.now() - 2 * _DAY, usegmt=True),
    "of the year 9999": "Fri, 31 Dec 9999 23:59:59 GMT",
}.items():
    _alter(f"Date {_name}", _with_header("Date", _date))
_alter(
    "odd cookies",
    _with_header("Set-Cookie", "a=b; Expires=Fri, 99 Foo 99999 99:99:99; Domain=\xff"),
)


# Faults of single fields.

_MISSING = object()


def field_faults(reply: Reply, most: int) -> Iterable[Fault]:
    """
    Find faults in the single fields of a document, JSON or XML, and in the header ``Location``.

    Of the entries of a list the first is tried.

    :param reply: The right response.
    :param most: How many faults at most; of more, some are chosen, always the same ones.
    """
    faults = [*_in_location(reply), *_in_document(reply)]
    return random.Random(0).sample(faults, most) if len(faults) > most else faults  # noqa: S311


def _in_location(reply: Reply) -> Iterator[Fault]:
    if reply.header("location"):
        others = tuple(h for h in reply.headers if h[0].lower() != "location")
        yield Fault("without Location", lambda r: attrs.evolve(r, headers=others))
        for value in ("", "http://elsewhere.example/x/1", "../../x"):
            yield Fault(f"Location {value!r}", _with_header("Location", value))


def _in_document(reply: Reply) -> Iterator[Fault]:
    try:
        document: Any = json.loads(reply.body)
    except ValueError:
        try:
            root: Element = fromstring(reply.body)
        except (ParseError, DefusedXmlException, ValueError):
            return
        for name, element in _faulty_elements(root):
            yield Fault(name, partial(_with_body, partial(tostring, element)))
    else:
        for name, value in _faulty_values(document):
            yield Fault(name, partial(_with_body, partial(json.dumps, value)))


def _with_body(write: Callable[[], str | bytes], reply: Reply) -> Reply:
    body = write()
    return attrs.evolve(reply, body=body if isinstance(body, bytes) else body.encode())


def _faulty_values(value: Any) -> Iterator[tuple[str, Any]]:
    """A value of a JSON document with a fault in one of its items, and the name of the fault."""
    items = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        items = list(enumerate(value[:1]))
    for key, right in items:
        wrong = [(f" is {what}", item) for what, item in _wrong(right).items()]
        for name, item in [*wrong, *_faulty_values(right)]:
            faulty = value.copy()
            faulty[key] = item
            if item is _MISSING:
                del faulty[key]
            yield f"[{key!r}]{name}", faulty


def _wrong(value: Any) -> Mapping[str, Any]:
    """The wrong values instead of a value of JSON."""
    wrong: dict[str, Any] = {"missing": _MISSING, "null": None}
    if isinstance(value, str):
        wrong |= {"a number": 7, "a list": [value], "empty": "", "half a character": "\ud800"}
        wrong["control characters"] = CONTROLS
        if parse_timestamp(value) is not None:
            wrong["no date"] = NO_TIME
    elif isinstance(value, list):
        wrong |= {"an object": {"0": value}, "a list of null": [None], "a text": "text"}
    elif isinstance(value, dict):
        wrong |= {"a list": [value], "a text": "text"}
    else:
        wrong |= {"a text": "many", "huge": HUGE, "negative": -1, "not a number": float("nan")}
    return wrong


def _faulty_elements(element: Element) -> Iterator[tuple[str, Element]]:
    """An element of XML with a fault in its attributes, text or children, and the fault's name."""
    name = element.tag
    for key, right in element.attrib.items():
        for what, wrong in _wrong_text(right).items():
            faulty = copy(element)
            others = {k: v for k, v in element.attrib.items() if k != key}
            faulty.attrib = others if wrong is None else {**others, key: wrong}
            yield f"@{key} of {name} is {what}", faulty
    if text := (element.text or "").strip():
        for what, wrong in _wrong_text(text).items():
            faulty = copy(element)
            faulty.text = wrong
            yield f"the text of {name} is {what}", faulty
    first = {child.tag: number for number, child in reversed(list(enumerate(element)))}
    for tag, number in first.items():
        child = element[number]
        wrong_children = [
            (f"{tag} in {name} is missing", []),
            (f"{tag} in {name} is there twice", [child, child]),
            *((what, [faulty]) for what, faulty in _faulty_elements(child)),
        ]
        for what, children in wrong_children:
            faulty = copy(element)
            faulty[number : number + 1] = children
            yield what, faulty


def _wrong_text(value: str) -> Mapping[str, str | None]:
    wrong = {"missing": None, "empty": "", "another": "other", "control characters": "\x85\x9b\n"}
    if value.strip().lstrip("-").replace(".", "", 1).isdigit():
        wrong |= {"huge": str(HUGE), "negative": "-1"}
    if parse_timestamp(value) is not None:
        wrong["no date"] = NO_TIME
    return wrong
