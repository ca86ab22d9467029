from __future__ import annotations

import ast
import asyncio
import socket
import threading
import time
from pathlib import Path
from typing import Any

import libcloud.compute.base
import libcloud.utils.retry
import pytest

import slipstream
from slipstream.testing.offline import NetworkBlockedError, instant_sleep, network_blocked
from slipstream.transport import calls

PACKAGE = Path(slipstream.__file__).parent
OF_THEIR_OWN = {
    "transport/calls.py": "the one place",
    "testing/offline.py": "replaces it",
    "conformance/changes.py": "knows libcloud's base alone",
    "cli/sandbox.py": "waits for a signal",
}
"""Modules that may name ``time.sleep``, and why; the sandbox waits in a process of its own."""


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("getaddrinfo", ("nuv.la", 443)),
        ("gethostbyname", ("nuv.la",)),
        ("gethostbyname_ex", ("nuv.la",)),
        ("gethostbyaddr", ("nuv.la",)),
        ("getfqdn", ("nuv.la",)),
        ("getnameinfo", (("nuv.la", 443), 0)),
        ("create_connection", (("nuv.la", 443),)),
    ],
)
@pytest.mark.parametrize("imported_before", [True, False])
def test_network_blocked_looks_up_no_name(
    function: str, arguments: tuple[Any, ...], imported_before: bool
) -> None:
    look_up = getattr(socket, function)
    with network_blocked() as attempts, pytest.raises(NetworkBlockedError, match=r"nuv\.la"):
        (look_up if imported_before else getattr(socket, function))(*arguments)
    assert "nuv.la" in attempts[0]


def test_network_blocked_holds_for_event_loops() -> None:
    with network_blocked() as attempts, pytest.raises(NetworkBlockedError):
        asyncio.run(asyncio.open_connection("nuv.la", 443))
    assert "nuv.la" in attempts[0]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("connect", (("127.0.0.1", 9),)),
        ("connect_ex", (("127.0.0.1", 9),)),
        ("sendto", (b"x", ("127.0.0.1", 9))),
        ("sendmsg", ([b"x"], [], 0, ("127.0.0.1", 9))),
    ],
)
def test_network_blocked_sends_nothing(method: str, arguments: tuple[Any, ...]) -> None:
    with (
        network_blocked() as attempts,
        socket.socket(type=socket.SOCK_DGRAM) as plain,
        pytest.raises(NetworkBlockedError),
    ):
        getattr(plain, method)(*arguments)
    assert attempts == ["('127.0.0.1', 9)"]


def test_network_blocked_holds_for_other_threads_until_it_ends() -> None:
    def connect() -> None:
        with socket.socket() as plain, pytest.raises(NetworkBlockedError):
            plain.connect(("127.0.0.1", 9))

    with network_blocked() as attempts:
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    assert attempts == ["('127.0.0.1', 9)"]
    assert socket.getaddrinfo("127.0.0.1", 9)


def test_network_blocked_lets_processes_of_this_machine_talk(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with (
        network_blocked(),
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
    ):
        server.bind(address)
        server.listen()
        client.connect(address)
        client.sendmsg([b"x"])


@pytest.mark.parametrize(
    "module",
    [calls, libcloud.compute.base, libcloud.utils.retry],
    ids=["package", "libcloud", "retry"],
)
def test_instant_sleep_takes_no_time_but_moves_the_clock(module: Any) -> None:
    started = time.monotonic()
    seconds: list[float] = []
    with instant_sleep(slept=seconds.append):
        before = calls.monotonic()
        module.time.sleep(3600)
        module.time.sleep(2)
        assert calls.monotonic() - before >= 3602
        assert calls.now() - time.time() > 3500
    assert seconds == [3600, 2]
    assert time.monotonic() - started < 60
    assert calls.now() - time.time() < 60


def test_package_sleeps_in_one_module() -> None:
    sleeping = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep")
        or (isinstance(node, ast.ImportFrom) and node.module == "time")
    }
    assert {name for name in sleeping if not name.startswith("sandbox/")} <= OF_THEIR_OWN.keys()
    assert "transport/calls.py" in sleeping
