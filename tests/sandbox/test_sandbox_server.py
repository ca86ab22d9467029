from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sandbox.client import FORM, Client
from slipstream.sandbox import Clock, Sandbox

ENTRY = "/api/cloud-entry-point"


@pytest.fixture
def connection(sandbox: Sandbox) -> Iterator[socket.socket]:
    with socket.create_connection(address(sandbox), timeout=10) as opened:
        yield opened


def address(sandbox: Sandbox) -> tuple[str, int]:
    host, port = sandbox.url.removeprefix("http://").split(":")
    return host, int(port)


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]).encode()


def test_connection_serves_many_requests(connection: socket.socket) -> None:
    for _ in range(3):
        connection.sendall(head("GET", ENTRY, "", ""))
        received = b""
        while b"virtualMachines" not in received or not received.endswith(b"}\n}"):
            received += connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 200 OK")


def test_body_in_chunks_is_read(alice: Client) -> None:
    parts = iter([b"refqname=apps/WordPress", b"/wordpress"])
    answer = alice.post("/run", data=parts, headers={"Content-Type": FORM})
    assert answer.status_code == 201


def test_stopped_sandbox_hangs_up_and_starts_again_where_it_was(
    sandbox: Sandbox, alice: Client
) -> None:
    uuid, url = alice.deploy("apps/WordPress/wordpress"), sandbox.url
    for _ in range(2):
        sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        alice.get(ENTRY)
    for _ in range(2):
        sandbox.start()
    assert sandbox.url == url
    assert alice.xml(f"/run/{uuid}").get("uuid") == uuid


def test_requests_at_the_same_time_are_all_served(sandbox: Sandbox, alice: Client) -> None:
    def deploy(_: int) -> str:
        return Client(sandbox, sandbox.users["alice"]).deploy("apps/WordPress/wordpress")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(deploy, range(16)))) == 16
    assert alice.xml("/run").get("totalCount") == "16"
    with Sandbox(clock=Clock(speed=0)) as other:
        assert Client(other, other.users["alice"]).xml("/run").get("totalCount") == "0"


def test_arguments_that_are_none_are_refused(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=port).start()
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"family": "cloudstack"}, "slipstream and nuvla are"),
        ({"front": "varnish"}, "try 'vendor'"),
        ({"front": "vendor", "family": "nuvla"}, "leave front out"),
    )
    for options, advice in cases:
        with pytest.raises(ValueError, match=advice):
            Sandbox(**options)


def test_journal_keeps_what_was_sent(sandbox: Sandbox, alice: Client) -> None:
    sandbox.journal.clear()
    alice.put("/api/service-offer?x=1", data={"$last": "0"})
    alice.post("/api/event", json={"type": "alarm"})
    Client(sandbox).get("/run")
    search, added, anonymous = sandbox.journal
    assert (search.method, search.path, search.status) == ("PUT", "/api/service-offer", 200)
    assert (search.query, search.form, search.json) == ({"x": ["1"]}, {"$last": ["0"]}, None)
    assert (added.json, added.form, added.user) == ({"type": "alarm"}, None, "alice")
    assert added.headers["content-type"] == "application/json"
    assert (anonymous.user, anonymous.status) == (None, 401)
    assert sandbox.journal.entries("GET", "/run") == [anonymous]
    assert sandbox.journal[1:] == [added, anonymous]
    assert len(sandbox.journal) == 3
    Client(sandbox, sandbox.users["alice"])
    assert sandbox.password not in repr(sandbox.journal.entries()) + repr(sandbox.users)


