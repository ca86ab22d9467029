"""The seeds' services, with their credentials, and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.parameters import THIS_MACHINE
from slipstream.sandbox.nuvla.placement import PULL

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World

ALICE_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ"


@attrs.frozen(kw_only=True)
class Edge:
    """
    An edge of the seeds.

    :param name: Its name.
    :param ips: Its addresses, by the name of the network; the first known is the main one.
    :param online: Whether it is heard of.
    :param pull: Whether it fetches its jobs itself.
    """

    name: str
    ips: dict[str, str]
    online: bool = True
    pull: bool = True


EDGES = (
    Edge(
        name="edge-geneva",
        ips={"vpn": "10.8.0.3", "local": "192.168.1.20", "public": "203.0.113.9"},
    ),
    Edge(name="edge-zurich", ips={"local": "192.168.7.4"}, online=False),
    Edge(name="edge-basel", ips={"local": "192.168.9.12", "swarm": "192.168.9.12"}, pull=False),
)


def plant(world: World, owner: str) -> None:
    """
    Add them.

    :param world: The world.
    :param owner: The user whose they are.
    """
    group = world.document(
        "infrastructure-service-group", owner, name="data centre", description="In the cellar"
    )["id"]
    swarm = _service(world, owner, "swarm-lausanne", "swarm", group, {"swarm-enabled": True})
    _credential(world, owner, "swarm-lausanne admin", swarm, "swarm")
    cluster = _service(world, owner, "k8s-lausanne", "kubernetes", group, {})
    _credential(world, owner, "k8s-lausanne admin", cluster, "kubernetes")
    helm = _service(world, owner, "charts", "helm-repo", group, {})
    world.change(helm, world.now(), endpoint="https://charts.example.org")
    for edge in EDGES:
        _edge(world, owner, edge)
    world.document(
        "credential",
        owner,
        name="laptop",
        subtype="ssh-key",
        method="generate-ssh-key",
        public_key=ALICE_KEY,
    )


def _service(
    world: World, owner: str, name: str, subtype: str, group: str, more: dict[str, Any]
) -> str:
    port = 2376 if subtype == "swarm" else 6443
    service = world.document(
        "infrastructure-service",
        owner,
        attributes=more,
        name=name,
        description=f"A {subtype} service of the sandbox",
        parent=group,
        subtype=subtype,
        method="generic",
        endpoint=f"https://{THIS_MACHINE}:{port}",
        state="STARTED",
    )
    return str(service["id"])


def _credential(world: World, owner: str, name: str, service: str, subtype: str) -> None:
    world.document(
        "credential",
        owner,
        name=name,
        description=f"client certificate of {name.partition(' ')[0]}",
        parent=service,
        subtype=f"infrastructure-service-{subtype}",
        method=f"infrastructure-service-{subtype}",
        ca="-----BEGIN CERTIFICATE-----\nof the sandbox\n-----END CERTIFICATE-----",
        cert="-----BEGIN CERTIFICATE-----\nof the client\n-----END CERTIFICATE-----",
        key="-----BEGIN PRIVATE KEY-----\nof nobody\n-----END PRIVATE KEY-----",
        status="VALID",
        last_check=iso(world.now()),
    )


def _edge(world: World, owner: str, edge: Edge) -> None:
    identifier = f"nuvlabox/{world.ids.uuid()}"
    status = f"nuvlabox-status/{world.ids.uuid()}"
    group = world.document(
        "infrastructure-service-group", owner, name=f"{edge.name} group", parent=identifier
    )["id"]
    capabilities = [PULL, "NUVLA_HEARTBEAT"] if edge.pull else []
    world.document(
        "nuvlabox",
        owner,
        id=identifier,
        name=edge.name,
        description=f"The edge {edge.name.partition('-')[2].title()}",
        tags=["edge"],
        version=2,
        owner=owner,
        state="COMMISSIONED",
        online=edge.online,
        refresh_interval=60,
        heartbeat_interval=20,
        nuvlabox_status=status,
        infrastructure_service_group=group,
        location=[6.14, 46.2],
        inferred_location=[6.1, 46.2],
        capabilities=capabilities,
        nuvlabox_engine_version="2.19.3" if edge.pull else "1.15.0",
        coe_list=[{"id": world.ids.uuid(), "coe-type": "docker"}],
        acl={"owners": [owner], "edit-acl": [ADMIN], **_full(owner, identifier)},
    )
    _status(world, owner, edge, identifier, status)
    more = {"swarm-enabled": not edge.pull, "online": edge.online, "capabilities": capabilities}
    service = _service(world, owner, edge.name, "swarm", group, more)
    main = next(iter(edge.ips.values()))
    world.change(service, world.now(), endpoint=f"https://{main}:2376")
    _credential(world, owner, f"{edge.name} swarm", service, "swarm")


def _full(owner: str, identifier: str) -> dict[str, list[str]]:
    holders = [owner, ADMIN, identifier]
    return {"manage": holders, "view-acl": holders, "view-data": holders, "view-meta": holders}


def _status(world: World, owner: str, edge: Edge, identifier: str, status: str) -> None:
    interfaces = [
        {"interface": f"eth{place}", "ips": [{"address": address}]}
        for place, address in enumerate(edge.ips.values())
    ]
    disk = [{"device": "sda1", "capacity": 118, "used": 31}]
    traffic = [{"interface": "eth0", "bytes-received": 4096, "bytes-transmitted": 2048}]
    world.document(
        "nuvlabox-status",
        ADMIN,
        rights={"view_acl": (owner,), "edit_data": (identifier,)},
        id=status,
        parent=identifier,
        version=2,
        name=edge.name,
        description=f"NuvlaEdge status of {edge.name}",
        status="OPERATIONAL" if edge.online else "UNKNOWN",
        status_notes=[],
        online=edge.online,
        last_heartbeat=iso(world.now()),
        hostname=edge.name,
        ip=next(iter(edge.ips.values())),
        network={"default-gw": "eth0", "ips": dict(edge.ips), "interfaces": interfaces},
        operating_system="Debian GNU/Linux 12",
        architecture="x86_64",
        docker_server_version="27.1.1",
        orchestrator="swarm",
        resources={
            "cpu": {"capacity": 4, "load": 0.7, "load-1": 0.5, "load-5": 0.6},
            "ram": {"capacity": 7821, "used": 2210},
            "disks": disk,
            "net-stats": traffic,
        },
        inferred_location=[6.1, 46.2],
        nuvlabox_engine_version="2.19.3" if edge.pull else "1.15.0",
        coe_resources={},
    )
