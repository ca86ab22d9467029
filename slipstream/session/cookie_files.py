"""Cookie files in Netscape format, which keep a session for the next program."""

from __future__ import annotations

import os
import tempfile
from http.cookiejar import CookieJar, LoadError, MozillaCookieJar
from pathlib import Path

from slipstream.errors import BadInput


def load_cookies(path: Path) -> MozillaCookieJar:
    """
    Read a cookie file.

    :param path: A file in Netscape format, as browsers' tools, curl and the older SlipStream
        clients write it.
    :returns: Its cookies that have not expired.
    :raises BadInput: If there is no such file, or it has another format.
    """
    jar = MozillaCookieJar(os.fspath(path))
    try:
        jar.load(ignore_discard=True)
    except LoadError:
        raise BadInput(f"{path} is not a cookie file in Netscape format.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise BadInput(f"Cannot read the cookie file {path}: {reason}.") from None
    return jar


def save_cookies(cookies: CookieJar, path: Path) -> None:
    """
    Write cookies to a file that only its owner can read.

    :param cookies: The cookies.
    :param path: The file, replaced as a whole if it exists.
    :raises BadInput: If it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".cookies-", dir=path.parent)
    except OSError as error:
        raise BadInput(f"Cannot write {path}: {error.strerror}.") from None
    os.close(handle)
    jar = MozillaCookieJar(name)
    for cookie in cookies:
        jar.set_cookie(cookie)
    try:
        jar.save(ignore_discard=True)
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise BadInput(f"Cannot write {path}: {error.strerror}.") from None
