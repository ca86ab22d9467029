"""Waiting for nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from libcloud.compute.base import Node

from slipstream.errors import BadInput, MalformedAnswer
from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, seconds
from slipstream.libcloud.node_operation import NodeOperation
from slipstream.libcloud.operation import check_keywords, keywords_of, operation
from slipstream.libcloud.readiness import Reach, Start
from slipstream.libcloud.states import meant
from slipstream.session.polling import Progress, Wait
from slipstream.values import Deployment


class WaitingMethods(DriverBase):
    """The part of the driver that waits for nodes."""

    @operation
    def wait_until_running(
        self,
        nodes: Iterable[Node],
        wait_period: float = 5,
        timeout: float = 600,
        ssh_interface: str = "public_ips",
        force_ipv4: bool = True,
        ex_list_nodes_kwargs: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
    ) -> list[tuple[Node, list[str]]]:
        """
        Wait until nodes run and have addresses.

        All of them are asked for at once, by few requests however many they are. It ends at once
        when one of them was aborted, is stopping, or has ended; and when all run, but one has no
        address of the kind wanted, three questions after its addresses were told. Faults that may
        pass are survived.

        :param nodes: The nodes.
        :type nodes: ``list`` of :class:`~libcloud.compute.base.Node`

        :param wait_period: The longest pause between two questions, in seconds; the first ones
            are shorter.
        :type wait_period: ``float``

        :param timeout: Seconds after which to give up; the first question is always asked.
        :type timeout: ``float``

        :param ssh_interface: Which addresses are wanted, ``public_ips`` or ``private_ips``.
        :type ssh_interface: ``str``

        :param force_ipv4: Leave out IPv6 addresses; names of hosts are addresses either way.
        :type force_ipv4: ``bool``

        :param ex_list_nodes_kwargs: Accepted for programs written for other drivers; it must be
            keywords of :meth:`list_nodes`, and changes nothing: nodes are asked for by their ids.
        :type ex_list_nodes_kwargs: ``dict``

        :keyword progress: Called at each question, for each node, with a
            :class:`~slipstream.values.DeploymentState` whose ``deployment_id`` is the node's.

        :requests: SlipStream 2 for nodes that run: at each question 1 for each 500 deployments of
            the user until all are found, and once they run 1 for each 100 nodes for the addresses;
            up to 3 more where machines are not listed yet. Nuvla 2 for each 100 nodes that run:
            1 at each question, and 1 for the addresses.
        :returns: The nodes as they are now, each one once, in the order given, with the addresses
            wanted of each.
        :rtype: ``list`` of ``tuple`` of :class:`~libcloud.compute.base.Node` and ``list`` of
            ``str``
        :raises NodeFailed: If a node failed, has ended, or has no such address (``node_ids``
            tells which, ``reason`` why).
        :raises WaitTimeout: If the time is over; the deployments go on.
        """
        given = _nodes(nodes)
        names = {self._node_id(node): node.name for node in given}
        check_keywords(
            "list_nodes", _keywords(ex_list_nodes_kwargs), keywords_of(type(self).list_nodes)
        )
        start = Start(
            names=names,
            reach=Reach(interface=ssh_interface, only_ipv4=bool(force_ipv4)),
            period=seconds("wait_period", wait_period),
            timeout=seconds("timeout", timeout),
            progress=progress,
        )
        if not names:
            return []
        found = start.until(lambda: self._read_each(tuple(names)))
        return [(convert.node(one, self), start.reach.addresses(one)) for one in found]

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
        request each time it asks. Faults that may pass are survived.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :param states: One state or several, in the server's words or libcloud's.
        :type states: ``str`` or :class:`~libcloud.compute.types.NodeState`, or a ``list`` of them

        :param wait_period: The longest pause between two questions, in seconds; the first ones
            are shorter.
        :type wait_period: ``float``

        :param timeout: Seconds after which to give up; the first question is always asked. A
            question that is being asked then still takes its time, see the driver's ``timeout``.
        :type timeout: ``float``

        :param ignore_abort: Wait on although the deployment was aborted.
        :type ignore_abort: ``bool``

        :keyword progress: Called with each answer, a
            :class:`~slipstream.values.DeploymentState`; see
            :class:`~slipstream.libcloud.progress.ProgressLine`.

        :requests: SlipStream 1 at each question, and 2 more when it was aborted. Nuvla 1, and
            2 more when it is in error, or a few while the reason is not written yet.
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
        return wait.until(lambda: self._backend.get_state(node_id, wait.states)).state

    @operation
    def ex_operation(
        self, node: Node, states: str | Iterable[str] = "Ready", *, ignore_abort: bool = False
    ) -> NodeOperation:
        """
        Get a handle on the way of a node to one of some states. No request is sent for it.

        It can be asked at any time, be written to a file, and go on in another process.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :param states: One state or several, in the server's words or libcloud's.
        :type states: ``str`` or :class:`~libcloud.compute.types.NodeState`, or a ``list`` of them

        :keyword ignore_abort: Go on although the deployment was aborted.
        :type ignore_abort: ``bool``

        :requests: SlipStream none, Nuvla none; asking it costs those of
            :meth:`ex_wait_node_in_state`.
        :rtype: :class:`~slipstream.libcloud.node_operation.NodeOperation`
        """
        node_id = self._node_id(node)
        return NodeOperation(
            node_id=node_id,
            node_name=node.name or node_id,
            endpoint=self.ex_endpoint,
            states=sorted(self._states(states)),
            ignore_abort=ignore_abort,
        ).resume(self)

    def _read_each(self, ids: Sequence[str]) -> list[Deployment]:
        found = list(self._backend.get_deployments(ids))
        if len(found) != len(ids):
            raise MalformedAnswer(
                f"{len(ids)} deployments were asked for, and {len(found)} came.",
                endpoint=self.ex_endpoint,
            )
        return list({deployment.id: deployment for deployment in found}.values())

    def _states(self, states: str | Iterable[str]) -> frozenset[str]:
        words = [states] if isinstance(states, str) else list(states)
        if not words:
            raise BadInput("No state to wait for was given.")
        backend = self._backend
        return frozenset().union(*(meant(word, backend) for word in words))


def _nodes(nodes: Iterable[Node]) -> list[Node]:
    if isinstance(nodes, Node):
        raise TypeError("wait_until_running takes a list of nodes, not a Node: write [node].")
    return list(nodes)


def _keywords(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"ex_list_nodes_kwargs is a dict, not {type(given).__name__}.")
    return given or {}
