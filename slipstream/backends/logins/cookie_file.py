"""Take over a session that a cookie file holds."""

from __future__ import annotations

from slipstream.backends.cimi import lifetime
from slipstream.errors import BadInput, InvalidCredentials
from slipstream.hookspecs import LoginMethod
from slipstream.session.cookie_files import load_cookies
from slipstream.session.login import Login, LoginAttempt
from slipstream.values.credentials import Credentials


def _authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    if credentials.cookie_file is None:
        raise BadInput("The login method cookie-file needs ex_cookie_file.")
    host = attempt.endpoint.host
    for cookie in load_cookies(credentials.cookie_file):
        if _belongs(cookie.domain, host):
            attempt.cookies.set_cookie(cookie)
    has_cookies = bool(list(attempt.cookies))
    if not has_cookies or not attempt.accepts_session():
        state = "has expired or was refused" if has_cookies else f"holds no session of {host}"
        raise InvalidCredentials(
            f"Cannot log in on {attempt.endpoint}: the cookie file {credentials.cookie_file}"
            f" {state}.",
            endpoint=attempt.endpoint.url,
            hint="Log in again with a key and a secret, and save a new file with ex_save_cookies.",
        )
    # The server has accepted it, so a time that is over means that the local clock is wrong.
    return attempt.finish(expires=lifetime(attempt.cookies))


def _belongs(domain: str, host: str) -> bool:
    """Whether a cookie of a domain is sent to a host (RFC 6265, 5.1.3)."""
    if domain.startswith(".") and f".{host}".endswith(domain):
        return True
    # The standard library adds ".local" to hosts without a dot, IPv6 addresses among them.
    return domain.lstrip(".").removesuffix(".local").strip("[]") == host.strip("[]")


def _recognises(credentials: Credentials) -> bool:
    return credentials.cookie_file is not None


COOKIE_FILE = LoginMethod(
    name="cookie-file",
    authenticate=_authenticate,
    description="a session that a cookie file holds (ex_cookie_file)",
    recognises=_recognises,
)
