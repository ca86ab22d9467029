"""
What every conversation with a SlipStream 3 server needs: states, login, errors.

Sources: SlipStreamServer, resources/session.clj, auth/cookies.clj, statemachine/States.java.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from slipstream.backends.sessions import external_login, login_refused, session_document
from slipstream.backends.slipstream import xml
from slipstream.errors import MalformedAnswer, RedirectRefused
from slipstream.plugins.contributions import Backend
from slipstream.session import Session
from slipstream.transport.messages import Request, Response
from slipstream.values import Phase
from slipstream.values.deployment_request import Role

NAME = "slipstream"
COOKIE = "com.sixsq.slipstream.cookie"
STATES = {
    "Initializing": Phase.PENDING,
    "Provisioning": Phase.STARTING,
    "Executing": Phase.CONFIGURING,
    "SendingReports": Phase.CONFIGURING,
    "Ready": Phase.RUNNING,
    "Finalizing": Phase.STOPPING,
    "Done": Phase.TERMINATED,
    "Cancelled": Phase.TERMINATED,
    "Aborted": Phase.ERROR,
}
JSON = {"Accept": "application/json"}


def log_in(session: Session, template: str, fields: Mapping[str, object]) -> None:
    """
    Create a session; success is a 201 that sets the cookie, nothing less.

    :param session: The session to log in.
    :param template: The session template's name.
    :param fields: Its fields.
    :raises InvalidCredentials: If the server does not accept them.
    """
    document = {"sessionTemplate": {**fields, "href": f"session-template/{template}"}}
    request = Request(
        method="POST",
        path="/api/session",
        headers={**JSON, "Content-Type": "application/json"},
        body=json.dumps(document).encode(),
        repeatable=True,
    )
    try:
        answer = session.transport.send(request)
    except RedirectRefused as error:
        raise external_login(session, template, error) from error
    expiries = [cookie.expires for cookie in session.transport.cookies if cookie.name == COOKIE]
    if answer.status != 201 or not expiries:
        raise login_refused(session, template, answer, "sessionTemplates")
    if expiries[0]:
        session.ends_at(expiries[0])


def accepts_session(session: Session) -> bool:
    """
    Whether the server takes the cookies as a login.

    A cookie made by ``/auth/login`` has no session document, and one whose session was deleted
    still counts until it expires, so the last word has a collection that needs a user.

    :param session: The session.
    """
    if session_document(session, "sessions"):
        return True
    probe = Request(
        method="GET", path="/api/service-offer", query=(("$last", "0"),), headers=JSON,
        repeatable=True,
    )  # fmt: skip
    return session.transport.send(probe).status == 200


def session_ended(session: Session, answer: Response) -> bool:
    """
    Whether an answer means that the login has expired.

    The XML half says 401 then. The CIMI half says 403, as it does for what belongs to others;
    only its own session list tells which (SlipStreamServer, resources/session.clj).

    :param session: The session.
    :param answer: An answer of status 401 or 403.
    """
    if answer.status == 401:
        return True
    return "/api/" in answer.url and session_document(session, "sessions") is None


def detail(answer: Response) -> str | None:
    """
    The server's own words in an error: a CIMI message, or the detail of the XML half.

    :param answer: The answer.
    :returns: The words, ``None`` for the pages of a proxy.
    """
    try:
        if answer.kind.endswith("json"):
            return _json_detail(answer.json())
        if answer.kind.endswith("xml"):
            return xml.parse(answer, "error").get("detail")
    except MalformedAnswer:
        return None
    return answer.text.strip() or None if answer.kind == "text/plain" else None


def user_name(session: Session) -> str:
    """
    The name of the user who is logged in.

    :param session: The session.
    :raises MalformedAnswer: If the server does not tell.
    """
    if session.user_name is None:
        document = session_document(session, "sessions") or _token_claims(session)
        name = document.get("username")
        if not isinstance(name, str) or not name:
            raise MalformedAnswer(
                "The server does not say who is logged in.", endpoint=session.endpoint.url
            )
        session.user_name = name
    return session.user_name


def _token_claims(session: Session) -> dict[str, Any]:
    """The claims of the cookie, which is ``token=`` and a JSON web token; not verified."""
    for cookie in session.transport.cookies:
        if cookie.name == COOKIE and cookie.value:
            payload = cookie.value.partition(".")[2].partition(".")[0]
            try:
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            except (ValueError, binascii.Error):
                continue
            if isinstance(claims, dict):
                return claims
    return {}


def _json_detail(document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    said = error.get("detail") if isinstance(error, dict) else document.get("message")
    return said if isinstance(said, str) else None


WIRE_NAMES = {
    Role.LOCATION: "cloudservice",
    Role.SIZE: "service-offer",
    Role.MULTIPLICITY: "multiplicity",
    Role.TOLERATED_FAILURES: "max-provisioning-failures",
}
"""What the server calls the parameters that decide more than an input."""

_UP_OR_GONE = (
    "A run is up or gone: end it with destroy_node(), and make it again with create_node()."
)

BACKEND = Backend(
    name=NAME,
    states=STATES,
    parameter_roles={name: role for role, name in WIRE_NAMES.items()},
    takes_ssh_keys=True,
    log_in=log_in,
    accepts_session=accepts_session,
    detail=detail,
    session_ended=session_ended,
    cannot={
        "start_deployment": _UP_OR_GONE,
        "stop_deployment": _UP_OR_GONE,
        "reboot_deployment": _UP_OR_GONE,
        "update_deployment": "A run keeps the version of the module that it was made from: make"
        " another one with create_node().",
        "get_logs": "The server hands out no logs: read them on the machines of the node, by SSH.",
    },
)
