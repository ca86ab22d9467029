"""From a response with an error status to the exception that says what it means."""

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
    """The exception for a response with an error status."""
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
