"""
Where applications run: infrastructure services, the credentials to use them, and edge devices.

A deployment names a credential; a location is the service that the credential belongs to. Edge
devices are the only machines there are, and report what they are. Sources: nuvla/api-server,
server/resources/infrastructure_service*.clj, credential*.clj, spec/nuvlabox_status*.cljc;
nuvlaedge, agent/workers/monitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, either, of_server, search
from slipstream.backends.nuvla.resources import find, node_id, read, resource_id
from slipstream.errors import BadInput, UnknownName, shorten
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.values import Connector, Phase, ServiceOffer, VirtualMachine

SERVICE, GROUP = "infrastructure-service", "infrastructure-service-group"
CREDENTIAL = "credential"
EDGES_AT_ONCE = 100
"""Edges whose reports are searched for at once."""

_SUBTYPES = ("swarm", "kubernetes")
_SERVICE_SELECT = (
    "id,name,description,created,parent,subtype,endpoint,state,online,swarm-enabled,capabilities"
)
_CREDENTIAL_SELECT = "id,name,description,created,parent,subtype,status,last-check"
_USABLE = either("subtype", *(f"{SERVICE}-{subtype}" for subtype in _SUBTYPES))
"""Credentials to run applications with; their secrets are in attributes never selected."""

_EDGE, _STATUS = "nuvlabox", "nuvlabox-status"
_STATUS_SELECT = (
    "id,created,parent,name,status,online,hostname,ip,network,operating-system,architecture,"
    "resources"
)
_EDGE_SELECT = f"id,created,name,state,online,tags,location,{GROUP}"
_IN_SERVICE = "COMMISSIONED"
_EDGE_PHASES = {
    "NEW": Phase.PENDING,
    "ACTIVATED": Phase.PENDING,
    "SUSPENDED": Phase.SUSPENDED,
    "DECOMMISSIONING": Phase.STOPPING,
    "DECOMMISSIONED": Phase.TERMINATED,
    "ERROR": Phase.ERROR,
}


def list_connectors(backend: CimiBackend) -> Iterator[Connector]:
    """List the services that the user has a credential for, by name: two searches."""
    session = backend.session
    by_parent: dict[str | None, list[dict[str, Any]]] = {}
    for credential in _credentials(session, _USABLE):
        by_parent.setdefault(documents.text(credential, "parent"), []).append(credential)
    for service in sorted(_services(session), key=_name):
        if service["id"] in by_parent:
            credentials = [
                {name: credential.get(name) for name in ("id", "name", "subtype", "status")}
                for credential in sorted(by_parent[service["id"]], key=_name)
            ]
            raw = {**service, "credentials": credentials}
            backend.locations |= {service["id"], _name(service)}
            yield Connector(id=service["id"], name=_name(service), raw=raw)


def find_service(backend: CimiBackend, location: str | None, subtype: str) -> str | None:
    """
    The id of the service of a location, or the location if it is none of the user's.

    It may be a service's name or id, a credential's id, or ``None`` for the only one of a subtype.
    """
    matches = []
    for connector in list_connectors(backend):
        credentials = [credential["id"] for credential in connector.raw["credentials"]]
        is_of_subtype = location is None and connector.raw.get("subtype") == subtype
        if is_of_subtype or location in {connector.id, connector.name, *credentials}:
            matches.append(connector.id)
    return matches[0] if len(matches) == 1 else location


def credential_for(
    backend: CimiBackend,
    location: str | None,
    subtype: str,
    listed: Iterable[Mapping[str, Any]] = (),
) -> str:
    """
    The id of the credential for a deployment on a location.

    :param location: The id of a credential, which is not looked at, or of a service, or a
        service's name; ``None`` for the only location that there is.
    :param listed: Locations that were listed before, which need not be read again.
    """
    session = backend.session
    if location is not None and location.startswith(f"{CREDENTIAL}/"):
        return resource_id(location, CREDENTIAL, "credential")
    if location is None:
        only = _only_location(backend, subtype)
        location, credentials = only.name, only.raw["credentials"]
    else:
        services = [d for d in listed if d.get("id") == location and "credentials" in d]
        if services:
            credentials = documents.mappings(services[0], "credentials")
        elif location.startswith(f"{SERVICE}/"):
            credentials = credentials_of(session, resource_id(location, SERVICE, "location"))
        else:
            credentials = credentials_of(session, read_service(session, location)["id"])
    usable = [c for c in credentials if documents.text(c, "subtype") == f"{SERVICE}-{subtype}"]
    if credentials and not usable:
        raise BadInput(
            f"The application runs on {subtype} services, and {shorten(location)} is none.",
            hint="extra['subtype'] of each location in list_locations() is its kind.",
        )
    if len(usable) == 1:
        return str(usable[0]["id"])
    if not usable:
        raise BadInput(
            f"You have no credential for the location {shorten(location)}.",
            hint="list_locations() lists those that you have one for.",
        )
    names = ", ".join(f"{_name(credential)} ({credential['id']})" for credential in usable)
    raise BadInput(
        f"You have {len(usable)} credentials for the location {shorten(location)}.",
        hint=f"Pass the id of one as ex_cloud: {names}.",
    )


def _only_location(backend: CimiBackend, subtype: str) -> Connector:
    locations = [c for c in list_connectors(backend) if c.raw.get("subtype") == subtype]
    if len(locations) == 1:
        return locations[0]
    if not locations:
        raise BadInput(
            f"The application runs on {subtype} services, and you have a credential for none.",
            hint="list_locations() lists what you can use.",
        )
    names = ", ".join(location.name for location in locations)
    raise BadInput(
        f"create_node needs a location here: {len(locations)} can run the application.",
        hint=f"Pass one of these as location, or as region of the driver: {names}.",
    )


def read_service(session: Session, location: str, select: str = "id") -> dict[str, Any]:
    """Read the service of a location's id or name."""
    if location.startswith(f"{SERVICE}/"):
        name = resource_id(location, SERVICE, "location")
        service = find(session, name, select, none_for={403, 404})
        if service is None:
            raise UnknownName("location", location, map(_name, _services(session)))
        return service
    services = list(_services(session))
    matches = [service for service in services if _name(service) == location]
    if not matches:
        raise UnknownName("location", location, map(_name, services))
    if len(matches) > 1:
        ids = ", ".join(str(service["id"]) for service in matches)
        raise BadInput(
            f"{len(matches)} locations are named {shorten(location)!r}.",
            hint=f"Pass the id of one: {ids}.",
        )
    return matches[0]


