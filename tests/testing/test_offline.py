from __future__ import annotations

import socket
import sys
import threading
import time
import types

import pytest

from slipstream.testing.offline import NetworkBlockedError, instant_sleep, network_blocked


def test_names_are_not_looked_up():
    with network_blocked() as attempts, pytest.raises(NetworkBlockedError, match=r"nuv\.la"):
        socket.getaddrinfo("nuv.la", 443)
    assert attempts == ["nuv.la"]


def test_other_threads_are_kept_off_the_network_too():
    def connect():
        with socket.socket() as plain, pytest.raises(NetworkBlockedError):
            plain.connect(("127.0.0.1", 9))

    with network_blocked() as attempts:
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    assert attempts == ["('127.0.0.1', 9)"]


def test_processes_of_this_machine_may_still_talk(tmp_path):
    address = str(tmp_path / "s")
    with (
        network_blocked(),
        socket.socket(socket.AF_UNIX) as one,
        socket.socket(socket.AF_UNIX) as other,
    ):
        one.bind(address)
        one.listen()
        other.connect(address)


def test_the_network_is_back_afterwards():
    with network_blocked():
        pass
    assert socket.getaddrinfo("127.0.0.1", 9)


def test_sleeping_takes_no_time_but_the_clock_moves(monkeypatch):
    module = types.ModuleType("waiter")
    module.time = time
    monkeypatch.setitem(sys.modules, "waiter", module)
    started = time.monotonic()
    with instant_sleep(("waiter", "no.such.module")):
        before = module.time.monotonic()
        module.time.sleep(3600)
        assert module.time.monotonic() - before >= 3600
        assert module.time.time() - time.time() > 3500
        assert module.time.gmtime(0).tm_year == 1970
    assert time.monotonic() - started < 60
    assert module.time is time


def test_another_clock_can_move_along(monkeypatch):
    module = types.ModuleType("waiter")
    module.time = time
    monkeypatch.setitem(sys.modules, "waiter", module)
    told = []
    with instant_sleep(("waiter",), slept=told.append):
        module.time.sleep(5)
        module.time.sleep(2)
    assert told == [5, 2]
