"""Log in with an API key and its secret."""

from __future__ import annotations

import re

from slipstream.backends.logins.internal import require
from slipstream.hookspecs import LoginMethod
from slipstream.session.login import Login, LoginAttempt
from slipstream.values.credentials import Credentials

_API_KEY = re.compile(r"credential/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    return attempt.log_in_with_template("api-key", require(credentials, "key", "secret"))


def _recognises(credentials: Credentials) -> bool:
    if credentials.cookie_file is not None:
        return False
    return bool(credentials.key and _API_KEY.fullmatch(credentials.key))


API_KEY = LoginMethod(
    name="api-key",
    authenticate=_authenticate,
    description="API key (credential/<uuid>) and its secret",
    recognises=_recognises,
)
