"""Nodes: listing, reading, starting, stopping and terminating deployments."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.compute.base import Node

from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, identity
from slipstream.libcloud.operation import operation


class NodeMethods(DriverBase):
    """The part of the driver that deals with nodes that exist."""

    @operation
    def list_nodes(self, *, ex_active_only: bool = True, ex_addresses: bool = False) -> list[Node]:
        """
        List the deployments of the user, newest first, however many there are.

        One request per 500 deployments; with ``ex_addresses`` one more per 100 deployments.

        :keyword ex_active_only: Leave out those that have ended.
        :type ex_active_only: ``bool``

        :keyword ex_addresses: Fill in the addresses of the machines.
        :type ex_addresses: ``bool``

        :requests: SlipStream 1 for each 500 deployments, Nuvla 1 for each 500; with
            ``ex_addresses`` 1 more for each 100 of them.
        :rtype: ``list`` of :class:`~libcloud.compute.base.Node`
        """
        return list(
            self.ex_iterate_nodes(ex_active_only=ex_active_only, ex_addresses=ex_addresses)
        )

    @operation
    def ex_iterate_nodes(
        self, *, ex_active_only: bool = True, ex_addresses: bool = False
    ) -> Iterator[Node]:
        """
        Go through the deployments of the user, newest first, page by page as they are needed.

        Those that others create or terminate meanwhile make it miss or repeat no other one.

        :keyword ex_active_only: Leave out those that have ended.
        :type ex_active_only: ``bool``

        :keyword ex_addresses: Fill in the addresses of the machines.
        :type ex_addresses: ``bool``

        :requests: those of :meth:`list_nodes`, when they are needed: SlipStream 1, Nuvla 1.
        :rtype: iterator of :class:`~libcloud.compute.base.Node`
        """
        found = self._backend.list_deployments(active_only=ex_active_only, addresses=ex_addresses)
        return (convert.node(deployment, self) for deployment in found)

    @operation
    def ex_get_node(self, node_id: str) -> Node:
        """
        Get one deployment, ended ones included, with the addresses of its machines.

        :param node_id: Its id.
        :type node_id: ``str`` or :class:`uuid.UUID`

        :requests: SlipStream 1. Nuvla 2, and 2 more for the reason when it is in error.
        :rtype: :class:`~libcloud.compute.base.Node`
        :raises NotFound: If there is none of that id.
        """
        found = self._backend.get_deployment(identity(str(node_id), "node"))
        return convert.node(found, self)

    @operation
    def start_node(self, node: Node) -> bool:
        """
        Start a deployment that was stopped.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream none, Nuvla 1.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._backend.start_deployment(self._node_id(node))

    @operation
    def stop_node(self, node: Node) -> bool:
        """
        Stop a deployment without destroying it.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream none, Nuvla 1.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._backend.stop_deployment(self._node_id(node))

    @operation
    def reboot_node(self, node: Node) -> bool:
        """
        Restart the machines of a deployment, where the server can.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream none, Nuvla none.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: On every endpoint but those of plugins that can. The message tells
            what to do instead.
        """
        return self._backend.reboot_deployment(self._node_id(node))

    @operation
    def ex_update_node(self, node: Node) -> bool:
        """
        Apply a running deployment's application again, in place.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream none, Nuvla 1.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If the endpoint has no such operation.
        """
        return self._backend.update_deployment(self._node_id(node))

    @operation
    def destroy_node(self, node: Node) -> bool:
        """
        Terminate a deployment and its machines.

        :param node: The node; one that has ended already is accepted.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream 1. Nuvla 1; 2 for one that is not running, and 1 for each question
            while it is just being stopped.
        :returns: ``True``; a failure is an exception.
        :rtype: ``bool``
        """
        return self._backend.terminate(self._node_id(node))
