"""Connections to one endpoint, and how responses are read from them."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from slipstream.transport import clock

RESPONSE_FACTOR: Final = 10
"""
How many times as long as the timeout for the next bytes a whole response may take.

A timeout of a socket begins anew with each byte, so that it ends no response that trickles.
"""

MAX_BYTES: Final = 128 * 1024 * 1024
"""Bytes that a response may have, on the wire and once decompressed."""


class _BoundedStream(io.RawIOBase):
    """
    The bytes of one response, up to a time and a number.

    :param sock: The socket that they come from, its timeout set.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._deadline = clock.monotonic() + RESPONSE_FACTOR * (self._timeout or 0.0)
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._timeout is not None:
            left = self._deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError("the response is not complete in time")
            self._sock.settimeout(min(left, self._timeout))
        if self._bytes > MAX_BYTES:
            raise OSError(f"the response is larger than {MAX_BYTES} bytes")
        number = self._stream.readinto(buffer)
        self._bytes += number or 0
        return number

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _Socket:
    """Gives a response a bounded stream; nothing else of a socket is used by responses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_BoundedStream(self._sock))


class FinalResponse(HTTPResponse):
    """A response that is bounded, and that is not an interim one."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Socket(sock), *args, **kwargs)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head, skipping interim responses, of which the library skips 100 alone."""
        super().begin()
        while 100 <= self.status < 200:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _HTTPConnection(HTTPConnection):
    response_class = FinalResponse


class _HTTPSConnection(HTTPSConnection):
    response_class = FinalResponse

    def connect(self) -> None:
        super().connect()
        # Where certificates are not checked the transport has warned once; urllib3 would warn
        # again with every request.
        self.is_verified = True


_CLASSES: dict[Any, Any] = {HTTPConnection: _HTTPConnection, HTTPSConnection: _HTTPSConnection}


class Connections(HTTPAdapter):
    """
    The connections of one transport.

    :param number: How many are kept open.
    """

    def __init__(self, number: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=number, pool_block=False)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Find the pool for a request."""
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        # A tool that records or replays traffic puts classes of its own here, which stay.
        used = type(pool).ConnectionCls
        pool.ConnectionCls = _CLASSES.get(used, used)
        return pool
