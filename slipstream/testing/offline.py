"""Keeping a replay off the network, and off the clock."""

from __future__ import annotations

import socket
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NoReturn
from unittest import mock

import libcloud.compute.base

from slipstream.transport import clock

# pytest-socket blocks no look-ups, and time-machine makes no pause shorter: both are done here.
_LOOK_UPS: Final = (
    "getaddrinfo",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getfqdn",
    "getnameinfo",
)
_TRANSMISSIONS: Final = ("connect", "connect_ex", "sendto", "sendmsg")

# The package sleeps in its one clock alone; libcloud has a loop of its own for deploy_node.
_CLOCKS: Final = (clock, libcloud.compute.base)


class NetworkBlockedError(RuntimeError):
    """A test that replays a recording went to the network.

    It is no OSError on purpose: nothing shall take it for a passing fault and try again.
    """


@contextmanager
def network_blocked() -> Iterator[list[str]]:
    """Refuse every connection and every look-up of a name, from every thread.

    Sockets between processes of this machine (``AF_UNIX``) go on working.

    :returns: A list that gathers what was attempted, for a client that hides its errors.
    """
    attempts: list[str] = []

    def refuse(target: object) -> NoReturn:
        attempts.append(str(target))
        raise NetworkBlockedError(
            f"the network is blocked while a recording is played, but {target} was wanted",
        )

    def guarded(real: Any) -> Any:
        def call(self: socket.socket, *args: Any) -> Any:
            # A message to the peer of a socket names no address, and the peer was let in.
            return real(self, *args) if self.family == socket.AF_UNIX else refuse(args[-1])

        return call

    with ExitStack() as patches:
        for name in _TRANSMISSIONS:
            if hasattr(socket.socket, name):
                real = getattr(socket.socket, name)
                patches.enter_context(mock.patch.object(socket.socket, name, guarded(real)))
        for name in _LOOK_UPS:
            look_up = mock.patch.object(socket, name, lambda host="", *_, **__: refuse(host))
            patches.enter_context(look_up)
        yield attempts


@contextmanager
def instant_sleep(*, slept: Callable[[float], object] = float) -> Iterator[None]:
    """Let sleeping take no time, while the clock still moves by the seconds that were slept.

    :param slept: A callback for each sleep, to move other clocks along.
    """
    instant = _Clock(slept)
    with ExitStack() as patches:
        for module in _CLOCKS:
            patches.enter_context(mock.patch.object(module, "time", instant))
        yield


class _Clock(types.ModuleType):
    """The module ``time``, except that nobody waits."""

    def __init__(self, callback: Callable[[float], object]) -> None:
        super().__init__("time")
        self.slept = 0.0
        self.callback = callback

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        self.slept += max(seconds, 0.0)
        self.callback(max(seconds, 0.0))

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def time(self) -> float:
        return time.time() + self.slept
