"""A machine of a deployment, as a libcloud node."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from libcloud.compute.base import Node, NodeImage, NodeSize, UuidMixin
from libcloud.compute.types import NodeState


def _text(value: object) -> str | None:
    return str(value) if value else None


def _addresses(value: list[str] | None) -> list[str]:
    return list(value or [])


def _extra(value: dict[str, Any] | None) -> dict[str, Any]:
    return dict(value or {})


@attrs.define(slots=False, eq=False, repr=False)
class VirtualMachine(Node):
    """
    A machine, one of those that a deployment (a node) consists of.

    It is a libcloud :class:`~libcloud.compute.base.Node` to read from. What acts on nodes refuses
    it and names its node, which is ``extra["node_id"]``: a machine is not destroyed by itself,
    its deployment is.

    :param id: The machine's id on the server.
    :type id: ``str``
    :param name: Its name on the cloud.
    :type name: ``str``
    :param state: Its state.
    :type state: :class:`~libcloud.compute.types.NodeState`
    :param public_ips: Addresses that the internet can reach.
    :type public_ips: ``list`` of ``str``
    :param private_ips: Other addresses.
    :type private_ips: ``list`` of ``str``
    :param driver: The driver it comes from.
    :param size: Its size, where it is known.
    :type size: :class:`~libcloud.compute.base.NodeSize`
    :param image: Always ``None``: the server does not tell.
    :param extra: What else the server says.
    :type extra: ``dict``
    :param created_at: When the server first saw it.
    :type created_at: :class:`datetime.datetime`
    """

    id: str | None = attrs.field(converter=_text)
    name: str
    state: NodeState
    public_ips: list[str] = attrs.field(converter=_addresses)
    private_ips: list[str] = attrs.field(converter=_addresses)
    driver: Any
    size: NodeSize | None = None
    image: NodeImage | None = None
    extra: dict[str, Any] = attrs.field(default=None, converter=_extra)
    created_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        UuidMixin.__init__(self)

    def __repr__(self) -> str:
        return (
            f"<VirtualMachine: id={self.id}, name={self.name}, state={self.state},"
            f" public_ips={self.public_ips}, private_ips={self.private_ips}>"
        )
