"""Nodes: deploying, listing, reading, waiting for and terminating deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize

from slipstream.errors import InvalidInput
from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, check_own, identity, seconds
from slipstream.libcloud.operation import operation
from slipstream.libcloud.request import build
from slipstream.libcloud.states import meant
from slipstream.libcloud.virtual_machine import VirtualMachine
from slipstream.values import DeploymentState
from slipstream.waiting import Wait

Progress = Callable[[DeploymentState], object]


class NodeMethods(DriverBase):
    """The part of the driver that deals with nodes and their machines."""

    @operation
    def list_nodes(self, *, ex_active_only: bool = True, ex_addresses: bool = False) -> list[Node]:
        """
        List the deployments of the user, newest first, however many there are.

        One request per 500 deployments; with ``ex_addresses`` one more per 1,000 machines.

        :keyword ex_active_only: Leave out those that have ended.
        :type ex_active_only: ``bool``

        :keyword ex_addresses: Fill in the addresses of the machines.
        :type ex_addresses: ``bool``

        :rtype: ``list`` of :class:`~libcloud.compute.base.Node`
        """
        found = self._plugins.list_deployments(
            self._session, active_only=ex_active_only, addresses=ex_addresses
        )
        return [convert.node(deployment, self) for deployment in found]

    @operation
    def create_node(
        self,
        name: str | None = None,
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: NodeLocation | None = None,
        auth: Any = None,
        *,
        ex_tags: str | Iterable[str] | None = None,
        ex_cloud: str | Mapping[str, str] | None = None,
        ex_parameters: Mapping[str, Any] | None = None,
        ex_keep_running: str | None = None,
        ex_multiplicity: Mapping[str, int] | None = None,
        ex_tolerate_failures: Mapping[str, int] | None = None,
        ex_check_ssh_key: bool = False,
        ex_scalable: bool = False,
    ) -> Node:
        """
        Deploy a component or an application. Returns at once; see
        :meth:`ex_wait_node_in_state`.

        The request is sent once. When its answer is lost, the error says so
        (``may_have_happened``) and nothing is sent again.

        :param name: The node's name: the first tag of the deployment.
        :type name: ``str``

        :param size: The service offer for every machine; each one's own default when left out.
        :type size: :class:`~libcloud.compute.base.NodeSize`

        :param image: What to deploy. (required)
        :type image: :class:`~libcloud.compute.base.NodeImage`

        :param location: The cloud for every machine; the user's default when left out.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param auth: Refused: a server that puts SSH keys into machines puts in every key of
            :meth:`list_key_pairs`.

        :keyword ex_tags: Tags to find or annotate the node by; as text, separated by commas.
        :type ex_tags: ``str`` or ``list`` of ``str``

        :keyword ex_cloud: Instead of ``location``: the name of a cloud, or for an application a
            dict of node names and clouds.
        :type ex_cloud: ``str`` or ``dict``

        :keyword ex_parameters: Values for the parameters: of a component by their names, of an
            application by node names and dicts of names and values.
        :type ex_parameters: ``dict``

        :keyword ex_keep_running: Whether the machines stay once the deployment is ready:
            ``always``, ``never``, ``on-success`` or ``on-error``; the user's default when left
            out. Of no effect on a component, which stays, and with ``ex_scalable``, which acts
            as ``always``.
        :type ex_keep_running: ``str``

        :keyword ex_multiplicity: Applications only: how many instances of a node to start.
        :type ex_multiplicity: ``dict`` of ``str`` and ``int``

        :keyword ex_tolerate_failures: Applications only: how many instances of a node may fail.
        :type ex_tolerate_failures: ``dict`` of ``str`` and ``int``

        :keyword ex_check_ssh_key: Refuse to deploy when the user has no SSH key.
        :type ex_check_ssh_key: ``bool``

        :keyword ex_scalable: Applications only: allow adding and removing machines later.
        :type ex_scalable: ``bool``

        :returns: The new node.
        :rtype: :class:`~libcloud.compute.base.Node`
        :raises BadInput: If the request cannot be right; nothing was deployed then.
        :raises RequestFailed: If the server refuses; nothing was deployed then.
        :raises NoAnswer: If ``may_have_happened``, look for the node before trying again.
        """
        if auth is not None:
            raise InvalidInput(
                "create_node cannot take auth: where a server puts SSH keys into machines, it puts"
                " in every key of list_key_pairs().",
                hint="Add the key once with import_key_pair_from_string().",
            )
        if image is None:
            raise InvalidInput(
                "create_node needs an image.", hint="See list_images() and get_image()."
            )
        check_own(self, image, NodeImage, "image")
        if size is not None:
            check_own(self, size, NodeSize, "size")
        if location is not None:
            check_own(self, location, NodeLocation, "location")
        request = build(
            name=name,
            size=size,
            image=image,
            location=location,
            tags=ex_tags,
            cloud=ex_cloud,
            parameters=ex_parameters,
            keep_running=ex_keep_running,
            multiplicity=ex_multiplicity,
            tolerate_failures=ex_tolerate_failures,
            check_ssh_key=ex_check_ssh_key,
            scalable=ex_scalable,
        )
        return convert.node(self._plugins.deploy(self._session, request), self)

    @operation
    def destroy_node(self, node: Node) -> bool:
        """
        Terminate a deployment and its machines.

        :param node: The node; one that has ended already is accepted.
        :type node: :class:`~libcloud.compute.base.Node`

        :returns: ``True``; a failure is an exception.
        :rtype: ``bool``
        """
        return self._plugins.terminate(self._session, self._node_id(node))

    @operation
    def start_node(self, node: Node) -> bool:
        """
        Start a deployment that was stopped.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._plugins.start(self._session, self._node_id(node))

    @operation
    def stop_node(self, node: Node) -> bool:
        """
        Stop a deployment without destroying it.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._plugins.stop(self._session, self._node_id(node))

    @operation
    def ex_update_node(self, node: Node) -> bool:
        """
        Apply a running deployment's application again, in place.

        :param node: The node.
        :type node: :class:`~libcloud.compute.base.Node`

        :returns: ``True`` once the server has accepted; a failure is an exception.
        :rtype: ``bool``
        :raises NotSupported: If the endpoint has no such operation.
        """
        return self._plugins.update(self._session, self._node_id(node))

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

        :returns: The lines, by component.
        :rtype: ``dict``
        :raises NotSupported: If the endpoint has no such operation.
        """
        return self._plugins.get_logs(
            self._session,
            self._node_id(node),
            components=[components] if isinstance(components, str) else list(components),
            lines=lines,
            timeout=seconds("timeout", timeout),
        )

    @operation
    def ex_get_node(self, node_id: str) -> Node:
        """
        Get one deployment, ended ones included, with the addresses of its machines.

        :param node_id: Its id.
        :type node_id: ``str`` or :class:`uuid.UUID`

        :rtype: :class:`~libcloud.compute.base.Node`
        :raises NotFound: If there is none of that id.
        """
        found = self._plugins.get_deployment(self._session, identity(str(node_id), "node"))
        return convert.node(found, self)

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

        :returns: The value, ``None`` while it is not set.
        :rtype: ``str``
        :raises BadInput: If the node has no such parameter; those that it has are listed.
        :raises NodeFailed: If it was aborted and ``ignore_abort`` is ``False``.
        """
        return self._plugins.get_parameter(
            self._session,
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

        :rtype: ``list`` of :class:`VirtualMachine`
        """
        found = self._plugins.list_virtual_machines(
            self._session,
            connector=self._location_id(location),
            deployment_id=None if node is None else self._node_id(node),
            known={} if node is None else node.extra or {},
        )
        return [convert.virtual_machine(machine, self) for machine in found]

    def _states(self, states: str | Iterable[str]) -> frozenset[str]:
        words = [states] if isinstance(states, str) else list(states)
        if not words:
            raise InvalidInput("No state to wait for was given.")
        backend = self._session.kind.backend
        return frozenset().union(*(meant(word, backend) for word in words))
