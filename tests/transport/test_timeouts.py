from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from servers import Serve, dribbling, listening, mute

from slipstream.errors import AnswerLost
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NoAnswer
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.client import RESPONSE_FACTOR
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint

ENTRY = "/api/cloud-entry-point"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS: dict[str, Serve] = {
    "says nothing": mute,
    "dribbles its status": dribbling(b"HTTP/1.1 2"),
    "dribbles its headers": dribbling(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "dribbles its body": dribbling(PLAIN + b"Content-Length: 9999\r\n\r\n"),
    "dribbles to the end": dribbling(PLAIN + b"\r\n"),
    "dribbles a chunk": dribbling(PLAIN + b"Transfer-Encoding: chunked\r\n\r\n270f\r\n"),
    "dribbles a size": dribbling(PLAIN + b"Transfer-Encoding: chunked\r\n\r\n1;"),
}


@contextmanager
def transport_to(url: str, timeout: float) -> Iterator[Transport]:
    settings = TransportSettings(connect_timeout=timeout, read_timeout=timeout)
    transport = Transport(Endpoint.parse(url), settings)
    yield transport
    transport.close()


@pytest.mark.parametrize("how", ENDLESS)
def test_no_server_keeps_a_request_waiting_for_ever(how: str) -> None:
    with (
        listening(ENDLESS[how]) as port,
        transport_to(f"http://127.0.0.1:{port}", 0.1) as transport,
    ):
        started = time.monotonic()
        with pytest.raises(AnswerLost, match=r"in time|timed out"):
            transport.send(Request(method="POST", path="/x", body=b"{}"))
        assert time.monotonic() - started < 0.1 * RESPONSE_FACTOR + 0.5


def make_driver(port: int, **options: Any) -> SlipStreamNodeDriver:
    options |= {"ex_endpoint": f"http://127.0.0.1:{port}", "retry_delay": 0.001}
    return SlipStreamNodeDriver("alice", "secret", timeout=0.05, **options)


@pytest.mark.parametrize("options", [{}, {"ex_endpoint_kind": "slipstream"}, {"api_version": "2"}])
def test_making_a_driver_ends_too_where_the_server_says_nothing(options: dict[str, Any]) -> None:
    started = time.monotonic()
    with listening(mute) as port, pytest.raises(NoAnswer, match=f":{port}.*timed out"):
        make_driver(port, **options)
    assert time.monotonic() - started < 1


def test_a_server_that_accepts_no_connection_is_not_waited_for() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(NoAnswer, match="Cannot connect") as caught:
            make_driver(full.getsockname()[1])
    assert not caught.value.may_have_happened


def test_a_server_that_sends_little_by_little_is_read_to_the_end() -> None:
    def slow(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            time.sleep(0.03)
            connection.sendall(b"x")

    with listening(slow) as port, transport_to(f"http://127.0.0.1:{port}", 0.15) as transport:
        assert transport.send(Request(method="GET", path="/")).body == b"x" * 12


def test_a_connection_is_used_again_whatever_its_last_deadline_was() -> None:
    read, slow = (Request(method="GET", path=ENTRY, read_timeout=seconds) for seconds in (None, 2))
    with Sandbox(speed=0) as sandbox, transport_to(sandbox.url, 0.1) as transport:
        for _ in range(3):
            transport.send(read)
            time.sleep(0.12)
        sandbox.faults.add("GET", ENTRY, delay=0.3)
        assert transport.send(slow).status == 200
