"""
Edge devices, the only machines there are: what they report of themselves.

Source: nuvla/api-server, spec/nuvlabox_status*.cljc; nuvlaedge, agent/workers/monitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.locations import service_id
from slipstream.backends.nuvla.resources import read_resource
from slipstream.backends.nuvla.search import search
from slipstream.backends.query_filters import either
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.values import Phase, ServiceOffer, VirtualMachine

AT_ONCE = 100
"""Edges whose reports are asked for in one search."""

_EDGE, _STATUS = "nuvlabox", "nuvlabox-status"
_STATUS_SELECT = (
    "id,created,parent,name,status,online,hostname,ip,network,operating-system,architecture,"
    "resources"
)
_EDGE_SELECT = "id,created,name,state,online,tags,location,infrastructure-service-group"
_PHASES = {
    "NEW": Phase.PENDING,
    "ACTIVATED": Phase.PENDING,
    "SUSPENDED": Phase.SUSPENDED,
    "DECOMMISSIONING": Phase.STOPPING,
    "DECOMMISSIONED": Phase.TERMINATED,
    "ERROR": Phase.ERROR,
}
_IN_SERVICE = "COMMISSIONED"
_ADDRESSES = ("public", "local", "vpn", "swarm")


def list_virtual_machines(
    session: Session,
    connector: str | None,
    deployment_id: str | None,
    raw: Mapping[str, Any],
) -> Iterator[VirtualMachine]:
    """
    The edges, those of a location, or the one that a deployment is on.

    What a hundred of them report is one more search. A deployment on a plain Swarm or Kubernetes
    service has no machine of its own.
    """
    if deployment_id is not None:
        yield from _of_deployment(session, deployment_id, raw)
        return
    where = None
    if connector is not None:
        group = _group_of(session, connector)
        if group is None:
            return
        where = either("infrastructure-service-group", group)
    edges = _all(session, _EDGE, _EDGE_SELECT, where)
    while page := list(islice(edges, AT_ONCE)):
        reports = _all(
            session, _STATUS, _STATUS_SELECT, either("parent", *(edge["id"] for edge in page))
        )
        by_parent = {documents.text(report, "parent"): report for report in reports}
        for edge in page:
            yield _machine(edge, by_parent.get(edge["id"], {}), None)


def _of_deployment(
    session: Session, deployment_id: str, raw: Mapping[str, Any]
) -> Iterator[VirtualMachine]:
    """What the edge reports is enough: one that runs something is in service."""
    deployment = resource_id(deployment_id, "deployment", "node")
    edge = raw.get("nuvlabox") if "execution-mode" in raw else _edge_of(session, deployment)
    if not isinstance(edge, str):
        return
    for status in _all(session, _STATUS, _STATUS_SELECT, either("parent", edge)):
        described = {"id": edge, "name": status.get("name"), "state": _IN_SERVICE}
        yield _machine(described, status, deployment)


def _edge_of(session: Session, deployment: str) -> str | None:
    document = read_resource(session, deployment, "id,nuvlabox", doing=f"read {deployment}")
    return documents.text(document, "nuvlabox")


def _group_of(session: Session, connector: str) -> str | None:
    service = service_id(session, connector)
    document = read_resource(session, service, "id,parent", doing=f"read {service}")
    return documents.text(document, "parent")


def _all(
    session: Session, collection: str, select: str, where: Filter | None
) -> Iterator[dict[str, Any]]:
    return search(session, collection, doing="list edges", select=select, where=where)


def _machine(
    edge: dict[str, Any], status: dict[str, Any], deployment: str | None
) -> VirtualMachine:
    state = documents.text(edge, "state") or ""
    online = status.get("online", edge.get("online")) is True
    if state == _IN_SERVICE:
        phase = Phase.RUNNING if online else Phase.UNKNOWN
    else:
        phase = _PHASES.get(state, Phase.UNKNOWN)
    return VirtualMachine(
        id=edge["id"],
        name=documents.text(edge, "name") or edge["id"],
        state=state,
        phase=phase,
        addresses=_addresses(status),
        deployment_id=deployment,
        offer=_resources(edge, status),
        created=documents.moment(documents.text(edge, "created")),
        raw={**status, **edge},
    )


def _addresses(status: dict[str, Any]) -> list[str]:
    network = status.get("network")
    ips = network.get("ips") if isinstance(network, dict) else None
    addresses = [ips.get(name) for name in _ADDRESSES] if isinstance(ips, dict) else []
    addresses.append(status.get("ip"))
    return list(
        dict.fromkeys(address for address in addresses if isinstance(address, str) and address)
    )


def _resources(edge: dict[str, Any], status: dict[str, Any]) -> ServiceOffer | None:
    resources = status.get("resources")
    if not isinstance(resources, dict):
        return None
    cpu, ram, disks = (resources.get(name) for name in ("cpu", "ram", "disks"))
    capacities = [documents.number(d, "capacity") for d in disks or [] if isinstance(d, dict)]
    return ServiceOffer(
        id=edge["id"],
        name=documents.text(edge, "name") or edge["id"],
        cpu=documents.number(cpu, "capacity") if isinstance(cpu, dict) else None,
        ram=documents.number(ram, "capacity") if isinstance(ram, dict) else None,
        disk=max((c for c in capacities if c is not None), default=None),
    )