def test_package_does_not_load_the_web_framework() -> None:
    code = "import sys, slipstream.cli, slipstream.__main__; print('flask' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_address_of_the_sixth_version_works() -> None:
    try:
        started = Sandbox(host="::1", clock=Clock(speed=0))
        started.start()
    except OSError:
        pytest.skip("This machine has no IPv6.")
    with started:
        assert started.url.startswith("http://[::1]:")
        assert started.is_loopback
        assert Client(started, started.users["alice"]).get("/run").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("127.0.0.1", "localhost:8080", "sandbox.localhost")),
        *((host, 200) for host in ("[::1]:80", "LOCALHOST.", "nuvla.example.org:443")),
        *((host, 421) for host in ("evil.example.org", "127.0.0.1.evil.example.org")),
        *((host, 421) for host in ("192.0.2.1", "[::1", "evil.example.org@127.0.0.1")),
        *((host, 421) for host in ("127.0.0.1/evil.example.org", "localhost:x")),
        *((host, 421) for host in (".localhost", ".", "localhost..", "127.0.0.1..")),
    ],
)
def test_only_names_of_this_machine_and_those_allowed_are_served(host: str, status: int) -> None:
    with Sandbox(allowed_hosts=["nuvla.example.org"]) as sandbox:
        answer = requests.get(sandbox.url + ENTRY, headers={"Host": host}, timeout=5)
    assert answer.status_code == status


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_body_that_nests_too_deep_is_refused(family: str) -> None:
    with Sandbox(family=family) as sandbox:
        answer = requests.post(
            f"{sandbox.url}/api/session",
            "[" * 200_000,
            headers={"Content-Type": "application/json"},
            timeout=5,
        )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        (b"POST /api/session HTTP", b""),
        (head("POST", "/api/session", "Content-Length: 9", "", "{"), b"HTTP/1.1 400"),
    ],
)
def test_connection_that_falls_silent_ends(
    monkeypatch: pytest.MonkeyPatch, part: bytes, answer: bytes
) -> None:
    monkeypatch.setattr("slipstream.sandbox.server._Handler.timeout", 0.1)
    with Sandbox() as sandbox, socket.create_connection(address(sandbox), timeout=5) as opened:
        opened.sendall(part)
        received = b"".join(iter(lambda: opened.recv(65536), b""))
        assert received[:12] == answer


def test_body_in_chunks_without_end_is_refused(connection: socket.socket) -> None:
    connection.sendall(head("POST", "/api/session", "Transfer-Encoding: chunked", "", ""))
    chunk = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    with pytest.raises(ConnectionError):
        connection.sendall(chunk * 64)


def test_connections_beyond_a_number_are_turned_away(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.sandbox.server.MOST_CONNECTIONS", 2)
    with (
        socket.create_connection(address(sandbox), timeout=5),
        socket.create_connection(address(sandbox), timeout=5),
    ):
        response = requests.get(sandbox.url + ENTRY, timeout=5)
    assert response.status_code == 503
    # The server notices a little later that the others have gone.
    end = time.monotonic() + 30
    while response.status_code == 503 and time.monotonic() < end:
        time.sleep(0.01)
        response = requests.get(sandbox.url + ENTRY, timeout=5)
    assert response.status_code == 200


def test_password_and_seed_can_be_chosen() -> None:
    chosen = Sandbox(password="mine", seed=1)
    assert (chosen.password, chosen.users["bob"].password) == ("mine", "bob-mine")
    assert chosen.secret != Sandbox().secret == Sandbox().secret
    assert Sandbox().password == "alice-in-the-sandbox"


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("Expect: 100-continue\r\nContent-Length: 1", "", 100),
        ("Content-Length: 99999999999", "", 413),
        ("Content-Length: -1", "", 400),
        ("Content-Length: x", "", 400),
        ("Content-Length: 1_0", "1234567890", 400),
        ("Transfer-Encoding: chunked", "x\r\n", 400),
        ("Transfer-Encoding: chunked", "-1\r\n", 400),
        ("Transfer-Encoding: chunked", "1\r\nabc\r\n", 400),
    ],
)
def test_body_is_expected_or_refused_unread(
    connection: socket.socket, line: str, body: str, status: int
) -> None:
    connection.sendall(head("POST", "/api/session", line, "", body))
    assert connection.recv(1024).startswith(f"HTTP/1.1 {status} ".encode())
