"""
How the XML service writes its responses: by ``Accept``, or by ``?media=``.

Source: SlipStreamServer, jar-service RootApplication.java and CommonStatusService.java.
"""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Literal

from flask import Response, json, request

from slipstream.sandbox.pages import blog
from slipstream.sandbox.slipstream3.xml import Element, XmlProblem

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


def accepted_kind(offered: Collection[Kind], default: Kind, *, text_xml: bool = True) -> Kind:
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


def text(content: str, *, status: int = 200) -> Response:
    """A response of bare text."""
    return Response(content, status, content_type=_TYPES["txt"])


def empty(status: int, *, location: str | None = None) -> Response:
    """A response without a body; the location is an absolute address."""
    response = Response(b"", status)
    response.autocorrect_location_header = False
    response.headers.pop("Content-Type", None)
    if location:
        response.headers["Location"] = location
    return response


def show(
    element: Element,
    *,
    default: Kind = "xml",
    has_json: bool = False,
    plain: Element | None = None,
    declaration: str = "",
) -> Response:
    """Respond with a document."""
    offered: set[Kind] = {"xml", "html"}
    if has_json:
        offered.add("json")
    if plain is not None:
        offered.add("txt")
    kind = accepted_kind(offered, default)
    content = declaration + element.xml()
    if kind == "json":
        content = json.dumps({element.name: element.json()})
    elif kind == "html":
        content = page(element.name, f"<pre>{escape(element.xml())}</pre>")
    elif kind == "txt" and plain is not None:
        content = plain.xml()
    return Response(content, content_type=_TYPES[kind])


def page(title: str, body: str = "") -> str:
    """A page for browsers, in place of the server's own."""
    return (
        f"<!DOCTYPE html>\n<html><head><title>{escape(title)}</title></head>"
        f"<body>{body}</body></html>\n"
    )


def html_page(title: str) -> Response:
    """A response for browsers."""
    return Response(page(title), content_type=_TYPES["html"])


def site(title: str) -> Response:
    """The page of a blog that was deployed."""
    return Response(blog(title), content_type=_TYPES["html"])


def refuse(problem: XmlProblem) -> Response:
    """A response that refuses."""
    kind = accepted_kind(["html", "json", "txt", "xml"], "html", text_xml=False)
    head = f"{problem.status} - {problem.reason}"
    content = {
        "xml": problem.element().xml(),
        "json": _json_error(problem),
        "txt": f"{head}\n{problem.detail}",
        "html": page(head, f"<h1>{escape(head)}</h1><p>{escape(problem.detail)}</p>"),
    }[kind]
    response = Response(content, problem.status, content_type=_TYPES[kind])
    if problem.allow:
        response.headers["Allow"] = problem.allow
    return response


def _json_error(problem: XmlProblem) -> str:
    # The server pastes the message into JSON as it is, so a quote in it breaks the document.
    fields = {
        "code": problem.status,
        "reason": problem.reason,
        "detail": problem.detail,
        "specificationUri": problem.specification,
    }
    lines = ",\n".join(f'        "{name}": "{value}"' for name, value in fields.items())
    return f'{{\n    "error": {{\n{lines}\n    }}\n}}'
