"""A proxy between the driver and a server, which answers one of the requests with a fault."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import attrs

from slipstream.testing.faults import Reply

Respond = Callable[["Exchange"], None]

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


def end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that are not of one connection alone."""
    return [(name, value) for name, value in headers if name.lower() not in _HOP]


@attrs.define
class Exchange:
    """
    One request, and the connection to respond on.

    :param forwards: Whether a fault may hand the request on to the server.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket
    ask: Callable[[Exchange], Reply]
    forwards: bool = True
    hung_up: bool = False

    @property
    def is_change(self) -> bool:
        """Whether it may change something: a form by PUT is a search, and a login is no change."""
        if self.method in {"GET", "HEAD"} or self.path.startswith("/api/session"):
            return False
        return not (self.method == "PUT" and "form" in self.headers.get("content-type", ""))

    def reply(self) -> Reply:
        """The server's own response."""
        return self.ask(self)

    def send(
        self, status: int, headers: list[tuple[str, str]], body: bytes, *, framed: bool = True
    ) -> None:
        """Send a response; a header's value may hold any byte of Latin-1."""
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
        if framed:
            lines.append(f"Content-Length: {len(body)}")
        self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def pass_on(self) -> None:
        """Send what the server answers."""
        reply = self.reply()
        self.send(reply.status, end_to_end(reply.headers), reply.body)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection, with a reset where one is wanted."""
        self.hung_up = True
        if reset:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.connection.close()
        else:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


@attrs.define
class Proxy:
    """
    A running proxy.

    :param url: Where it listens.
    :param target: The server that it stands before.
    :param plan: Chooses the fault for a request, ``None`` to pass it on.
    :param seen: The requests since ``begin``.
    """

    url: str = ""
    target: str = ""
    plan: Callable[[int, Exchange], Respond | None] = lambda _, __: None
    seen: list[Exchange] = attrs.field(factory=list)
    released: threading.Event = attrs.field(factory=threading.Event)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def begin(self, target: str, plan: Callable[[int, Exchange], Respond | None]) -> None:
        """Count requests anew, and choose faults by a plan."""
        self.released.set()
        self.released = threading.Event()
        self.target, self.plan, self.seen = target, plan, []

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while True:
                first = stream.readline().decode("latin-1").split()
                if len(first) != 3:
                    return
                headers = {}
                while line := stream.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length") or 0))
                exchange = Exchange(first[0], first[1], headers, body, connection, self._ask)
                with self._lock:
                    self.seen.append(exchange)
                    respond = self.plan(len(self.seen), exchange)
                if respond is None:
                    exchange.pass_on()
                else:
                    respond(exchange)
                if exchange.hung_up:
                    return

    def _ask(self, exchange: Exchange) -> Reply:
        behind = HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            headers = {k: v for k, v in exchange.headers.items() if k != "accept-encoding"}
            behind.request(exchange.method, exchange.path, exchange.body, headers)
            response = behind.getresponse()
            return Reply(response.status, tuple(response.getheaders()), response.read())
        finally:
            behind.close()


@contextmanager
def running() -> Iterator[Proxy]:
    """A proxy, until the block ends."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    proxy = Proxy(f"http://127.0.0.1:{server.getsockname()[1]}")

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=proxy.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
