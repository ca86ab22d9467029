"""Whether a change was made, as far as the response to its request tells."""

from __future__ import annotations

from collections.abc import Collection

from slipstream.errors import AnswerLost
from slipstream.session import Session
from slipstream.transport.messages import Response


def require_status(
    session: Session, response: Response, statuses: Collection[int], *, doing: str, hint: str
) -> None:
    """
    Make sure that a change was confirmed as the server confirms it: by a status and no body.

    Proxies and captive portals respond instead of the server, with pages of status 200 at times.

    :raises AnswerLost: If the response does not say that the change was made.
    """
    if response.status not in statuses or response.body.strip():
        raise unconfirmed(session, response, doing=doing, hint=hint)


def unconfirmed(session: Session, response: Response, *, doing: str, hint: str) -> AnswerLost:
    """Make the exception for a response that leaves open whether a change was made."""
    error = AnswerLost(
        f"Cannot {doing}: HTTP {response.status} with {len(response.body)} bytes"
        f" ({response.kind}) does not say whether it was done.",
        endpoint=session.endpoint.url,
        hint=hint,
    )
    error.code = response.status
    return error
