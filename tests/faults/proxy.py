"""A proxy between the driver and a server, which responds to one of the requests with a fault."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from servers import listening

from slipstream.testing.faults import Reply

Respond = Callable[["Exchange"], None]
Plan = Callable[[int, "Exchange"], Respond | None]

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


def end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that are not of one connection alone."""
    return [(name, value) for name, value in headers if name.lower() not in _HOP]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the connection to respond on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy  # type: ignore[assignment]
    body = b""
    forwards = True
    """Whether a fault may hand the request on to the server."""

    def handle_request(self) -> None:
        """Respond as the plan says."""
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.forwards = True
        with self.server.lock:
            self.server.seen.append(copy(self))  # a connection has one handler
            respond = self.server.plan(len(self.server.seen), self)
        (respond or Exchange.pass_on)(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815 - looked up

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    @property
    def is_change(self) -> bool:
        """Whether it may change something: a form by PUT is a search, and a login is no change."""
        if self.command in {"GET", "HEAD"} or self.path.startswith("/api/session"):
            return False
        return not (self.command == "PUT" and "form" in self.headers.get("content-type", ""))

    def reply(self) -> Reply:
        """The server's own response."""
        behind = HTTPConnection(urlsplit(self.server.target).netloc, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "accept-encoding"}
            behind.request(self.command, self.path, self.body, headers)
            response = behind.getresponse()
            return Reply(response.status, tuple(response.getheaders()), response.read())
        finally:
            behind.close()

    def send(
        self, status: int, headers: list[tuple[str, str]], body: bytes, *, framed: bool = True
    ) -> None:
        """Send a response; a header's value may hold any byte of Latin-1."""
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
        if framed:
            lines.append(f"Content-Length: {len(body)}")
        self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(data)

    def pass_on(self) -> None:
        """Send the server's own response."""
        reply = self.reply()
        self.send(reply.status, end_to_end(reply.headers), reply.body)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection."""
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()


class Proxy:
    """A proxy, which keeps the requests since ``begin``."""

    url = ""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begin("")

    def begin(self, target: str, plan: Plan = lambda _, __: None) -> None:
        """Count requests anew, and choose a fault for each by a plan, which may pass it on."""
        self.target, self.plan = target, plan
        self.seen: list[Exchange] = []


@contextmanager
def running() -> Iterator[Proxy]:
    """A proxy, until the block ends."""
    proxy: Any = Proxy()

    def serve(connection: socket.socket) -> None:
        with suppress(Exception):  # the other end may hang up at any time
            Exchange(connection, None, proxy)

    with listening(serve) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        yield proxy
