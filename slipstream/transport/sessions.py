"""Which cookies a request carries: those of the login, or of the one that is being made."""

from __future__ import annotations

import threading
from collections.abc import Callable

from slipstream.forking import renew_in_children
from slipstream.transport.cookies import EndpointCookieJar


class HTTPSessions:
    """The cookie jars of a transport, for a session that does not pass them by itself."""

    def __init__(self, new_jar: Callable[[], EndpointCookieJar]) -> None:
        self._new_jar = new_jar
        self._current = new_jar()
        self.draft: tuple[int, EndpointCookieJar] | None = None
        renew_in_children(self, HTTPSessions._renew)

    @property
    def here(self) -> EndpointCookieJar:
        """The jar of the calling thread."""
        draft = self.draft
        if draft is not None and draft[0] == threading.get_ident():
            return draft[1]
        return self._current

    def begin(self) -> None:
        """Let the calling thread begin without cookies."""
        self.draft = (threading.get_ident(), self._new_jar())

    def keep(self) -> None:
        """Let all threads go on with the cookies of the calling one."""
        self._current = self.here

    def _renew(self) -> None:
        if self.draft is not None and self.draft[0] != threading.get_ident():
            self.draft = None
