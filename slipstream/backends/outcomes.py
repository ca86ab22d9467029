"""Whether a change was made, as far as the response to its request tells."""

from __future__ import annotations

from collections.abc import Collection

from slipstream.errors import AnswerLost
from slipstream.session import Session
from slipstream.transport.messages import Response


def require_status(
    session: Session,
    response: Response,
    statuses: Collection[int],
    *,
    doing: str,
    hint: str,
    has_body: bool = False,
) -> None:
    """
    Make sure that a change was confirmed as the server confirms it.

    Proxies and captive portals respond instead of the server, with pages of status 200 at times.

    :param session: The session that sent the request.
    :param response: The response to the change.
    :param statuses: The statuses by which the server says that the change was made.
    :param doing: What is being done, in words that go after "Cannot".
    :param hint: How to find out whether it was done.
    :param has_body: Whether the server says more than the status.
    :raises AnswerLost: If the response does not say that the change was made.
    """
    if response.status not in statuses or (response.body.strip() and not has_body):
        raise unconfirmed(session, response, doing=doing, hint=hint)


def unconfirmed(session: Session, response: Response, *, doing: str, hint: str) -> AnswerLost:
    """
    Make the exception for a response that leaves open whether a change was made.

    :param session: The session that sent the request.
    :param response: The response.
    :param doing: What was being done, in words that go after "Cannot".
    :param hint: How to find out whether it was done.
    :returns: The exception, not raised.
    """
    error = AnswerLost(
        f"Cannot {doing}: HTTP {response.status} with {len(response.body)} bytes"
        f" ({response.kind}) does not say whether it was done.",
        endpoint=session.endpoint.url,
        hint=hint,
    )
    error.code = response.status
    return error
