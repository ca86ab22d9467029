"""Take over a session that a cookie file holds."""

from __future__ import annotations

import os
import tempfile
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path

from slipstream.contributions import LoginMethod
from slipstream.credentials import Credentials
from slipstream.errors import InvalidInput, LoginFailed
from slipstream.session import Session


def load_cookies(path: Path) -> MozillaCookieJar:
    """
    Read a cookie file.

    :param path: A file in Netscape format, as browsers' tools, curl and the older SlipStream
        clients write it.
    :returns: Its cookies that have not expired.
    :raises InvalidInput: If there is no such file, or it has another format.
    """
    jar = MozillaCookieJar(os.fspath(path))
    try:
        jar.load(ignore_discard=True)
    except LoadError:
        raise InvalidInput(f"{path} is not a cookie file in Netscape format.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidInput(f"Cannot read the cookie file {path}: {reason}.") from None
    return jar


def save_cookies(session: Session, path: Path) -> None:
    """
    Write the session's cookies to a file that only its owner can read.

    :param session: The logged-in session.
    :param path: The file, replaced as a whole if it exists.
    :raises InvalidInput: If it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".cookies-", dir=path.parent)
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror}.") from None
    os.close(handle)
    jar = MozillaCookieJar(name)
    for cookie in session.transport.cookies:
        jar.set_cookie(cookie)
    try:
        jar.save(ignore_discard=True)
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise InvalidInput(f"Cannot write {path}: {error.strerror}.") from None


def _authenticate(session: Session, credentials: Credentials) -> None:
    if credentials.cookie_file is None:
        raise InvalidInput("The login method cookie-file needs ex_cookie_file.")
    host = session.endpoint.host
    expiries = []
    for cookie in load_cookies(credentials.cookie_file):
        if cookie.domain.lstrip(".").removesuffix(".local") == host:
            session.transport.cookies.set_cookie(cookie)
            expiries.append(cookie.expires)
    if not expiries or not session.kind.backend.accepts_session(session):
        state = "has expired or was refused" if expiries else f"holds no session of {host}"
        raise LoginFailed(
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
