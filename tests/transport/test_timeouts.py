from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from servers import Serve, dribbling, listening, mute

from slipstream.errors import AnswerLost
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NoAnswer
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.connections import RESPONSE_FACTOR
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint

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


@pytest.mark.parametrize("how", ENDLESS)
def test_no_server_keeps_a_request_waiting_for_ever(how: str) -> None:
    settings = TransportSettings(connect_timeout=0.1, read_timeout=0.1)
    with listening(ENDLESS[how]) as port:
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"), settings)
        started = time.monotonic()
        with pytest.raises(AnswerLost, match=r"in time|timed out"):
            transport.send(Request(method="POST", path="/x", body=b"{}"))
        transport.close()
    assert time.monotonic() - started < 0.1 * RESPONSE_FACTOR + 0.5


@pytest.mark.parametrize("options", [{}, {"ex_endpoint_kind": "slipstream"}, {"api_version": "2"}])
def test_making_a_driver_ends_too_where_the_server_says_nothing(options: dict[str, Any]) -> None:
    started = time.monotonic()
    with (
        listening(mute) as port,
        pytest.raises(NoAnswer, match=rf"127\.0\.0\.1:{port}.*timed out"),
    ):
        SlipStreamNodeDriver(
            "alice",
            "secret",
            ex_endpoint=f"http://127.0.0.1:{port}",
            timeout=0.05,
            retry_delay=0.001,
            **options,
        )
    assert time.monotonic() - started < 1


def test_a_server_that_accepts_no_connection_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        port, waiting = full.getsockname()[1], []
        for _ in range(4):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            waiting.append(connection)
        with pytest.raises(NoAnswer, match="Cannot connect") as caught:
            SlipStreamNodeDriver(
                "alice",
                "secret",
                ex_endpoint=f"http://127.0.0.1:{port}",
                timeout=0.05,
                retry_delay=0.001,
            )
        for connection in waiting:
            connection.close()
    assert not caught.value.may_have_happened


def test_a_server_that_sends_little_by_little_is_read_to_the_end() -> None:
    def slow(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            time.sleep(0.03)
            connection.sendall(b"x")

    settings = TransportSettings(connect_timeout=0.15, read_timeout=0.15)
    with listening(slow) as port:
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"), settings)
        assert transport.send(Request(method="GET", path="/")).body == b"x" * 12
        transport.close()


def test_a_connection_is_used_again_whatever_its_last_deadline_was() -> None:
    settings = TransportSettings(connect_timeout=0.1, read_timeout=0.1)
    with Sandbox(speed=0) as sandbox:
        transport = Transport(Endpoint.parse(sandbox.url), settings)
        for _ in range(3):
            transport.send(Request(method="GET", path="/api/cloud-entry-point"))
            time.sleep(0.12)
        slow = Request(method="GET", path="/api/cloud-entry-point", read_timeout=2)
        sandbox.faults.add("GET", "/api/cloud-entry-point", delay=0.3)
        assert transport.send(slow).status == 200
        transport.close()


def test_a_minute_is_allowed_when_nothing_is_said(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    assert driver.connection.timeout == driver._session.transport.settings.read_timeout == 60
    assert endpoint.login(timeout=None).connection.timeout == 60
    assert endpoint.login(timeout=2).connection.timeout == 2
