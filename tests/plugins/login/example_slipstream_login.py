"""Log in with a token of the identity provider."""

from __future__ import annotations

from slipstream import Credentials, Login, LoginAttempt, LoginMethod, hookimpl
from slipstream.errors import BadInput


def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    if not credentials.secret:
        raise BadInput("The token is missing.", hint="Give it as the argument 'secret'.")
    return attempt.log_in_with_template("mitreid-token", {"token": credentials.secret})


def recognises(credentials: Credentials) -> bool:
    return credentials.key is None and credentials.secret is not None


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    return [
        LoginMethod(
            name="mitreid-token",
            authenticate=authenticate,
            recognises=recognises,
            description="a token of the identity provider, as the secret",
        )
    ]
