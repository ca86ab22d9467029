"""
How the XML service writes its responses: by ``Accept``, or by ``?media=``.

Source: SlipStreamServer, jar-service RootApplication.java and CommonStatusService.java.
"""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Literal

from flask import Response, json, request

from slipstream.sandbox.slipstream3.xml import (
    XmlProblem,
    as_json,
    attributes_of,
    read_xml,
    render,
)

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
    """A response of a type."""
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
    """A response that refuses."""
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
