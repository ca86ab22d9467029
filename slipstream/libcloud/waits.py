"""Waiting for nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from libcloud.compute.base import Node

from slipstream.errors import InvalidInput
from slipstream.libcloud.base import DriverBase, seconds
from slipstream.libcloud.operation import operation
from slipstream.libcloud.states import meant
from slipstream.values import DeploymentState
from slipstream.waiting import Wait

Progress = Callable[[DeploymentState], object]


class WaitingMethods(DriverBase):
    """The part of the driver that waits for nodes."""

    @operation
    def ex_wait_node_in_state(
        self,
        node: Node,
        states: str | Iterable[str] = "Ready",
        wait_period: float = 10,
        timeout: float = 600,
        ignore_abort: bool = False,
        *,
        progress: Progress | None = None,
    ) -> str:
        """
        Wait until a node is in one of some states.

        It ends at once when the deployment was aborted, or can no longer get there. One cheap
        request each time it asks.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :param states: One state or several, in the server's words or libcloud's.
        :type states: ``str`` or :class:`~libcloud.compute.types.NodeState`, or a ``list`` of them

        :param wait_period: Seconds between two questions.
        :type wait_period: ``float``

        :param timeout: Seconds after which to give up.
        :type timeout: ``float``

        :param ignore_abort: Wait on although the deployment was aborted.
        :type ignore_abort: ``bool``

        :keyword progress: Called with each answer, a
            :class:`~slipstream.values.DeploymentState`; see
            :class:`~slipstream.libcloud.progress.ProgressLine`.

        :returns: The state reached.
        :rtype: ``str``
        :raises NodeFailed: If it was aborted (``reason`` tells why) or has ended.
        :raises WaitTimeout: If the time is over; the deployment goes on.
        """
        node_id = self._node_id(node)
        wait = Wait(
            what=f"Deployment {node_id}",
            states=self._states(states),
            period=seconds("wait_period", wait_period),
            timeout=seconds("timeout", timeout),
            ignore_abort=ignore_abort,
            progress=progress,
        )
        return wait.until(
            lambda: self._plugins.get_state(self._session, node_id, wait.states)
        ).state

    def _states(self, states: str | Iterable[str]) -> frozenset[str]:
        words = [states] if isinstance(states, str) else list(states)
        if not words:
            raise InvalidInput("No state to wait for was given.")
        backend = self._session.kind.backend
        return frozenset().union(*(meant(word, backend) for word in words))
