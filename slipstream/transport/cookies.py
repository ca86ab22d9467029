"""The cookies of one login."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from email.message import Message
from email.utils import formatdate
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

import requests
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar

from slipstream.values.timestamps import parse_timestamp

_EXPIRES = re.compile(r"(?i)(;\s*expires\s*=\s*)\"?([^;\"]*)\"?")


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
        self, request: requests.PreparedRequest, fields: Iterable[str], *, ahead: float
    ) -> None:
        """
        Add the cookies that a response sets.

        :param request: The request.
        :param fields: The response's ``Set-Cookie`` headers.
        :param ahead: Seconds by which the local clock is ahead of the server's. Times of expiry
            are moved by it, or a wrong clock would drop every new cookie.
        """

        def moved(match: re.Match[str]) -> str:
            expires = parse_timestamp(match[2].replace("-", " "))
            if expires is None:
                return ""
            return f"{match[1]}{formatdate(expires.timestamp() + ahead, usegmt=True)}"

        headers = Message()
        for field in fields:
            headers["Set-Cookie"] = _EXPIRES.sub(moved, field) if abs(ahead) > 60 else field
        self.extract_cookies(MockResponse(headers), MockRequest(request))  # type: ignore[arg-type]
