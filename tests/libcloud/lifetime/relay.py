"""A server that hands on to another one, and may stop in the middle of an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_NOT_HANDED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Relay:
    """
    What is known of a relay.

    :param url: Where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.released = threading.Event()
        self._halfway: Callable[[], None] | None = None

    def stop_halfway(self, then: Callable[[], None]) -> None:
        """In the middle of the next body, do something, and go on when ``released`` is set."""
        self._halfway = then

    def send(self, file: Any, body: bytes) -> None:
        halfway, self._halfway = self._halfway, None
        if halfway is None:
            file.write(body)
            return
        middle = len(body) // 2
        file.write(body[:middle])
        file.flush()
        halfway()
        self.released.wait(20)
        file.write(body[middle:])


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            behind = HTTPConnection(urlsplit(url).netloc)
            behind.request(self.command, self.path, body, dict(self.headers))
            with behind.getresponse() as answer:
                content = answer.read()
            behind.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _NOT_HANDED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            relay.send(self.wfile, content)

        do_GET = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is what this is about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    relay = Relay(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield relay
    finally:
        relay.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
