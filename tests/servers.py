"""Servers and proxies between a driver and its sandbox."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import attrs

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(
    serve: Serve, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A TCP server that hands each connection to a function, in a thread of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, 0), family=family)
    over = threading.Event()

    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            serve(connection)

    def run() -> None:
        while not over.is_set():
            if select.select([server], [], [], 0.02)[0]:
                connection, _ = server.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        thread.join()
        server.close()


def joined(near: socket.socket, far: socket.socket) -> None:
    """Pass data on in both directions, until one end hangs up."""
    others = {near: far, far: near}
    while True:
        pending = [end for end in others if isinstance(end, ssl.SSLSocket) and end.pending()]
        for end in pending or select.select(list(others), [], [])[0]:
            data = end.recv(65536)
            if not data:
                return
            others[end].sendall(data)


@contextmanager
def front(
    url: str, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Another address for a server, encrypted if there is something to do it with."""
    target = urlsplit(url)
    name = "localhost" if tls else f"[{host}]" if ":" in host else host

    def serve(near: socket.socket) -> None:
        with socket.create_connection((target.hostname, target.port)) as far:
            joined(near, far)

    with listening(serve, host=host, tls=tls) as port:
        yield f"{'https' if tls else 'http'}://{name}:{port}"


def read_request(connection: socket.socket) -> tuple[bytes, str, str]:
    """The bytes of a request that have come with its head, its method and its target."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    method, target, _ = data.decode("latin-1").split(" ", 2)
    return data, method, target


def pass_on(near: socket.socket, data: bytes, target: str, path: str, far: socket.socket) -> None:
    """Pass one request on under another path, and what follows in both directions."""
    closing = data.replace(b"Connection: keep-alive", b"Connection: close")
    far.sendall(closing.replace(target.encode(), path.encode(), 1))
    joined(near, far)


@contextmanager
def below(base: str, url: str) -> Iterator[tuple[str, list[str]]]:
    """A server below a base path, and the paths of its requests."""
    requests: list[str] = []
    server = urlsplit(url)

    def serve(near: socket.socket) -> None:
        data, _, target = read_request(near)
        requests.append(target)
        with socket.create_connection((server.hostname, server.port)) as far:
            pass_on(near, data, target, target.removeprefix(base), far)

    with listening(serve) as port:
        yield f"http://localhost:{port}{base}", requests


@attrs.define
class Proxy:
    """A proxy that is running, and its requests."""

    url: str
    requests: list[str] = attrs.field(factory=list)


@contextmanager
def proxy(login: str | None = None) -> Iterator[Proxy]:
    """A proxy for http and https; with a login, for clients that send it."""
    credentials = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"

    def serve(near: socket.socket) -> None:
        data, method, target = read_request(near)
        running.requests.append(f"{method} {target}")
        lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        fields = dict(line.split(": ", 1) for line in lines)
        if credentials is not None and fields.get("Proxy-Authorization") != credentials:
            near.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
            )
            return
        place = target if method == "CONNECT" else urlsplit(target).netloc
        host, _, port = place.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as far:
            if method == "CONNECT":
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                joined(near, far)
            else:
                pass_on(near, data, target, target.partition(place)[2] or "/", far)

    with listening(serve) as port:
        running = Proxy(f"http://127.0.0.1:{port}")
        yield running


def mute(connection: socket.socket) -> None:
    """Accept and say nothing."""
    while connection.recv(65536):
        pass


def dribbling(head: bytes, pause: float = 0.02) -> Serve:
    """Send the head of a response at once, and then byte after byte, without end."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(2000):
            connection.sendall(b"x")
            time.sleep(pause)

    return serve