def check_location(backend: CimiBackend, location: str) -> None:
    """Refuse a location that does not exist; known ones are not looked up."""
    if location not in backend.locations and not location.startswith(f"{CREDENTIAL}/"):
        read_service(backend.session, location)
        backend.locations.add(location)


def credentials_of(session: Session, service: str) -> list[dict[str, Any]]:
    """The credentials that the user has for a service, by name."""
    return sorted(_credentials(session, _USABLE & either("parent", service)), key=_name)


def _services(session: Session) -> Iterator[dict[str, Any]]:
    doing, where = "list infrastructure services", either("subtype", *_SUBTYPES)
    return search(session, SERVICE, doing=doing, select=_SERVICE_SELECT, where=where)


def _credentials(session: Session, where: Filter) -> Iterator[dict[str, Any]]:
    doing = "list credentials"
    return search(session, CREDENTIAL, doing=doing, select=_CREDENTIAL_SELECT, where=where)


def _name(document: dict[str, Any]) -> str:
    return documents.text(document, "name") or str(document["id"])


def list_virtual_machines(
    backend: CimiBackend, connector: str | None, deployment_id: str | None, raw: Mapping[str, Any]
) -> Iterator[VirtualMachine]:
    """List edges; a deployment on a plain Swarm or Kubernetes service has no machine."""
    session = backend.session
    if deployment_id is not None:
        name = node_id(deployment_id)
        if "execution-mode" not in raw:
            raw = read(session, name, "id,nuvlabox")
        edge = documents.text(raw, "nuvlabox")
        # One that runs something is in service, so what it reports is enough.
        for status in _reports(session, [edge]) if edge else ():
            described = {"id": edge, "name": status.get("name"), "state": _IN_SERVICE}
            yield _machine(described, status, name)
        return
    where = None
    if connector is not None:
        group = documents.text(read_service(session, connector, "id,parent"), "parent")
        if group is None:
            return
        with of_server("list edges"):
            where = either(GROUP, group)
    edges = search(session, _EDGE, doing="list edges", select=_EDGE_SELECT, where=where)
    while page := list(islice(edges, EDGES_AT_ONCE)):
        reports = _reports(session, [edge["id"] for edge in page])
        by_parent = {documents.text(report, "parent"): report for report in reports}
        for edge_document in page:
            yield _machine(edge_document, by_parent.get(edge_document["id"], {}), None)


def _reports(session: Session, edges: list[str]) -> Iterator[dict[str, Any]]:
    with of_server("list edges"):
        where = either("parent", *edges)
    return search(session, _STATUS, doing="list edges", select=_STATUS_SELECT, where=where)


def _machine(
    edge: dict[str, Any], status: dict[str, Any], deployment: str | None
) -> VirtualMachine:
    state = documents.text(edge, "state") or ""
    phase = _EDGE_PHASES.get(state, Phase.UNKNOWN)
    if state == _IN_SERVICE and status.get("online", edge.get("online")) is True:
        phase = Phase.RUNNING
    ips = documents.mapping(documents.mapping(status, "network"), "ips")
    addresses = [documents.text(ips, name) for name in ("public", "local", "vpn", "swarm")]
    addresses.append(documents.text(status, "ip"))
    return VirtualMachine(
        id=edge["id"],
        name=_name(edge),
        state=state,
        phase=phase,
        addresses=list(dict.fromkeys(filter(None, addresses))),
        deployment_id=deployment,
        offer=_resources(edge, documents.mapping(status, "resources")),
        created=documents.timestamp(edge, "created"),
        raw={**status, **edge},
    )


def _resources(edge: dict[str, Any], resources: dict[str, Any]) -> ServiceOffer | None:
    if not resources:
        return None
    cpu, ram = (documents.mapping(resources, name) for name in ("cpu", "ram"))
    disks = [documents.number(d, "capacity") for d in documents.mappings(resources, "disks")]
    return ServiceOffer(
        id=edge["id"],
        name=_name(edge),
        cpu=documents.number(cpu, "capacity"),
        ram=documents.number(ram, "capacity"),
        disk=max((capacity for capacity in disks if capacity is not None), default=None),
    )
