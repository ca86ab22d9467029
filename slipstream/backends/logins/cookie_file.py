"""Take over a session that a cookie file holds."""

from __future__ import annotations

from slipstream.errors import BadInput, InvalidCredentials
from slipstream.plugins.contributions import LoginMethod
from slipstream.session import Session
from slipstream.session.cookie_files import load_cookies
from slipstream.values.credentials import Credentials


def _authenticate(session: Session, credentials: Credentials) -> None:
    if credentials.cookie_file is None:
        raise BadInput("The login method cookie-file needs ex_cookie_file.")
    host = session.endpoint.host
    expiries = []
    for cookie in load_cookies(credentials.cookie_file):
        if cookie.domain.lstrip(".").removesuffix(".local") == host:
            session.transport.cookies.set_cookie(cookie)
            expiries.append(cookie.expires)
    if not expiries or not session.kind.backend.accepts_session(session):
        state = "has expired or was refused" if expiries else f"holds no session of {host}"
        raise InvalidCredentials(
            f"Cannot log in on {session.endpoint}: the cookie file {credentials.cookie_file}"
            f" {state}.",
            endpoint=session.endpoint.url,
            hint="Log in again with a key and a secret, and save a new file with ex_save_cookies.",
        )
    ends = [moment for moment in expiries if moment]
    if ends:
        session.ends_at(min(ends))


def _recognises(credentials: Credentials) -> bool:
    return credentials.cookie_file is not None


COOKIE_FILE = LoginMethod(
    name="cookie-file",
    authenticate=_authenticate,
    description="a session that a cookie file holds (ex_cookie_file)",
    recognises=_recognises,
)
