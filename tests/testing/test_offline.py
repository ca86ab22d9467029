from __future__ import annotations

import ast
import asyncio
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
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


NEAR = ("127.0.0.1", 9)


def datagram(method: str, *arguments: Any) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as plain:
        getattr(plain, method)(*arguments)


# The functions are those from before the block, as modules have them that were imported earlier.
ATTEMPTS: dict[str, Callable[[], object]] = {
    **{
        function.__name__: partial(function, "nuv.la")
        for function in (socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr)
    },
    "getaddrinfo": partial(socket.getaddrinfo, "nuv.la", 443),
    "getfqdn": partial(socket.getfqdn, "nuv.la"),
    "getnameinfo": partial(socket.getnameinfo, ("nuv.la", 443), 0),
    "create_connection": partial(socket.create_connection, ("nuv.la", 443)),
    "event loop": lambda: asyncio.run(asyncio.open_connection("nuv.la", 443)),
    "connect": partial(datagram, "connect", NEAR),
    "connect_ex": partial(datagram, "connect_ex", NEAR),
    "sendto": partial(datagram, "sendto", b"x", NEAR),
    "sendmsg": partial(datagram, "sendmsg", [b"x"], [], 0, NEAR),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_network_blocked_looks_up_no_name_and_sends_nothing(
    attempt: Callable[[], object],
) -> None:
    with network_blocked() as attempts, pytest.raises(NetworkBlockedError) as caught:
        attempt()
    assert "nuv.la" in attempts[0] or attempts == [str(NEAR)]
    assert attempts[0] in str(caught.value)


def test_network_blocked_holds_for_other_threads_until_it_ends() -> None:
    def connect() -> None:
        with socket.socket() as plain, pytest.raises(NetworkBlockedError):
            plain.connect(NEAR)

    with network_blocked() as attempts:
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    assert attempts == [str(NEAR)]
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
