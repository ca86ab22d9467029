"""Keeping a replay off the network, and off the clock."""

from __future__ import annotations

import importlib
import socket
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NoReturn
from unittest import mock

WAITING_MODULES: Final = (
    "slipstream.transport.clock",
    "libcloud.compute.base",
)
"""Modules that call ``time.sleep`` through their own ``time``."""


class NetworkBlockedError(RuntimeError):
    """A test that replays a recording went to the network.

    It is no OSError on purpose: nothing shall take it for a passing fault and try again.
    """


@contextmanager
def network_blocked() -> Iterator[list[str]]:
    """Refuse every connection and every look-up of a name, from every thread.

    Sockets between processes of this machine (``AF_UNIX``) go on working.

    :returns: a list that gathers what was attempted, for a client that hides its errors.
    """
    attempts: list[str] = []

    def refuse(what: object) -> NoReturn:
        attempts.append(str(what))
        raise NetworkBlockedError(
            f"the network is blocked while a recording is played, but {what} was wanted",
        )

    def guarded(real: Any) -> Any:
        def call(self: socket.socket, *args: Any) -> Any:
            return real(self, *args) if self.family == socket.AF_UNIX else refuse(args[-1])

        return call

    with ExitStack() as patches:
        for name in ("connect", "connect_ex", "sendto"):
            patch = mock.patch.object(socket.socket, name, guarded(getattr(socket.socket, name)))
            patches.enter_context(patch)
        look_up = mock.patch.object(socket, "getaddrinfo", lambda host, *_, **__: refuse(host))
        patches.enter_context(look_up)
        yield attempts


@contextmanager
def instant_sleep(
    modules: tuple[str, ...] = WAITING_MODULES,
    *,
    slept: Callable[[float], object] = float,
) -> Iterator[None]:
    """Let sleeping take no time, while the clock still moves by what was slept.

    :param modules: the modules whose ``time`` is replaced, those that can be imported.
    :param slept: told of the seconds of each sleep, to move other clocks along.
    """
    clock = _Clock(slept)
    with ExitStack() as patches:
        for name in modules:
            module = _imported(name)
            if getattr(module, "time", None) is time:
                patches.enter_context(mock.patch.object(module, "time", clock))
        yield


class _Clock(types.ModuleType):
    """The module ``time``, except that nobody waits."""

    def __init__(self, told: Callable[[float], object]) -> None:
        super().__init__("time")
        self.slept = 0.0
        self.told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        self.slept += max(seconds, 0.0)
        self.told(max(seconds, 0.0))

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def time(self) -> float:
        return time.time() + self.slept


def _imported(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
