"""A machine of a deployment, as a libcloud node."""

from __future__ import annotations

from libcloud.compute.base import Node


class VirtualMachine(Node):
    """
    A machine, one of those that a deployment (a node) consists of.

    It is a libcloud :class:`~libcloud.compute.base.Node` to read from. What acts on nodes refuses
    it and names its node, which is ``extra["node_id"]``: a machine is not destroyed by itself,
    its deployment is.

    :ivar id: The machine's id on the server.
    :ivar name: Its name on the cloud.
    :ivar state: Its state.
    :ivar public_ips: Addresses that the internet can reach.
    :ivar private_ips: Other addresses.
    :ivar driver: The driver it comes from.
    :ivar size: Its size, if the server states it.
    :ivar image: Always ``None``: no server states it.
    :ivar extra: What else the server says.
    :ivar created_at: When the server first saw it.
    """

    def __repr__(self) -> str:
        return (
            f"<VirtualMachine: id={self.id}, name={self.name}, state={self.state},"
            f" public_ips={self.public_ips}, private_ips={self.private_ips}>"
        )
