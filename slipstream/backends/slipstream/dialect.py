"""The XML half of the API: its documents, and what confirms a change there."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection
from xml.etree.ElementTree import Element

from slipstream.backends.cimi import unconfirmed
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.transport.messages import Request, Response

XML = {"Accept": "application/xml"}
_TAG = re.compile(
    r"</?(?:a|b|br|code|div|em|h[1-6]|i|li|p|pre|span|strong|u|ul)\b[^<>]*>", re.IGNORECASE
)


def read(
    session: Session, request: Request, *, doing: str, allow: Collection[int] = ()
) -> Response:
    """Send a read, whose response is not empty."""
    response = session.send(request, doing=doing, allow=allow)
    if not response.body and response.status < 400:
        raise MalformedAnswer(
            "The response is empty.",
            endpoint=response.url,
            hint="An account that was deleted gets empty responses to everything.",
        )
    return response


def read_xml(
    session: Session,
    path: str,
    *roots: str,
    doing: str,
    query: tuple[tuple[str, str], ...] = (),
    expects: Callable[[], Response] | None = None,
) -> Element:
    """Read an XML document, whose root element must have one of some names."""
    request = Request(
        method="GET", path=path, query=query, headers=XML, repeatable=True, expects=expects
    )
    response = read(session, request, doing=doing)
    root = response.xml()
    if root.tag not in roots:
        raise MalformedAnswer(
            f"The response is <{root.tag[:50]}> where <{roots[0]}> was expected.",
            endpoint=response.url,
        )
    return root


def require_status(response: Response, *statuses: int, doing: str, hint: str) -> None:
    """
    Make sure that the server has confirmed a change: by a status and no body.

    Proxies and captive portals respond instead of the server, with pages of status 200 at times.
    """
    if response.status not in statuses or response.body.strip():
        raise unconfirmed(response, doing=doing, hint=hint)


def whole(text: str | None) -> int | None:
    """A whole number of at most nine digits, ``None`` for anything else."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else None


def without_markup(text: str | None) -> str | None:
    """A reason that the server wrote for its web pages, without tags; ``None`` if it is empty."""
    return (text and " ".join(html.unescape(_TAG.sub(" ", text)).split())) or None
