"""Whose cookies a request carries: those of the login, or of the one that is being made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.cookiejar import Cookie
from typing import Any

import requests
from requests.cookies import RequestsCookieJar

from slipstream.forking import renew_in_children
from slipstream.transport.connections import Connections
from slipstream.values.endpoint import Endpoint


class _Jar(RequestsCookieJar):
    """
    The cookies of an endpoint, safe to be used by several threads.

    A server that refuses an old cookie tells the client to forget it, and may tell it late.
    Those that have ended are not sent anyway.
    """

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]  # of cookies, not names
        with self._cookies_lock:
            return iter(list(super().__iter__()))

    def clear(
        self, domain: str | None = None, path: str | None = None, name: str | None = None
    ) -> None:
        if name is None:
            super().clear(domain, path)

    def renew_lock(self) -> None:
        """Replace the lock, which is CookieJar's own."""
        self._cookies_lock = threading.RLock()


class _PlainJar(_Jar):
    """
    The cookies of a plain http endpoint.

    The servers mark their cookie ``Secure`` there too, and would never see it again. Whoever
    chose that address chose to send the password over it as well.
    """

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


class HTTPSessions:
    """
    The sessions of requests that a conversation goes through, one for each login.

    :param endpoint: With whom.
    :param connections: How many connections are kept open for all of them.
    """

    def __init__(self, endpoint: Endpoint, *, connections: int) -> None:
        self._endpoint = endpoint
        self._connections = Connections(connections)
        self._current = self._new()
        self.draft: tuple[int, requests.Session] | None = None
        renew_in_children(self, HTTPSessions._renew)

    @property
    def here(self) -> requests.Session:
        """The session for what the calling thread sends."""
        draft = self.draft
        if draft is not None and draft[0] == threading.get_ident():
            return draft[1]
        return self._current

    def begin(self) -> None:
        """
        Let the calling thread begin without cookies, as one who logs in does.

        The other threads go on with those that there are until :meth:`keep`. Only one thread may
        do it at a time, and sets ``draft`` to ``None`` in the end.
        """
        self.draft = (threading.get_ident(), self._new())

    def keep(self) -> None:
        """Let all threads go on with what the calling one has begun."""
        self._current = self.here

    def close(self) -> None:
        """Close the connections that nobody uses at the moment, and the others after their use."""
        self._connections.close()

    def _new(self) -> requests.Session:
        session = requests.Session()
        session.cookies = _Jar() if self._endpoint.secure else _PlainJar()
        # No login of a .netrc file, and no certificates that the environment names.
        session.trust_env = False
        session.mount("https://", self._connections)
        session.mount("http://", self._connections)
        return session

    def _renew(self) -> None:
        if self.draft is not None and self.draft[0] != threading.get_ident():
            self.draft = None
        for session in {self._current, self.here}:
            if isinstance(session.cookies, _Jar):
                session.cookies.renew_lock()
