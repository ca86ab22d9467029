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
    shorten,
)
from slipstream.transport.messages import Response

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
    answer: Response, *, doing: str, endpoint: str, detail: str | None, hint: str | None = None
) -> RequestFailed:
    """
    The exception for an answer with an error status.

    :param answer: The answer.
    :param doing: What was being done, to go after "Cannot".
    :param endpoint: The address of the server.
    :param detail: The server's own words, if it had any that may be shown.
    :param hint: What the reader can do next, when more is known than the status tells.
    :returns: The exception, not raised.
    """
    cls, usual_hint = _MEANING.get(answer.status, (RequestFailed, None))
    said = " ".join(shorten(detail, 500).split()) if detail else _phrase(answer.status)
    return cls(
        f"Cannot {doing}: {said.rstrip('.')} (HTTP {answer.status} from {endpoint}).",
        code=answer.status,
        detail=detail,
        endpoint=endpoint,
        hint=hint or usual_hint,
        retry_after=answer.retry_after,
        request_id=answer.request_id,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the server gives no reason"
