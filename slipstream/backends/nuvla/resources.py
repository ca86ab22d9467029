"""Single resources, read without trusting that the response is one."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from slipstream.backends.nuvla.dialect import get
from slipstream.backends.nuvla.ids import is_id
from slipstream.errors import MalformedAnswer, RequestFailed
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport.messages import Request, Response

DONE = expect(200, b"{}")
"""Gives the response to a change that is done, for dry runs."""

_UNCLEAR = {408, 500, 502, 503, 504}
"""Statuses after which a change may have been carried out all the same."""


def change(
    session: Session,
    request: Request,
    *,
    doing: str,
    success: int,
    allow: Collection[int] = (),
    renewable: bool = True,
) -> Response:
    """
    Send a request that changes something; it is done only when the server's own response says so.

    :param session: The logged-in session.
    :param request: The request.
    :param doing: What is being done, in words that go after "Cannot".
    :param success: The status of the response when it is done; its body is a JSON object
        that repeats the status, or the resource.
    :param allow: Error statuses that the caller wants to see for itself.
    :param renewable: See :meth:`Session.send`.
    :raises MalformedAnswer: If something else answered, such as the page of a proxy.
    """
    try:
        response = session.send(request, doing=doing, allow=allow, renewable=renewable)
    except RequestFailed as error:
        error.may_have_happened = error.code in _UNCLEAR
        raise
    if response.status in allow:
        if response.status == HTTPStatus.NOT_FOUND and not (response.body or session.is_dry_run):
            raise session.refusal(response, doing=doing)  # the server says what is missing
        return response
    try:
        document = response.json()
    except MalformedAnswer:
        document = None
    says_so = isinstance(document, dict) and (
        document.get("status") == success or is_id(document.get("id")) or session.is_dry_run
    )
    if response.status != success or not says_so:
        failure = MalformedAnswer(
            f"Cannot {doing}: the response is not the server's (HTTP {response.status},"
            f" {response.kind}), so it may or may not have been done.",
            endpoint=session.endpoint.url,
            hint="Look whether it has happened before you try again.",
        )
        failure.may_have_happened = True
        raise failure
    return response


def read_resource(
    session: Session, name: str, select: str | None = None, *, doing: str
) -> dict[str, Any]:
    """Read one resource."""
    return resource(session, session.send(get(name, select), doing=doing), doing)


def resource(session: Session, response: Response, doing: str) -> dict[str, Any]:
    """The resource that a response holds."""
    document = response.json()
    if not isinstance(document, dict) or not is_id(document.get("id")):
        raise MalformedAnswer(
            f"Cannot {doing}: the response is not a resource.", endpoint=session.endpoint.url
        )
    return document


def reference(session: Session, response: Response, key: str, collection: str, doing: str) -> str:
    """The id that a response gives for what was made or begun."""
    document = response.json()
    identifier = document.get(key) if isinstance(document, dict) else None
    if not is_id(identifier, collection):
        error = MalformedAnswer(
            f"Cannot {doing}: the response does not say where to find what was made.",
            endpoint=session.endpoint.url,
        )
        error.may_have_happened = True
        raise error
    return str(identifier)
