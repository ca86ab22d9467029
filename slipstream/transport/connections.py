"""Connections to servers, which a forked child leaves to its parent."""

from __future__ import annotations

from functools import cache
from queue import Empty, Full, LifoQueue
from threading import RLock
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from slipstream.forking import renew_in_children
from slipstream.transport.response_deadlines import PatientPool


class _Idle(LifoQueue[Any]):
    """
    The connections of a pool that are not in use.

    Nobody waits for one, so it does without the locks of its base, which would be held for ever
    after a fork or a Ctrl-C at the wrong moment: what a list does, it does at once.

    :param maxsize: How many there can be.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        renew_in_children(self, _Idle._leave)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Take one out; where there is none, one is made."""
        try:
            return self.queue.pop()
        except IndexError:
            raise Empty from None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Put one in, but for what stands for one that is still to be made."""
        if item is None:
            return
        if len(self.queue) >= self.maxsize:
            raise Full
        self.queue.append(item)

    def qsize(self) -> int:
        """How many there are."""
        return len(self.queue)

    def _leave(self) -> None:
        """To close them here does not end them: the parent has them open."""
        connections, self.queue = self.queue, []
        for connection in connections:
            connection.close()


class Connections(HTTPAdapter):
    """
    The connections of one conversation.

    :param most: How many are kept open.
    """

    def __init__(self, most: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=most, pool_block=False)
        renew_in_children(self, Connections._renew_locks)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make what holds the pools."""
        super().init_poolmanager(*args, **kwargs)
        _with_own_queues(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make what holds the pools of a proxy, or find it again."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _with_own_queues(manager)
        return manager

    def close(self) -> None:
        """Close the connections that wait; those in use are closed when they would wait again."""
        for manager in self._managers():
            manager.clear()

    def _managers(self) -> list[Any]:
        return [self.poolmanager, *list(self.proxy_manager.values())]

    def _renew_locks(self) -> None:
        for manager in self._managers():
            manager.pools.lock = RLock()


def _with_own_queues(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _with_own_queue(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@cache
def _with_own_queue(pool: Any) -> Any:
    return type(pool.__name__, (PatientPool, pool), {"QueueCls": _Idle})
