"""What runs in nodes: their parameters, machines and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from libcloud.compute.base import Node, NodeLocation

from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, identity, seconds
from slipstream.libcloud.operation import operation
from slipstream.libcloud.virtual_machine import VirtualMachine


class MachineMethods(DriverBase):
    """The part of the driver that looks into nodes."""

    @operation
    def ex_get_node_parameter(
        self, node: Node, parameter_name: str, ignore_abort: bool = True
    ) -> str | None:
        """
        Get the value of a run parameter, as in ``machine:hostname``.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :param parameter_name: The parameter's name.
        :type parameter_name: ``str``

        :param ignore_abort: Answer although the deployment was aborted.
        :type ignore_abort: ``bool``

        :requests: SlipStream 1. Nuvla 1; 2 for one that is not set or does not exist, and 1 more
            without ``ignore_abort``.
        :returns: The value, ``None`` while it is not set.
        :rtype: ``str``
        :raises BadInput: If the node has no such parameter; those that it has are listed.
        :raises NodeFailed: If it was aborted and ``ignore_abort`` is ``False``.
        """
        return self._backend.get_parameter(
            self._node_id(node),
            identity(parameter_name, "parameter"),
            ignore_abort=ignore_abort,
        ).value

    @operation
    def ex_list_virtual_machines(
        self, location: NodeLocation | None = None, node: Node | None = None
    ) -> list[VirtualMachine]:
        """
        List machines: all of the user's, those on a location, or those of a node.

        :param location: Only those on this location.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param node: Only those of this node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: SlipStream 1 for each 1,000 machines. Nuvla 2 for each 100 edges, and 1 for each
            500; of a node none or 1, or 2 for one made by hand; of a location 1 more.
        :rtype: ``list`` of :class:`VirtualMachine`
        """
        return list(self.ex_iterate_virtual_machines(location, node))

    @operation
    def ex_iterate_virtual_machines(
        self, location: NodeLocation | None = None, node: Node | None = None
    ) -> Iterator[VirtualMachine]:
        """
        Go through the machines that :meth:`ex_list_virtual_machines` lists, page by page.

        :param location: Only those on this location.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param node: Only those of this node.
        :type node: :class:`~libcloud.compute.base.Node`

        :requests: those of :meth:`ex_list_virtual_machines`: SlipStream 1, Nuvla 2.
        :rtype: iterator of :class:`VirtualMachine`
        """
        found = self._backend.list_virtual_machines(
            connector=self._location_id(location),
            deployment_id=None if node is None else self._node_id(node),
            known={} if node is None else node.extra or {},
        )
        return (convert.virtual_machine(machine, self) for machine in found)

    @operation
    def ex_get_node_logs(
        self, node: Node, components: Iterable[str], *, lines: int = 200, timeout: float = 60
    ) -> dict[str, list[str]]:
        """
        Get the last lines that the components of a deployment have logged.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :param components: The names of the components, as in ``['web']``.
        :type components: ``list`` of ``str``

        :keyword lines: How many lines of each.
        :type lines: ``int``

        :keyword timeout: Seconds after which to give up.
        :type timeout: ``float``

        :requests: SlipStream none. Nuvla 4, and 1 for each question that comes too early.
        :returns: The lines, by component.
        :rtype: ``dict``
        :raises NotSupported: If the endpoint has no such operation.
        """
        return self._backend.get_logs(
            self._node_id(node),
            components=[components] if isinstance(components, str) else list(components),
            lines=lines,
            timeout=seconds("timeout", timeout),
        )
