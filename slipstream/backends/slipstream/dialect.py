"""
The words of SlipStream 3: states, names of parameters, and who is logged in.

Sources: SlipStreamServer, resources/session.clj, auth/cookies.clj, statemachine/States.java.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import Any, cast

from slipstream.backends.cimi import JSON, CimiBackend
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.values import Phase, Role

__all__ = ["JSON", "STATES", "WIRE_NAMES", "uncached", "user_name"]

_COOKIE = "com.sixsq.slipstream.cookie"
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
WIRE_NAMES = {
    Role.LOCATION: "cloudservice",
    Role.SIZE: "service-offer",
    Role.MULTIPLICITY: "multiplicity",
    Role.TOLERATED_FAILURES: "max-provisioning-failures",
}
"""What the server calls the parameters that decide more than an input."""


def uncached() -> tuple[str, str]:
    """
    Make a parameter of a query that no cache has an entry for.

    The vendor's front server keeps lists of runs for 30 s, runs for 40 s and their states for
    15 s, by address alone: for all users, and whatever a header says (SlipStreamServerDeps, the
    files of nginx).
    """
    return "_", secrets.token_hex(8)


def user_name(session: Session) -> str:
    """
    Tell the name of the user who is logged in; the server is asked once for each login.

    :param session: The session.
    :raises MalformedAnswer: If the server does not tell.
    """
    if session.login.user_name is None:
        backend = cast(CimiBackend, session.backend)
        document = backend.session_document(session) or _token_claims(session)
        name = document.get("username")
        if not isinstance(name, str) or name in {"", ".", ".."}:
            raise MalformedAnswer(
                "The server does not say who is logged in.", endpoint=session.endpoint.url
            )
        session.login.user_name = name
    return session.login.user_name


def _token_claims(session: Session) -> dict[str, Any]:
    """Read the claims of the cookie, which is ``token=`` and a JSON web token; not verified."""
    for cookie in session.cookies:
        if cookie.name == _COOKIE and cookie.value:
            payload = cookie.value.partition(".")[2].partition(".")[0]
            try:
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            except (ValueError, binascii.Error):
                continue
            if isinstance(claims, dict):
                return claims
    return {}
