from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

Driver = SlipStreamNodeDriver
Login = Callable[..., Driver]

WORDPRESS = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
FAILING = "examples/tutorials/failing"
UBUNTU = "examples/images/ubuntu-16.04"
NOBODYS_RUN = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
READING = {"GET", "HEAD"}


def changes(sandbox: Sandbox) -> list[tuple[str, str]]:
    """The requests that may have changed something; a PUT on a collection is a search."""
    return [
        (entry.method, entry.path)
        for entry in sandbox.journal
        if entry.method not in READING
        and not (entry.method == "PUT" and entry.path.startswith("/api/"))
    ]


def logins(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("POST", "/api/session"))


def sent_form(sandbox: Sandbox) -> dict[str, str]:
    """The fields of the only deployment that was asked for."""
    (post,) = sandbox.journal.entries("POST", "/run")
    assert post.form is not None
    assert all(len(values) == 1 for values in post.form.values())
    return {name: values[0] for name, values in post.form.items()}


class Stub:
    """A server that answers everything in one way, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []


Respond = Callable[[str, str], tuple[int, dict[str, str], bytes]]


@contextmanager
def stub_server(respond: Respond, *, tls: SSLContext | None = None) -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stub.seen.append((self.command, self.path))
            stub.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, headers, body = respond(self.command, self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stub = Stub(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
