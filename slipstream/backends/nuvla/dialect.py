"""
What every conversation with a Nuvla API server (v2) needs: states, login, errors.

Sources: nuvla/api-server, server/resources/session.clj, session_password.clj,
callback_create_session_2fa.clj, auth/cookies.clj, spec/deployment.cljc.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from slipstream.backends.sessions import external_login, login_refused, session_document
from slipstream.errors import Forbidden, InvalidCredentials, MalformedAnswer, RedirectRefused
from slipstream.plugins.contributions import Backend
from slipstream.session import Session
from slipstream.transport.messages import Request, Response
from slipstream.values import Phase

NAME = "nuvla"
COOKIE = "com.com.sixsq.nuvla.cookie"
GONE = "DELETED"
"""Our word for a deployment that the server does not have any more."""

STATES = {
    "CREATED": Phase.PENDING,
    "PENDING": Phase.PENDING,
    "STARTING": Phase.STARTING,
    "STARTED": Phase.RUNNING,
    "UPDATING": Phase.UPDATING,
    "UPDATED": Phase.RUNNING,
    "PAUSING": Phase.PAUSED,
    "PAUSED": Phase.PAUSED,
    "SUSPENDING": Phase.SUSPENDED,
    "SUSPENDED": Phase.SUSPENDED,
    "STOPPING": Phase.STOPPING,
    "STOPPED": Phase.STOPPED,
    "ERROR": Phase.ERROR,
    GONE: Phase.TERMINATED,
}
_TEMPLATES = {"internal": "password"}
"""What the other family calls a session template, and what it is called here."""

JSON = {"Accept": "application/json"}
SEND_JSON = {**JSON, "Content-Type": "application/json"}
CODE = "code"
"""The login parameter that holds the code of the second factor, or a callable that gives it."""


def log_in(session: Session, template: str, fields: Mapping[str, object]) -> None:
    """
    Create a session; success is a 201 that sets the cookie.

    A 200 is none: it asks for the code of a second factor.

    :param session: The session to log in.
    :param template: The session template's name.
    :param fields: Its fields, and the code of a second factor.
    :raises InvalidCredentials: If the server does not accept them.
    """
    template = _TEMPLATES.get(template, template)
    given = {name: value for name, value in fields.items() if name != CODE}
    document = {"template": {**given, "href": f"session-template/{template}"}}
    try:
        answer = session.transport.send(post("session", document, repeatable=True))
    except RedirectRefused as error:
        raise external_login(session, template, error) from error
    if answer.status == 200:
        answer = _second_factor(session, template, answer, fields.get(CODE))
        if answer.status in {400, 403, 404, 409}:
            raise _code_refused(session, answer)
    expiries = [cookie.expires for cookie in session.transport.cookies if cookie.name == COOKIE]
    if answer.status != 201 or not expiries:
        raise login_refused(session, template, answer, "resources")
    if expiries[0]:
        session.ends_at(expiries[0])


def act_for(session: Session, group: str) -> None:
    """
    Go on as a group; what is created from now on belongs to it.

    :param session: The logged-in session.
    :param group: The group's id, with ``group/`` or without.
    :raises InvalidCredentials: If the user is not a member.
    """
    claim = group if group.startswith(("group/", "user/")) else f"group/{group}"
    current = session_document(session, "resources")
    name = current.get("id") if current else None
    if not isinstance(name, str):
        raise InvalidCredentials(
            f"Cannot act for {claim}: there is no session.", endpoint=session.endpoint.url
        )
    answer = session.transport.send(post(f"{name}/switch-group", {"claim": claim}))
    if answer.status != 200:
        refused = session.refusal(answer, doing=f"act for {claim}")
        raise InvalidCredentials(
            refused.summary,
            code=refused.code,
            detail=refused.detail,
            endpoint=refused.endpoint,
            hint="Check the group's name, and that this account is a member.",
        )


def accepts_session(session: Session) -> bool:
    """
    Whether the server takes the cookies as a login.

    :param session: The session.
    """
    return session_document(session, "resources") is not None


def session_ended(session: Session, answer: Response) -> bool:
    """
    Whether a 403 means that the login has expired; the server has no other status for it.

    :param session: The session.
    :param answer: The answer.
    """
    return answer.status == 403 and not accepts_session(session)


def detail(answer: Response) -> str | None:
    """
    The message of an error.

    :param answer: The answer.
    :returns: The words, ``None`` for the pages of a proxy.
    """
    if answer.kind == "text/plain":
        return answer.text.strip() or None
    try:
        document = answer.json()
    except MalformedAnswer:
        return None
    said = document.get("message") if isinstance(document, dict) else None
    return said if isinstance(said, str) else None


def user_id(session: Session) -> str:
    """
    The id that the session acts as, a user's or a group's.

    :param session: The logged-in session.
    :raises Forbidden: If there is no session.
    """
    if session.user_name is None:
        document = session_document(session, "resources") or {}
        name = document.get("active-claim") or document.get("user")
        if not isinstance(name, str):
            raise Forbidden("The server does not say who is logged in.")
        session.user_name = name
    return session.user_name


def get(path: str, select: str | None = None) -> Request:
    """
    A request that reads.

    :param path: The id of what to read.
    :param select: The attributes wanted; ``None`` for all.
    """
    query = (("select", select),) if select else ()
    return Request(method="GET", path=f"/api/{path}", query=query, headers=JSON, repeatable=True)


def post(path: str, document: Any = None, *, repeatable: bool = False) -> Request:
    """
    A request that creates or acts.

    :param path: What it goes to.
    :param document: Its body.
    :param repeatable: Whether sending it twice does no more than sending it once.
    """
    return Request(
        method="POST",
        path=f"/api/{path}",
        headers=SEND_JSON if document is not None else JSON,
        body=None if document is None else json.dumps(document).encode(),
        repeatable=repeatable,
    )


def put(path: str, document: Any) -> Request:
    """
    A request that sets attributes, to the same values however often it is sent.

    :param path: The id of what to change.
    :param document: The attributes.
    """
    return Request(
        method="PUT",
        path=f"/api/{path}",
        headers=SEND_JSON,
        body=json.dumps(document).encode(),
        repeatable=True,
    )


def delete(path: str) -> Request:
    """
    A request that deletes.

    :param path: The id of what to delete.
    """
    return Request(method="DELETE", path=f"/api/{path}", headers=JSON, repeatable=True)


def _second_factor(session: Session, template: str, asked: Response, given: object) -> Response:
    code = given() if callable(given) else given
    if not isinstance(code, str) or not code:
        raise InvalidCredentials(
            f"Cannot log in by {template!r} on {session.endpoint}: a second factor is asked for.",
            code=asked.status,
            endpoint=session.endpoint.url,
            hint="Pass ex_login_parameters={'code': '123456'}, or a callable that asks for it.",
        )
    document = asked.json()
    location = document.get("location") if isinstance(document, dict) else None
    callback = urlsplit(location or "").path.rpartition("/api/")[2]
    if not callback.startswith("callback/"):
        raise MalformedAnswer(
            "The server asks for a second factor but does not say where to send it.",
            endpoint=session.endpoint.url,
        )
    session.hide(code)
    return session.transport.send(post(callback, {"token": code}))


def _code_refused(session: Session, answer: Response) -> InvalidCredentials:
    refused = session.refusal(answer, doing="log in")
    return InvalidCredentials(
        refused.summary,
        code=refused.code,
        detail=refused.detail,
        endpoint=refused.endpoint,
        hint="Check the code of the second factor; it is good for a short time only.",
    )


BACKEND = Backend(
    name=NAME,
    states=STATES,
    state_aliases={
        "Initializing": "PENDING",
        "Provisioning": "STARTING",
        "Ready": "STARTED",
        "Finalizing": "STOPPING",
        "Done": GONE,
        "Cancelled": GONE,
        "Aborted": "ERROR",
    },
    log_in=log_in,
    accepts_session=accepts_session,
    act_for=act_for,
    detail=detail,
    session_ended=session_ended,
    cannot={
        "reboot_deployment": "A deployment is made of containers: apply its application again with"
        " ex_update_node(), or call stop_node() and then start_node().",
        "list_service_offers": "There are no sizes: an application takes what its compose file or"
        " manifest says.",
    },
)
