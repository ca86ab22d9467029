"""Block the network and the pauses of a replay."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, Final
from unittest import mock

import libcloud.compute.base
import libcloud.utils.retry

from slipstream.transport import calls

# pytest-socket blocks no look-ups, and time-machine makes no pause shorter: both are done here.
_LOOK_UPS: Final = frozenset(
    f"socket.{name}" for name in ("getaddrinfo", "gethostbyaddr", "gethostbyname", "getnameinfo")
)
_TRANSMISSIONS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})

# The package sleeps in its one clock alone; libcloud in loops of its own, for deploy_node and
# for what is tried again.
_CLOCKS: Final = (calls, libcloud.compute.base, libcloud.utils.retry)


class NetworkBlockedError(RuntimeError):
    """A test that replays a recording has used the network.

    It is no OSError, which the client would take for a temporary fault and retry.
    """


@contextmanager
def network_blocked() -> Iterator[list[str]]:
    """Refuse every connection and every look-up of a name, from every thread.

    Sockets between processes of this machine (``AF_UNIX``) go on working.

    :returns: A list of the attempts, for a client that hides its errors.
    """
    attempts: list[str] = []
    _add_audit_hook()
    _blocks.append(attempts)
    try:
        yield attempts
    finally:
        del _blocks[next(i for i, block in enumerate(_blocks) if block is attempts)]


_blocks: list[list[str]] = []


@cache
def _add_audit_hook() -> None:
    # Python tells a hook of every call, whichever module has imported the function before. A
    # hook cannot be removed, and so there is one.
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if not _blocks or not event.startswith("socket."):
        return
    if event in _LOOK_UPS:
        target = args[0]
    elif event in _TRANSMISSIONS and args[0].family != socket.AF_UNIX:
        target = args[1]
    else:
        return
    _blocks[-1].append(str(target))
    raise NetworkBlockedError(
        f"the network is blocked while a recording is replayed: {target} cannot be reached"
    )


class InstantTime:
    """Replaces the module ``time``: sleeping takes no time, and moves its clock.

    :param follow: A callback for each sleep, to move other clocks along.
    :ivar slept: The seconds of each sleep.
    :ivar ahead: Their sum, by which the clock is ahead of the machine's.
    """

    def __init__(self, follow: Callable[[float], object] = float) -> None:
        self.slept: list[float] = []
        self.ahead = 0.0
        self._follow = follow

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.ahead += max(seconds, 0.0)
        self._follow(max(seconds, 0.0))

    def monotonic(self) -> float:
        """The machine's monotonic clock, and what was slept."""
        return time.monotonic() + self.ahead

    def time(self) -> float:
        """The machine's clock, and what was slept."""
        return time.time() + self.ahead


@contextmanager
def instant_sleep(*, slept: Callable[[float], object] = float) -> Iterator[None]:
    """Skip all sleeping, and move the clock by its seconds.

    :param slept: A callback for each sleep, to move other clocks along.
    """
    with ExitStack() as patches:
        instant = InstantTime(slept)
        for module in _CLOCKS:
            patches.enter_context(mock.patch.object(module, "time", instant))
        yield
