"""Cookie files in Netscape format, which keep a session for the next program."""

from __future__ import annotations

import errno
import os
import tempfile
import warnings
from http.cookiejar import CookieJar, LoadError, MozillaCookieJar
from pathlib import Path

from slipstream.errors import BadInput
from slipstream.values.plain import CONTROL_CHARACTERS, file_error, shown_path

LATEST = 2**33  # seconds since the epoch; a later expiry is as good as this one


def load_cookies(path: Path) -> MozillaCookieJar:
    """
    Read a cookie file in Netscape format, as browsers' tools and curl write it.

    Whether a cookie has expired is left to the server: the local clock may be wrong.
    """
    jar = MozillaCookieJar(os.fspath(path))
    try:
        with warnings.catch_warnings(action="ignore"):  # of what the library cannot parse
            jar.load(ignore_discard=True, ignore_expires=True)
    except LoadError:
        raise BadInput(f"{path} is not a cookie file in Netscape format.") from None
    except UnicodeDecodeError:
        raise BadInput(
            f"Cannot read the cookie file {shown_path(path)}: it is not text."
        ) from None
    except OSError as error:
        raise file_error(f"Cannot read the cookie file {shown_path(path)}", path, error) from None
    for cookie in jar:
        if cookie.expires == 0:  # a session cookie, as curl and browsers write it
            cookie.expires, cookie.discard = None, True
        elif cookie.expires is not None:
            cookie.expires = min(cookie.expires, LATEST)
    return jar


def save_cookies(cookies: CookieJar, path: Path) -> None:
    """Write cookies to a file that only its owner can read, replaced as a whole if it exists."""
    if any(CONTROL_CHARACTERS.search(f"{cookie.name}{cookie.value}") for cookie in cookies):
        raise BadInput(
            "The server's cookies hold tabs or the like, which no cookie file can hold."
        )
    displayed, path = shown_path(path), path.resolve()
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EISDIR, "it is no file")
        handle, name = tempfile.mkstemp(prefix=".cookies-", dir=path.parent)
    except OSError as error:
        raise file_error(f"Cannot write {displayed}", path, error) from None
    os.close(handle)
    try:
        jar = MozillaCookieJar(name)
        for cookie in cookies:
            jar.set_cookie(cookie)
        jar.save(ignore_discard=True, ignore_expires=True)
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except BaseException as error:  # the file holds a session that is alive
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise file_error(f"Cannot write {displayed}", path, error) from None
        raise
