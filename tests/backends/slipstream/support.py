from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from endpoints_under_test import changed
from servers import listening

from backends.support import JSON, KEY, OTHER_KEY, WORDPRESS, XML, Driver, Login, logins
from slipstream.sandbox import Sandbox

__all__ = ["JSON", "KEY", "OTHER_KEY", "WORDPRESS", "XML", "Driver", "Login", "changed", "logins"]

SYSTEM = "examples/tutorials/service-testing/system"
FAILING = "examples/tutorials/failing"
UBUNTU = "examples/images/ubuntu-16.04"
NOBODYS_RUN = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"


def sent_form(sandbox: Sandbox) -> dict[str, str]:
    """The fields of the only deployment that was asked for."""
    (post,) = sandbox.journal.entries("POST", "/run")
    assert post.form is not None
    assert all(len(values) == 1 for values in post.form.values())
    return {name: values[0] for name, values in post.form.items()}


Respond = Callable[[str, str], tuple[int, dict[str, str], bytes]]


@contextmanager
def stub_server(respond: Respond) -> Iterator[tuple[str, list[str]]]:
    """A server whose responses a function makes up: its address, and the methods it is sent."""
    methods: list[str] = []

    def serve(connection: socket.socket) -> None:
        while received := connection.recv(65536):
            method, *path = received.partition(b"\r\n")[0].decode().split(" ")
            if len(path) != 2:  # the body of the request before
                continue
            methods.append(method)
            status, headers, body = respond(method, path[0])
            fields = {**headers, "Content-Length": len(body)}
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            connection.sendall(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}", methods
