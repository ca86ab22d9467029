"""
Reading and writing XML, the JSON made from it, and the responses of the XML service.

Source: SlipStreamServer, jar-service RootApplication.java and CommonStatusService.java.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from operator import attrgetter
from typing import Any, Literal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask import Response, get_template_attribute, json, request
from jinja2 import StrictUndefined
from markupsafe import Markup

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d+)?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_APOSTROPHE = {"'": "&apos;"}
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


def _attributes(source: object, table: str) -> Markup:
    """Write the attributes that a table names; those that are None are left out."""
    values = attributes_of(source, table).items()
    texts = {name: _clean(_text(value)) for name, value in values if value is not None}
    attributes = (f" {name}={quoteattr(text, _APOSTROPHE)}" for name, text in texts.items())
    return Markup("".join(attributes))  # noqa: S704 - they are escaped


def _clean(value: Any) -> Any:
    """Take out of a text what XML has no sign for."""
    return _NOT_XML.sub("", value) if type(value) is str else value


def _cdata(text: str) -> Markup:
    return Markup(f"<![CDATA[{_clean(text).replace(']]>', ']]]]><![CDATA[>')}]]>")  # noqa: S704


FILTERS = {"attributes": _attributes, "cdata": _cdata}
"""What the templates of the documents use."""
TEMPLATES = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "finalize": _clean,
    "undefined": StrictUndefined,
}
"""How the templates are read."""


def render(name: str, *values: object) -> Markup:
    document: Markup = get_template_attribute("documents.xml", name)(*values)
    return document.strip()


def as_json(element: ET.Element, *, guesses: bool) -> Any:
    """
    What the server's mechanical translation makes of an element: attributes like numbers become
    numbers, and texts too, but for those of CDATA sections.
    """
    text = (element.text or "") if len(element) == 0 else ""
    text = text if text.strip() else ""
    content = _guess(text) if guesses else text
    if not element.attrib and len(element) == 0:
        return content
    translated = {name: _guess(value) for name, value in element.attrib.items()}
    for name in dict.fromkeys(child.tag for child in element):
        values = [as_json(child, guesses=guesses) for child in element.findall(name)]
        translated[name] = values[0] if len(values) == 1 else values
    return translated | ({"content": content} if text else {})


def exported(xml: str) -> str:
    """Do what the stylesheet of ``/module`` does to a document."""
    root = read_xml(xml.encode())
    del root.attrib["name"]
    for part in root.iter():
        part.attrib.pop("resourceUri", None)
        part.attrib.pop("class", None)
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root, encoding="unicode")


def _guess(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if re.search(r"[.eE]", text) else int(text)
    return text


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
    def line(self) -> str:
        """The message in one line."""
        return self.detail.replace("\n", " ")


def read_xml(body: bytes) -> ET.Element:
    """Parse a document, entities off."""
    try:
        root: ET.Element = fromstring(body)
    except (ET.ParseError, DefusedXmlException, ValueError):
        raise XmlProblem(400, "Invalid xml document") from None
    return root


Kind = Literal["xml", "json", "html", "txt"]
_KINDS: dict[str, Kind] = {
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json": "json",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "txt",
}
_TYPES: dict[Kind, str] = {
    "xml": "application/xml; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
    "html": "text/html;charset=utf-8",
    "txt": "text/plain;charset=utf-8",
}


def _accepted_kind(offered: Collection[Kind], default: Kind, *, text_xml: bool = True) -> Kind:
    """Choose a variant for the request; where nothing fits, there is a default, never a 406."""
    media = request.args.get("media")
    for kind in offered:
        if kind == media:
            return kind
    for mimetype, _ in request.accept_mimetypes:
        chosen = _KINDS.get(mimetype)
        if mimetype == "*/*":
            break
        if chosen and chosen in offered and (text_xml or mimetype != "text/xml"):
            return chosen
    return default


def prefers_html() -> bool:
    """Whether the sender is a browser, which is sent to the login where a program is refused."""
    kinds = [_KINDS[mimetype] for mimetype, _ in request.accept_mimetypes if mimetype in _KINDS]
    return kinds[:1] == ["html"]


def respond(content: str, kind: Kind, status: int = 200) -> Response:
    return Response(content, status, content_type=_TYPES[kind])


def empty(status: int, *, location: str | None = None) -> Response:
    """A response without a body; the location is an absolute address."""
    response = Response(b"", status)
    response.autocorrect_location_header = False
    response.headers.pop("Content-Type", None)
    if location:
        response.headers["Location"] = location
    return response


def show(
    xml: str, *more: Kind, default: Kind = "xml", plain: str = "", guesses: bool = False
) -> Response:
    """Respond with a document as XML, as a page for browsers, or in more ways."""
    kind = _accepted_kind(("xml", "html", *more), default)
    content = xml
    if kind == "json":
        root = read_xml(xml.encode())
        content = json.dumps({root.tag: as_json(root, guesses=guesses)})
    elif kind == "html":
        content = page(request.path, f"<pre>{escape(str(xml))}</pre>")
    elif kind == "txt":
        content = plain or xml
    return respond(content, kind)


def page(title: str, body: str = "") -> str:
    """A page for browsers, in place of the server's own."""
    head = f"<head><title>{escape(title)}</title></head>"
    return f"<!DOCTYPE html>\n<html>{head}<body>{body}</body></html>\n"


def refuse(problem: XmlProblem) -> Response:
    kind = _accepted_kind(("html", "json", "txt", "xml"), "html", text_xml=False)
    head = f"{problem.status} - {problem.reason}"
    content = page(head, f"<h1>{escape(head)}</h1><p>{escape(problem.detail)}</p>")
    if kind == "json":
        # The server pastes the message into JSON as it is: a quote in it breaks the document.
        table = "code=status reason detail specificationUri=specification"
        values = attributes_of(problem, table).items()
        lines = ",\n".join(f'        "{name}": "{value}"' for name, value in values)
        content = f'{{\n    "error": {{\n{lines}\n    }}\n}}'
    elif kind != "html":
        content = render("error", problem) if kind == "xml" else f"{head}\n{problem.detail}"
    response = respond(content, kind, problem.status)
    if problem.allow:
        response.headers["Allow"] = problem.allow
    return response
