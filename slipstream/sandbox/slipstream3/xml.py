"""
Reading and writing XML, and the responses of the XML service.

Source: SlipStreamServer, jar-service RootApplication.java and CommonStatusService.java.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from operator import attrgetter
from typing import Any, Literal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask import Response, get_template_attribute, request
from jinja2 import StrictUndefined
from markupsafe import Markup

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


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    return java_timestamp(value) if isinstance(value, datetime) else str(value)


def _attributes(source: object, table: str) -> Markup:
    """
    Write the attributes of a table, without those that are None. The table has ``attribute``, or
    ``name=path.of.attributes`` for another name.
    """
    written = ""
    for name, _, path in (item.partition("=") for item in table.split()):
        value = attrgetter(path or name)(source)
        if value is not None:
            written += f" {name}={quoteattr(_clean(_text(value)), _APOSTROPHE)}"
    return Markup(written)  # noqa: S704 - they are escaped


def _clean(value: Any) -> Any:
    """Remove the characters that XML cannot have."""
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


def exported(xml: str) -> str:
    """Apply the stylesheet of ``/module`` to a document."""
    root = read_xml(xml.encode())
    del root.attrib["name"]
    for part in root.iter():
        part.attrib.pop("resourceUri", None)
        part.attrib.pop("class", None)
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root, encoding="unicode")


class XmlProblem(Exception):
    """A refusal of the XML service; without a message, it has the server's standard sentence."""

    def __init__(self, status: int, detail: str = "", *, allow: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail or _SENTENCES.get(status, HTTPStatus(status).phrase)
        self.allow = allow
        self.reason = HTTPStatus(status).phrase
        self.specification = f"{_RFC}#sec10.{status // 100}.{status % 100 + 1}"

    @property
    def line(self) -> str:
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
    "html": "text/html;charset=utf-8",
    "txt": "text/plain;charset=utf-8",
}


def accepted_kind() -> Kind | None:
    """The preferred type of response; None if the request has no preference."""
    for mimetype, _ in request.accept_mimetypes:
        if mimetype == "*/*":
            break
        if mimetype in _KINDS:
            return _KINDS[mimetype]
    return None


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


def show(xml: str, *, default: Kind = "xml") -> Response:
    """Respond with a document in XML; other types are not implemented."""
    kind = accepted_kind() or default
    if kind != "xml":
        raise XmlProblem(501, f"{request.path} in other forms than XML is not played.")
    return respond(xml, kind)


def refuse(problem: XmlProblem) -> Response:
    kind = accepted_kind()
    head = f"{problem.status} - {problem.reason}"
    if kind == "xml" and "text/xml" not in request.accept_mimetypes.values():
        content = str(render("error", problem))
    elif kind == "txt":
        content = f"{head}\n{problem.detail}"
    else:
        kind = "html"
        content = f"<h1>{escape(head)}</h1><p>{escape(problem.detail)}</p>"
    response = respond(content, kind, problem.status)
    if problem.allow:
        response.headers["Allow"] = problem.allow
    return response
