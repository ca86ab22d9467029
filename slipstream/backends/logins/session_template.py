"""Log in with any other session template of the server, named by the user."""

from __future__ import annotations

import re

from slipstream.errors import BadInput
from slipstream.hookspecs import LoginMethod
from slipstream.session.login import Login, LoginAttempt
from slipstream.values.credentials import Credentials

# SlipStreamServer, spec/session_template.cljc: words of letters joined by hyphens; Nuvla's may
# hold digits too.
_TEMPLATE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    name = (credentials.method or "").removeprefix("session-template/")
    if not _TEMPLATE.fullmatch(name):
        raise BadInput(
            f"{name[:100]!r} is neither a login method nor the name of a session template.",
            hint="Known login methods: internal, api-key, cookie-file; a template's name has"
            " lower-case words joined by hyphens.",
        )
    if credentials.secret:
        raise BadInput(
            f"The session template {name!r} takes its fields from ex_login_parameters; the secret"
            " would not be used.",
            hint="Write ex_login_parameters={'username': ..., 'password': ...}, with the fields"
            " that the template names, and None for key and secret.",
        )
    return attempt.log_in_with_template(name, credentials.parameters)


SESSION_TEMPLATE = LoginMethod(
    name="session-template",
    authenticate=_authenticate,
    description="any session template of the server, its fields in ex_login_parameters",
    fallback=True,
)
