"""The cookies of one login."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.utils import formatdate
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

import requests
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar

from slipstream.transport import clock
from slipstream.values.timestamps import parse_timestamp

_LIFETIME = re.compile(r"(?i);\s*(expires|max-age)\s*=\s*\"?([^;\"]*)\"?")
_SECONDS = re.compile(r"-?\d+", re.ASCII)
LONGEST_LIFETIME = 2**31
"""Seconds beyond which a cookie need not be kept."""


class _Policy(DefaultCookiePolicy):
    def return_ok_expires(self, cookie: Cookie, request: Any) -> bool:  # noqa: ARG002
        """Leave it to the server whether a session has ended: the local clock may be wrong."""
        return True


class EndpointCookieJar(RequestsCookieJar):
    """
    The cookies of one login, which threads and forked children may share.

    A server that refuses an old cookie tells the client to forget it, and may tell it late, so
    no cookie is forgotten; a login begins with a jar of its own.

    :param secure: Whether the endpoint is encrypted. The servers mark their cookie ``Secure``
        on plain http too, and would never see it again. Whoever chose such an address chose to
        send the password over it as well.
    """

    def __init__(self, *, secure: bool = True) -> None:
        super().__init__(policy=_Policy())
        self._secure = secure
        self._copies: dict[int, EndpointCookieJar] = {os.getpid(): self}

    def here(self) -> EndpointCookieJar:
        """The jar to use in the calling process: a forked child goes on with a copy."""
        pid = os.getpid()
        if pid not in self._copies:
            self._copies.setdefault(pid, self.copy())
        return self._copies[pid]

    def copy(self) -> EndpointCookieJar:
        """Another jar with the same cookies."""
        jar = EndpointCookieJar(secure=self._secure)
        jar.update(self)
        return jar

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]  # of cookies, not names
        while True:
            try:
                return iter(list(super().__iter__()))
            except RuntimeError:  # another thread added a cookie meanwhile
                continue

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        """Add a cookie."""
        cookie.secure = cookie.secure and self._secure
        super().set_cookie(cookie, *args, **kwargs)

    def clear(
        self, domain: str | None = None, path: str | None = None, name: str | None = None
    ) -> None:
        """Forget all cookies, but never a single one."""
        if name is None:
            super().clear(domain, path)

    def clear_expired_cookies(self) -> None:
        """Forget none."""

    def extract(
        self, request: requests.PreparedRequest, fields: Iterable[str], *, date: float | None
    ) -> None:
        """
        Add the cookies of the ``Set-Cookie`` headers of a response.

        Times of expiry mean something beside the server's own ``date`` alone: with a wrong local
        clock every new cookie would be dropped.
        """
        headers = Message()
        for field in fields:
            attributes = {name.lower(): value for name, value in _LIFETIME.findall(field)}
            rest = _LIFETIME.sub("", field)
            headers["Set-Cookie"] = f"{rest}{_expiry(_seconds(attributes, date))}"
        self.extract_cookies(MockResponse(headers), MockRequest(request))  # type: ignore[arg-type]


def _seconds(attributes: Mapping[str, str], date: float | None) -> int | None:
    """How long a cookie is good for; ``None`` if the server does not say it in a known way."""
    number = _SECONDS.match(attributes.get("max-age", "").strip())
    if number is not None:
        return min(int(number[0][:11]), LONGEST_LIFETIME)
    expires = parse_timestamp(attributes.get("expires", "").replace("-", " "))
    if expires is None or (date is None and expires.year > 1970):
        return None
    return min(int(expires.timestamp() - (date or 0)), LONGEST_LIFETIME)


def _expiry(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds <= 0:
        return "; Max-Age=0"
    return f"; Expires={formatdate(clock.now() + seconds, usegmt=True)}"
