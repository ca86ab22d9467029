"""
Convert records of backends to libcloud's objects.

All values in ``extra`` can be written as JSON: timestamps are ISO 8601 texts in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import attrs
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud.virtual_machine import VirtualMachine
from slipstream.values import (
    Connector,
    Deployment,
    DeploymentState,
    Module,
    ModuleKind,
    Phase,
    ServiceOffer,
)
from slipstream.values import VirtualMachine as Machine
from slipstream.values.plain import parse_timestamp
from slipstream.values.ssh_key import SSHKey

NODE_STATES = {
    phase: NodeState.RECONFIGURING if phase is Phase.CONFIGURING else NodeState(phase.value)
    for phase in Phase
}
_PRIVATE = [
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("127.0.0.0/8", "fc00::/7", "fe80::/10", "fec0::/10", "::1/128"),
    )
]


class DeploymentNode(Node):
    """
    A deployment as a node, which makes most of its attributes when they are first read.

    Few programs read them of each node of a long list, and the record of the deployment has been
    checked, so that none can fail. ``vars()``, copies and pickles have all attributes.
    """

    __slots__ = ("_deployment",)
    _deployment: Deployment | None

    def __getattr__(self, name: str) -> Any:
        make, attributes = _MAKERS.get(name), super().__dict__
        if make and (deployment := self._deployment):
            # Threads that read it at the same time get the same object.
            attributes.setdefault(name, make(deployment, self.driver))
        if name in attributes:
            return attributes[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        attributes = super().__dict__
        if deployment := getattr(self, "_deployment", None):
            for name, make in _MAKERS.items():
                if name not in attributes:
                    attributes.setdefault(name, make(deployment, self.driver))
            self._deployment = None
        return attributes

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__


def node(deployment: Deployment, driver: Any) -> Node:
    """
    A deployment as a node.

    One that has been aborted is in state ERROR until it has ended.
    """
    new = DeploymentNode.__new__(DeploymentNode)
    new.id = deployment.id
    new.name = deployment.name or deployment.id
    failed = deployment.failure and deployment.phase is not Phase.TERMINATED
    new.state = NodeState.ERROR if failed else NODE_STATES[deployment.phase]
    new.driver = driver
    new._uuid = None  # noqa: SLF001 - libcloud's own
    new._deployment = deployment  # noqa: SLF001
    return new


def _image(deployment: Deployment, driver: Any) -> NodeImage | None:
    name: Any = deployment.module_name  # libcloud takes None, and does not say so
    return NodeImage(deployment.module_id, name, driver) if deployment.module_id else None


def _extra(deployment: Deployment, _: Any) -> dict[str, Any]:
    raw: Any = deployment.raw
    changed: str | None = raw.get("lastStateChangeTime")
    extra: dict[str, Any] = raw | {
        "state": deployment.state,
        "status": deployment.state.lower(),
        "abort": deployment.failure,
        "module": deployment.module_id,
        "clouds": list(deployment.connectors),
        "username": deployment.user,
        "tags": list(deployment.tags),
        "service_url": deployment.service_url,
        "scalable": deployment.scalable,
        "started_at": _iso(deployment.started),
        "last_state_change": _iso(parse_timestamp(changed)) if changed else None,
    }
    return extra


_MAKERS: dict[str, Callable[[Deployment, Any], Any]] = {
    "public_ips": lambda deployment, _: split(deployment.addresses)[0],
    "private_ips": lambda deployment, _: split(deployment.addresses)[1],
    "size": lambda deployment, driver: size(deployment.size, driver) if deployment.size else None,
    "created_at": lambda deployment, _: deployment.started,
    "image": _image,
    "extra": _extra,
}
"""How the attributes of a :class:`DeploymentNode` are made that are made late."""


def update(node_object: Node, deployment: Deployment, driver: Any) -> None:
    """Bring the state, addresses and ``extra`` of a node up to date."""
    current = node(deployment, driver)
    for name in ("state", "public_ips", "private_ips", "extra"):
        setattr(node_object, name, getattr(current, name))


def update_state(node_object: Node, state: DeploymentState) -> None:
    """Bring the state of a node up to date. Its ``extra`` is replaced, since copies share it."""
    failed = state.failure and state.phase is not Phase.TERMINATED
    node_object.state = NodeState.ERROR if failed else NODE_STATES[state.phase]
    words = {"state": state.state, "status": state.state.lower(), "abort": state.failure}
    node_object.extra = {**(node_object.extra or {}), **words}


def image(module: Module, driver: Any) -> NodeImage:
    """A module as an image."""
    extra = {
        **module.raw,
        "name": module.name,
        "type": module.kind.value,
        "path": module.path,
        "version": _number(module.version),
        "description": module.description,
        "created": _iso(module.created),
        "modified": _iso(module.modified),
        "locations": sorted(module.image_ids),
        "parameters": [attrs.asdict(p) for p in module.parameters],
    }
    if module.kind is ModuleKind.APPLICATION:
        extra["nodes"] = {
            n.name: {
                "image": n.module_id,
                "location": n.connector,
                "multiplicity": n.multiplicity,
                "parameters": [attrs.asdict(p) for p in n.parameters],
            }
            for n in module.nodes
        }
    return NodeImage(id=module.id, name=module.name, driver=driver, extra=extra)


class Size(NodeSize):
    """A size whose text names its location."""

    def __repr__(self) -> str:
        text = super().__repr__()  # type: ignore[no-untyped-call]
        locations = ", ".join(self.extra.get("locations", ()))
        return text.replace(" ...>", f", location={locations} ...>") if locations else str(text)


def size(offer: ServiceOffer, driver: Any) -> NodeSize:
    """
    A service offer as a size.

    Programs compare and add up memory, disk and price, so these are always numbers: 0 where the
    server states none, and ``extra["unknown"]`` lists which. Bandwidth is ``None``: in libcloud 0
    means a bandwidth without limit (compute/base.py).
    """
    return Size(
        id=offer.id,
        name=offer.name,
        ram=_amount(offer.ram),  # type: ignore[arg-type]  # a fraction is a float
        disk=_amount(offer.disk),  # type: ignore[arg-type]
        bandwidth=None,
        price=_amount(offer.price),
        driver=driver,
        extra={
            **offer.raw,
            "cpu": offer.cpu,
            "currency": offer.currency,
            "price_unit": offer.price_unit,
            "location": offer.connectors[0] if len(offer.connectors) == 1 else None,
            "locations": list(offer.connectors),
            "country": offer.country,
            "unknown": _unknown(ram=offer.ram, disk=offer.disk, price=offer.price),
        },
    )


def location(connector: Connector, driver: Any) -> NodeLocation:
    """
    A connector as a location.

    Its country is always a text, empty where the server does not tell; ``extra["unknown"]`` says
    so.
    """
    return NodeLocation(
        id=connector.id,
        name=connector.name,
        country=connector.country or "",
        driver=driver,
        extra={**connector.raw, "unknown": _unknown(country=connector.country)},
    )


def virtual_machine(machine: Machine, driver: Any) -> VirtualMachine:
    """A machine as a libcloud node."""
    public, private = split(machine.addresses)
    return VirtualMachine(
        id=machine.id,
        name=machine.name,
        state=NODE_STATES[machine.phase],
        public_ips=public,
        private_ips=private,
        driver=driver,
        size=size(machine.offer, driver) if machine.offer else None,
        extra={
            **machine.raw,
            "state": machine.state,
            "location": machine.connector,
            "node_id": machine.deployment_id,
        },
        created_at=machine.created,
    )


def key_pair(key: SSHKey, driver: Any, private_key: str | None = None) -> KeyPair:
    """A public key as a key pair."""
    return KeyPair(
        name=key.name,
        public_key=key.line,
        fingerprint=key.fingerprint,
        driver=driver,
        private_key=private_key,
        extra={
            "id": key.id,
            "public_key_type": key.type,
            "public_key_content": key.blob,
            "comment": key.comment,
            "options": key.options,
            "fingerprint_sha256": key.fingerprint_sha256,
        },
    )


def split(addresses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split addresses into public and private ones; a host name counts as public."""
    public: list[str] = []
    private: list[str] = []
    for address in addresses:
        (private if _is_private(address) else public).append(address)
    return public, private


def _is_private(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in _PRIVATE)


def _iso(timestamp: datetime | None) -> str | None:
    if timestamp is None:
        return None
    try:
        return (timestamp if timestamp.tzinfo is UTC else timestamp.astimezone(UTC)).isoformat()
    except OverflowError:  # the calendar has no such day in UTC
        return timestamp.isoformat()


def _amount(value: float | None) -> float:
    if value is None:
        return 0
    return int(value) if float(value).is_integer() else value


def _unknown(**values: object) -> list[str]:
    return [name for name, value in values.items() if value is None]


def _number(version: str | None) -> int | str | None:
    return int(version) if version and version.isdecimal() and len(version) < 19 else version
