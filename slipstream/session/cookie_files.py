"""Read and write cookie files in Netscape format."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from contextlib import ExitStack
from http.cookiejar import Cookie, CookieJar, MozillaCookieJar
from pathlib import Path

from requests.cookies import create_cookie

from slipstream.errors import BadInput
from slipstream.values.plain import CONTROL_CHARACTERS, file_error, shown_path

_FIRST_LINE = re.compile(r"#( Netscape)? HTTP Cookie File", re.IGNORECASE)
LATEST = 2**33  # seconds since the epoch; a later expiry is as good as this one


def load_cookies(path: Path) -> list[Cookie]:
    """
    Read a cookie file in Netscape format, as browsers' tools and curl write it.

    The first line with its name may be missing, and a domain may have its dot or not: the
    library's own reader insists on both. Whether a cookie has expired is left to the server, as
    the local clock may be wrong.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(
            f"Cannot read the cookie file {shown_path(path)}: it is not text."
        ) from None
    except OSError as error:
        raise file_error(f"Cannot read the cookie file {shown_path(path)}", path, error) from None
    lines = [line.removeprefix("#HttpOnly_") for line in text.splitlines()]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    try:
        if not (lines or _FIRST_LINE.match(text)):
            raise ValueError
        return [_cookie(*line.split("\t")) for line in lines]
    except (TypeError, ValueError):  # another number of fields, or a time that is none
        raise BadInput(f"{shown_path(path)} is not a cookie file in Netscape format.") from None


def _cookie(
    domain: str, _: str, path: str, secure: str, expires: str, name: str, value: str
) -> Cookie:
    f"{name}{value}".encode("latin-1")  # what a header can hold
    seconds = float(expires or 0)  # 0 is a session cookie, as curl and browsers write it
    cookie: Cookie = create_cookie(  # type: ignore[no-untyped-call]
        name or value,
        value if name else None,
        domain=domain,
        path=path,
        secure=secure.upper() == "TRUE",
        expires=int(min(seconds, LATEST)) if seconds > 0 else None,
        discard=not seconds > 0,
    )
    return cookie


def save_cookies(cookies: CookieJar, path: Path) -> None:
    """Write cookies to a file that only its owner can read, replaced as a whole if it exists."""
    if any(CONTROL_CHARACTERS.search(f"{cookie.name}{cookie.value}") for cookie in cookies):
        raise BadInput(
            "The server's cookies hold tabs or the like, which no cookie file can hold."
        )
    message = f"Cannot write {shown_path(path)}"
    try:
        path = Path(os.path.realpath(path))  # a loop of links is left to the next line
        if path.exists() and not path.is_file():
            raise OSError(errno.EISDIR, "it is no file")
        # Only its owner can read a temporary file.
        handle, name = tempfile.mkstemp(prefix=".cookies-", dir=path.parent)
        os.close(handle)
        with ExitStack() as stack:  # the file holds a session that is alive
            stack.callback(Path(name).unlink)
            jar = MozillaCookieJar(name)
            for cookie in cookies:
                jar.set_cookie(cookie)
            jar.save(ignore_discard=True, ignore_expires=True)
            Path(name).replace(path)
            stack.pop_all()
    except OSError as error:
        raise file_error(message, path, error) from None
