"""Log in with a user name and a password."""

from __future__ import annotations

from collections.abc import Callable

from slipstream.errors import BadInput
from slipstream.hookspecs import LoginMethod
from slipstream.session.login import Login, LoginAttempt
from slipstream.values.credentials import Credentials


def require(credentials: Credentials, key: str, secret: str) -> dict[str, object]:
    """
    The two values that most login methods need, and any further parameters.

    Both are insisted on because a server fills in what is left out with the placeholders of
    its template, so that a forgotten password would log in with the word ``password``
    (SlipStreamServer, session_template.clj).

    :param credentials: What the user gave.
    :param key: What the first value is called in the session template.
    :param secret: What the second one is called.
    :returns: The template's fields.
    :raises BadInput: If one is missing.
    """
    fields = {key: credentials.key, secret: credentials.secret, **credentials.parameters}
    for name, argument in ((key, "key"), (secret, "secret")):
        if not fields[name]:
            raise BadInput(
                f"The {name} to log in with is missing.",
                hint=f"Give it as the driver's argument '{argument}'.",
            )
    return fields


def _by(template: str) -> Callable[[LoginAttempt, Credentials], Login]:
    def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
        return attempt.log_in_with_template(template, require(credentials, "username", "password"))

    return authenticate


INTERNAL = LoginMethod(
    name="internal",
    authenticate=_by("internal"),
    description="user name and password",
)
PASSWORD = LoginMethod(
    name="password",
    authenticate=_by("password"),
    description="the same, by the name that Nuvla has for it",
)
