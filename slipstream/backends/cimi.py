"""
What the JSON resources of SlipStream 3 and of Nuvla have in common.

Both descend from CIMI: session templates to log in with, a list of one's own sessions, messages
in errors. A family gives the names. Sources: SlipStreamServer, resources/session.clj; nuvla
api-server, server/resources/session.clj.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http.cookiejar import CookieJar
from types import MappingProxyType
from typing import Any, ClassVar

from slipstream.errors import (
    DriverError,
    InvalidCredentials,
    MalformedAnswer,
    RedirectRefused,
)
from slipstream.hookspecs import Backend
from slipstream.session.login import Client, Login, LoginAttempt
from slipstream.transport import clock
from slipstream.transport.messages import Request, Response

JSON = {"Accept": "application/json"}
SEND_JSON = {**JSON, "Content-Type": "application/json"}
_OURS = "com.sixsq."
_REFUSALS = {400, 401, 403, 404}
_ANOTHER = "Something else than the server may have responded: check the address, and proxies."
_SESSION = Request(method="GET", path="/api/session", headers=JSON, repeatable=True)
_TEMPLATES = Request(method="GET", path="/api/session-template", headers=JSON, repeatable=True)


class CimiBackend(Backend):
    """A backend of a server with CIMI resources below ``/api``."""

    sessions_key: ClassVar[str]
    """The name of the list in a response to a search of sessions."""
    templates_key: ClassVar[str]
    """The name of the list in a response to a search of session templates."""
    template_key: ClassVar[str]
    """What the template is called in the document that creates a session."""
    template_aliases: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What the other family calls a session template, and what it is called here."""

    def log_in(self, attempt: LoginAttempt, template: str, fields: Mapping[str, object]) -> Login:
        """Create a session; success is a 201 that sets a cookie, nothing less."""
        template = self.template_aliases.get(template, template)
        document = {**self.template_fields(fields), "href": f"session-template/{template}"}
        request = Request(
            method="POST",
            path="/api/session",
            headers=SEND_JSON,
            body=json.dumps({self.template_key: document}).encode(),
            repeatable=True,
        )
        try:
            response = attempt.exchange(request)
        except RedirectRefused as error:
            raise _external_login(attempt, template, error) from error
        response = self.second_factor(attempt, template, response, fields)
        if not (_is_session(response) and any(cookie.value for cookie in attempt.cookies)):
            raise self._login_refused(attempt, template, response)
        return attempt.finish(expires=lifetime(attempt.cookies))

    def template_fields(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Choose the login parameters that go into the session template."""
        return dict(fields)

    def second_factor(
        self,
        attempt: LoginAttempt,  # noqa: ARG002 - for families that ask for one
        template: str,  # noqa: ARG002
        response: Response,
        fields: Mapping[str, object],  # noqa: ARG002
    ) -> Response:
        """Answer the question for a second factor, if the response asks for one."""
        return response

    def accepts_session(self, client: Client) -> bool:
        """Whether the server's list of one's own sessions has one."""
        return self.session_document(client) is not None

    def session_document(self, client: Client) -> dict[str, Any] | None:
        """
        Read the session that the cookies name; anybody may ask.

        :param client: Sends the request.
        :returns: The document, ``None`` if the server knows of no session.
        """
        response = client.exchange(_SESSION)
        if response.status != 200:
            return None
        document = response.json()
        sessions = document.get(self.sessions_key) if isinstance(document, dict) else None
        if not isinstance(sessions, list) or not sessions or not isinstance(sessions[0], dict):
            return None
        return sessions[0]

    def error_detail(self, response: Response) -> str | None:
        """Read the message of an error; the pages of a proxy have none."""
        if response.kind == "text/plain":
            return response.text.strip() or None
        try:
            document = response.json()
        except MalformedAnswer:
            return None
        message = document.get("message") if isinstance(document, dict) else None
        return message if isinstance(message, str) else None

    def _login_refused(
        self, attempt: LoginAttempt, template: str, response: Response
    ) -> DriverError:
        doing = f"log in by {attempt.method or template!r}"
        if response.status < 400:
            return MalformedAnswer(
                f"Cannot {doing}: the server gave no session (HTTP {response.status},"
                f" {response.kind}).",
                endpoint=attempt.endpoint.url,
                hint=_ANOTHER,
            )
        if "html" in response.kind and response.status < 500:
            return attempt.refusal(response, doing=doing, hint=_ANOTHER)
        if response.status not in _REFUSALS:
            return attempt.refusal(response, doing=doing)
        hint = "Check the user name or key and the secret."
        if response.status in {400, 404}:
            hint = (
                f"The server's session templates: {self._template_names(attempt)}. Name one as"
                " ex_login_method and give its fields in ex_login_parameters."
            )
        return attempt.refusal(response, doing=doing, hint=hint, error=InvalidCredentials)

    def _template_names(self, attempt: LoginAttempt) -> str:
        try:
            document = attempt.exchange(_TEMPLATES).json()
            ids = [str(entry["id"]) for entry in document[self.templates_key]]
        except (DriverError, LookupError, TypeError):
            return "not told"
        return ", ".join(sorted(name.removeprefix("session-template/") for name in ids)) or "none"


def _is_session(response: Response) -> bool:
    """Whether a response says that a session was created."""
    try:
        document = response.json()
    except MalformedAnswer:
        return False
    session = document.get("resource-id") if isinstance(document, dict) else None
    return response.status == 201 and isinstance(session, str) and bool(session)


def lifetime(cookies: CookieJar) -> timedelta | None:
    """
    For how long the cookies of a login are good; ``None`` if they do not say.

    Load balancers set cookies of their own, which may be shorter-lived.
    """
    ours = [cookie for cookie in cookies if _OURS in cookie.name] or list(cookies)
    expiries = [cookie.expires for cookie in ours]
    latest = max((expires or 0 for expires in expiries), default=0)
    # The jar has moved these times to the local clock.
    left = latest - clock.now()
    return timedelta(seconds=left) if left > 0 and all(expiries) else None


def _external_login(attempt: LoginAttempt, template: str, error: RedirectRefused) -> DriverError:
    """Tell a login that needs a browser from an address that is wrong."""
    if error.hint:
        return error
    return InvalidCredentials(
        f"Cannot log in by {template!r}: it needs a browser. {error.summary}",
        endpoint=attempt.endpoint.url,
        hint="Create an API key on the server's web page and log in with that.",
    )
