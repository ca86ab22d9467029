"""Answers that must come to an end: a server that sends byte by byte is not waited for."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse
from typing import Any, Final

from slipstream.transport import clock

PATIENCE: Final = 10
"""
How many times as long as the head of an answer, or a silence in it, the whole may take.

A timeout of a socket begins anew with each byte, so that it ends no answer that only trickles.
"""


class _Timed(io.RawIOBase):
    """
    The bytes of an answer, up to a deadline.

    :param raw: Where they come from.
    :param sock: The socket beneath.
    :param silence: Seconds to wait for the next ones.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, silence: float) -> None:
        super().__init__()
        self._raw, self._sock, self._silence = raw, sock, silence
        self.deadline = clock.monotonic() + silence

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - clock.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        self._sock.settimeout(min(left, self._silence))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class PatientResponse(HTTPResponse):
    """An answer whose head comes within the timeout, and whose body within a multiple of it."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._silence = sock.gettimeout()
        self._timed: _Timed | None = None
        if self._silence is not None:
            self._timed = _Timed(self.fp.detach(), sock, self._silence)
            self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        if self._timed is not None and self._silence is not None:
            self._timed.deadline += (PATIENCE - 1) * self._silence


class PatientPool:
    """
    Goes before one of urllib3's pools, so that its connections read answers in that way.

    Nor does it warn with every request where certificates are not checked: whoever switched
    that off is told once.
    """

    scheme: str | None

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()  # type: ignore[misc]  # of the pool behind
        connection.response_class = PatientResponse
        return connection

    def _validate_conn(self, conn: Any) -> None:
        if self.scheme == "https" and conn.is_closed:
            conn.connect()
