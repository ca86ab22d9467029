"""What logging in has in common on the CIMI servers of every family."""

from __future__ import annotations

from typing import Any

from slipstream.errors import DriverError, InvalidCredentials, RedirectRefused, RequestFailed
from slipstream.session import Session
from slipstream.transport.messages import Request, Response

_JSON = {"Accept": "application/json"}
_SESSION = Request(method="GET", path="/api/session", headers=_JSON, repeatable=True)
_TEMPLATES = Request(method="GET", path="/api/session-template", headers=_JSON, repeatable=True)


def session_document(session: Session, key: str) -> dict[str, Any] | None:
    """
    The session that the cookies name; anybody may ask.

    :param session: The session.
    :param key: The name of the list in the answer.
    :returns: The document, ``None`` if the server knows of no session.
    """
    answer = session.transport.send(_SESSION)
    if answer.status != 200:
        return None
    document = answer.json()
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        return None
    return found[0]


def login_refused(session: Session, template: str, answer: Response, key: str) -> RequestFailed:
    """
    The exception for a login that was not accepted.

    :param session: The session.
    :param template: The session template that was used.
    :param answer: The answer.
    :param key: The name of the list of session templates in its answer.
    :returns: The exception, not raised.
    """
    doing = f"log in by {template!r}"
    if answer.status == 429 or answer.status >= 500:
        return session.refusal(answer, doing=doing)
    hint = "Check the user name or key and the secret."
    if answer.status in {400, 404}:
        hint = (
            f"The server's session templates: {_templates(session, key)}. Name one as"
            " ex_login_method and give its fields in ex_login_parameters."
        )
    refused = session.refusal(answer, doing=doing, hint=hint)
    return InvalidCredentials(
        refused.summary,
        code=refused.code,
        detail=refused.detail,
        endpoint=refused.endpoint,
        hint=hint,
        retry_after=refused.retry_after,
    )


def external_login(session: Session, template: str, error: RedirectRefused) -> DriverError:
    """
    The exception for a login that was answered with a redirection.

    :param session: The session.
    :param template: The session template that was used.
    :param error: The redirection.
    :returns: The exception, not raised: the redirection itself when only the address is wrong.
    """
    if error.hint:
        return error
    return InvalidCredentials(
        f"Cannot log in by {template!r}: it needs a browser. {error.summary}",
        endpoint=session.endpoint.url,
        hint="Create an API key on the server's web page and log in with that.",
    )


def _templates(session: Session, key: str) -> str:
    try:
        document = session.transport.send(_TEMPLATES).json()
        ids = [str(entry["id"]) for entry in document[key]]
    except (DriverError, LookupError, TypeError):
        return "not told"
    return ", ".join(sorted(name.removeprefix("session-template/") for name in ids)) or "none"
