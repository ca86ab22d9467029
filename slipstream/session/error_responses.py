"""From an answer with an error status to the exception that tells the user what it means."""

from __future__ import annotations

from http import HTTPStatus

from slipstream.errors import (
    Conflict,
    Forbidden,
    InvalidCredentials,
    NotFound,
    RateLimitReached,
    RequestFailed,
    ServiceUnavailable,
)
from slipstream.transport.messages import Response
from slipstream.values.text import safe_text

_MEANING: dict[int, tuple[type[RequestFailed], str | None]] = {
    401: (InvalidCredentials, "Log in again with a new driver."),
    403: (Forbidden, "Check that this account may do it."),
    404: (NotFound, None),
    409: (Conflict, None),
    429: (RateLimitReached, "Wait a moment, then try again."),
    502: (ServiceUnavailable, "Try again later."),
    503: (ServiceUnavailable, "Try again later."),
    504: (ServiceUnavailable, "Try again later."),
}


def refusal(
    response: Response,
    *,
    doing: str,
    endpoint: str,
    detail: str | None,
    hint: str | None = None,
    error: type[RequestFailed] | None = None,
) -> RequestFailed:
    """
    The exception for an answer with an error status.

    :param response: The response.
    :param doing: What was being done, to go after "Cannot".
    :param endpoint: The address of the server.
    :param detail: The server's own words, if it had any that may be shown.
    :param hint: What the reader can do next, when more is known than the status tells.
    :param error: The class of the exception, when not the usual one of the status.
    :returns: The exception, not raised.
    """
    cls, usual_hint = _MEANING.get(response.status, (RequestFailed, None))
    reason = safe_text(" ".join(detail.split()), 400) if detail else _phrase(response.status)
    return (error or cls)(
        f"Cannot {doing}: {reason.rstrip('.')} (HTTP {response.status} from {endpoint}).",
        code=response.status,
        detail=detail,
        endpoint=endpoint,
        hint=hint or usual_hint,
        retry_after=response.retry_after,
        request_id=response.request_id,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the server gives no reason"
