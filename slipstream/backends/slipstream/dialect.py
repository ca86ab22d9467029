"""
The words of SlipStream 3, its XML, and who is logged in.

Sources: SlipStreamServer, resources/session.clj, auth/cookies.clj, statemachine/States.java.
"""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from collections.abc import Callable, Collection
from typing import Any
from xml.etree.ElementTree import Element

from slipstream.backends.cimi import unconfirmed
from slipstream.errors import BadInput, MalformedAnswer, shorten
from slipstream.session import Session
from slipstream.session.login import Client
from slipstream.transport.messages import Request, Response
from slipstream.values import Phase, Role
from slipstream.values.fields import leads_elsewhere
from slipstream.values.plain import CONTROL_CHARACTERS

XML = {"Accept": "application/xml"}
CONNECTOR, SERVICE_OFFER = "connector/", "service-offer/"
ANY_CLOUD = "default"  # what a node or a list of clouds says for the default cloud of the user

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

Query = tuple[tuple[str, str], ...]

_COOKIE = "com.sixsq.slipstream.cookie"
_UUID = "-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12))
_IDS = re.compile(f"(?:{_UUID} )*")
_TAG = re.compile(
    r"</?(?:a|b|br|code|div|em|h[1-6]|i|li|p|pre|span|strong|u|ul)\b[^<>]*>", re.IGNORECASE
)


def read_xml(
    session: Session,
    path: str,
    *roots: str,
    doing: str,
    query: Query = (),
    expects: Callable[[], Response] | None = None,
) -> Element:
    """Read an XML document, whose root element must have one of some names."""
    request = Request(
        method="GET", path=path, query=query, headers=XML, repeatable=True, expects=expects
    )
    response = session.send(request, doing=doing)
    if not response.body:
        raise empty_response(response)
    root = response.xml()
    if root.tag not in roots:
        raise MalformedAnswer(
            f"The response is <{root.tag[:50]}> where <{roots[0]}> was expected.",
            endpoint=response.url,
        )
    return root


def uncached() -> tuple[str, str]:
    """
    Make a query parameter for which no cache has an entry.

    The vendor's front server keeps lists of runs for 30 s, runs for 40 s and their states for
    15 s, by address alone: for all users, and whatever a header says (SlipStreamServerDeps, the
    files of nginx).
    """
    return "_", secrets.token_hex(8)


def empty_response(response: Response) -> MalformedAnswer:
    """Make the exception for an empty response to a read."""
    return MalformedAnswer(
        "The response is empty.",
        endpoint=response.url,
        hint="An account that was deleted gets empty responses to everything.",
    )


def require_status(response: Response, *statuses: int, doing: str, hint: str) -> None:
    """
    Make sure that the server has confirmed a change: by a status and no body.

    Proxies and captive portals respond instead of the server, with pages of status 200 at times.
    """
    if response.status not in statuses or response.body.strip():
        raise unconfirmed(response, doing=doing, hint=hint)


def whole(text: str | None) -> int | None:
    """A whole number of at most nine digits, ``None`` for anything else."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else None


def without_markup(text: str | None) -> str | None:
    """A reason that the server wrote for its web pages, without tags; ``None`` if it is empty."""
    return (text and " ".join(html.unescape(_TAG.sub(" ", text)).split())) or None


def are_run_ids(texts: Collection[str]) -> bool:
    """Whether each of some texts is a deployment's id."""
    joined = "".join([f"{text} " for text in texts])
    # An id with a blank in it would be two.
    return _IDS.fullmatch(joined) is not None and len(joined) == 37 * len(texts)


def run_id(text: str) -> str:
    """A deployment's id, checked to be a UUID."""
    if not are_run_ids([text]):
        raise BadInput(
            f"{shorten(text)!r} is not the id of a deployment: that is a UUID.",
            hint="list_nodes() has the ids.",
        )
    return text.lower()


def user_name(session: Session) -> str:
    """The name of the user who is logged in; it is read once for each login."""
    name = session.user_name
    if not name or leads_elsewhere(name) or CONTROL_CHARACTERS.search(name):
        raise MalformedAnswer("The server does not return the name of the logged-in user.")
    return name


def token_claims(client: Client) -> dict[str, Any]:
    """Read the claims of the cookie, which is ``token=`` and a JSON web token; not verified."""
    for cookie in client.cookies:
        if cookie.name == _COOKIE and cookie.value:
            payload = cookie.value.partition(".")[2].partition(".")[0]
            try:
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            except (ValueError, RecursionError):
                continue
            if isinstance(claims, dict):
                return claims
    return {}
