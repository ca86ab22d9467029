"""
How the XML service words its answers: by ``Accept``, or by ``?media=``.

Source: SlipStreamServer, jar-service RootApplication.java and CommonStatusService.java.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

from flask import Request, Response, json

from slipstream.sandbox.pages import blog
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.xmltext import Element

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
    "html": "text/html; charset=UTF-8",
    "txt": "text/plain; charset=UTF-8",
}


def wanted_kind(request: Request, offered: Sequence[Kind]) -> Kind:
    """
    Choose how to answer.

    :param request: The request.
    :param offered: What there is; the first is taken when nothing is wanted in particular, and
        also when nothing fits, for this server never answers 406.
    :returns: The kind.
    """
    media = request.args.get("media")
    for kind in offered:
        if kind == media:
            return kind
    for mimetype, _ in request.accept_mimetypes:
        if mimetype == "*/*":
            break
        found = _KINDS.get(mimetype)
        if found is not None and found in offered:
            return found
    return offered[0]


def text(content: str, *, status: int = 200) -> Response:
    """
    Answer with bare text.

    :param content: The text.
    :param status: The HTTP status.
    :returns: The response.
    """
    return Response(content, status, content_type="text/plain; charset=UTF-8")


def empty(status: int, *, location: str | None = None) -> Response:
    """
    Answer without a body.

    :param status: The HTTP status.
    :param location: An absolute address to name.
    :returns: The response.
    """
    response = Response(b"", status)
    response.autocorrect_location_header = False
    response.headers.pop("Content-Type", None)
    if location:
        response.headers["Location"] = location
    return response


def show(
    request: Request, element: Element, *, json_too: bool = False, declaration: str = ""
) -> Response:
    """
    Answer with a document.

    :param request: The request.
    :param element: The document.
    :param json_too: Whether there is a JSON variant.
    :param declaration: What stands before the XML.
    :returns: The response.
    """
    offered: list[Kind] = ["xml", "json", "html"] if json_too else ["xml", "html"]
    kind = wanted_kind(request, offered)
    if kind == "json":
        content = json.dumps({element.name: element.json()})
    elif kind == "html":
        content = _page(element.name, f"<pre>{escape(element.xml())}</pre>")
    else:
        content = declaration + element.xml()
    return Response(content, content_type=_TYPES[kind])


def _page(title: str, body: str) -> str:
    return (
        f"<!DOCTYPE html>\n<html><head><title>{escape(title)}</title></head>"
        f"<body>{body}</body></html>\n"
    )


def refuse(request: Request, problem: XmlProblem) -> Response:
    """
    Answer with a refusal.

    :param request: The request.
    :param problem: The refusal.
    :returns: The response.
    """
    kind = wanted_kind(request, ["html", "json", "txt", "xml"])
    head = f"{problem.status} - {problem.reason}"
    content = {
        "xml": problem.element().xml(),
        "json": _json_error(problem),
        "txt": f"{head}\n{problem.detail}",
        "html": _page(head, f"<h1>{escape(head)}</h1><p>{escape(problem.detail)}</p>"),
    }[kind]
    return Response(content, problem.status, content_type=_TYPES[kind])


def _json_error(problem: XmlProblem) -> str:
    # The server pastes the message into JSON as it is, so a quote in it breaks the document.
    return (
        f'{{"error": {{"code": "{problem.status}", "reason": "{problem.reason}", '
        f'"detail": "{problem.detail}", "specificationUri": "{problem.specification}"}}}}'
    )


def site_page(title: str) -> Response:
    """
    Answer as the blog that was deployed.

    :param title: Its title.
    :returns: The response.
    """
    return Response(blog(title))
