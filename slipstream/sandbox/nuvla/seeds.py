"""A world to begin with: users, a group, where things can run, and an app store."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import attrs

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.login import Login
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla import credentials, infrastructure, users
from slipstream.sandbox.nuvla.access import (
    ADMIN,
    ANON,
    EDGES,
    INTERNAL,
    USER,
    VPN,
    acl,
    managed_acl,
)
from slipstream.sandbox.nuvla.executor import MISSING_IMAGE
from slipstream.sandbox.nuvla.infrastructure import PULL
from slipstream.sandbox.nuvla.modules import add_version
from slipstream.sandbox.nuvla.parameters import SITE, THIS_MACHINE
from slipstream.sandbox.nuvla.service import TITLE
from slipstream.sandbox.nuvla.world import WORDPRESS, World
from slipstream.sandbox.store import Document

BIRTH = datetime(2019, 4, 2, 9, 0, 0, tzinfo=UTC)
GROUP = "group/acme"
ALICE_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ"
_WORDPRESS_COMPOSE = """\
services:
  web:
    image: wordpress
    ports: ['80']
  db:
    image: mariadb:11
"""
_WHOAMI_COMPOSE = """\
services:
  whoami:
    image: traefik/whoami
    ports:
      - "8000:8080"
      - "53/udp"
"""
_FAILING_COMPOSE = f"""\
services:
  web:
    image: {MISSING_IMAGE}
"""
_NGINX_MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
---
apiVersion: v1
kind: Service
metadata:
  name: nginx
spec:
  type: NodePort
  ports:
    - port: 80
"""


def plant(world: World) -> dict[str, Login]:
    """
    Fill an empty world.

    :param world: The world.
    :returns: The users' logins, by name.
    """
    users.add_templates(world)
    credentials.add_templates(world)
    infrastructure.add_templates(world)
    logins = {name: _user(world, name) for name in ("alice", "bob", "carol", "super")}
    carol = world.user_id("carol")
    world.second_factors[carol] = base64.b32encode(world.ids.secret().encode()).decode()
    _groups(world)
    _infrastructure(world, world.user_id("alice"))
    _modules(world, world.user_id("alice"))
    return logins


# Users and groups.


def _user(world: World, name: str) -> Login:
    identifier = f"user/{world.ids.uuid()}"
    password, secret = world.ids.password(name), world.ids.secret()
    factor = {"auth-method-2fa": "totp"} if name == "carol" else {}
    world.document(
        "user",
        identifier,
        at=BIRTH,
        attributes=factor,
        id=identifier,
        name=name,
        email=f"{name}@example.org",
        state="ACTIVE",
        method="username-password",
        credential_password=f"credential/{world.ids.uuid()}",
        created_by=ADMIN,
        updated_by=INTERNAL,
        acl=managed_acl(identifier),
    )
    world.passwords[identifier] = password
    key = world.document(
        "credential",
        identifier,
        name="sandbox",
        description=f"the API key that {name} begins with",
        subtype="api-key",
        method="generate-api-key",
        digest=sha256(bare_secret(secret).encode()).hexdigest(),
        claims={"identity": identifier, "roles": [identifier, USER, ANON]},
        acl=managed_acl(identifier),
    )
    return Login(username=name, password=password, key=key["id"], secret=secret)


def _groups(world: World) -> None:
    alice, bob = world.user_id("alice"), world.user_id("bob")
    world.document(
        "group",
        alice,
        at=BIRTH,
        id=GROUP,
        name="ACME",
        description="Everybody at ACME",
        resource_metadata="resource-metadata/group-template-generic",
        updated_by=ADMIN,
        users=[alice, bob],
        acl=acl(alice, view_acl=(GROUP,), view_data=(VPN,), view_meta=(alice,)),
    )
    for identifier, name, members, rights in (
        (ADMIN, "Nuvla Administrator Group", ["super"], {"view_meta": (USER,)}),
        (USER, "Nuvla Authenticated Users", [], {"view_acl": (USER,), "view_data": (VPN,)}),
        (ANON, "Nuvla Anonymous Users", [], {"view_acl": (ANON,), "view_meta": (USER, VPN)}),
        (EDGES, "Nuvla NuvlaBox Systems", [], {"view_acl": (EDGES,), "view_meta": (USER,)}),
        (VPN, "Nuvla VPN", [], {"view_acl": (VPN,), "view_meta": (USER,)}),
    ):
        world.document(
            "group",
            ADMIN,
            at=BIRTH,
            rights=rights,
            id=identifier,
            name=name,
            description=f"{name}, of every installation",
            created_by=INTERNAL,
            users=[world.user_id(member) for member in members],
        )


# Where things can run.


@attrs.frozen(kw_only=True)
class Edge:
    """
    An edge of the seeds.

    :param name: Its name.
    :param ips: Its addresses, by the name of the network; the first is the main one.
    :param online: Whether it is heard of.
    :param pull: Whether it fetches its jobs itself.
    """

    name: str
    ips: dict[str, str]
    online: bool = True
    pull: bool = True


EDGES_OF_ALICE = (
    Edge(
        name="edge-geneva",
        ips={"vpn": "10.8.0.3", "local": "192.168.1.20", "public": "203.0.113.9"},
    ),
    Edge(name="edge-zurich", ips={"local": "192.168.7.4"}, online=False),
    Edge(name="edge-basel", ips={"local": "192.168.9.12", "swarm": "192.168.9.12"}, pull=False),
)


def _infrastructure(world: World, owner: str) -> None:
    group = world.document(
        "infrastructure-service-group", owner, name="data centre", description="In the cellar"
    )["id"]
    swarm = {"swarm-enabled": True, "swarm-manager": True, "online": True}
    service = _service(world, owner, "swarm-lausanne", "swarm", group, swarm)
    _service_credential(world, owner, "swarm-lausanne admin", service, "swarm")
    cluster = _service(world, owner, "k8s-lausanne", "kubernetes", group, {})
    _service_credential(world, owner, "k8s-lausanne admin", cluster, "kubernetes")
    charts = {"endpoint": "https://charts.example.org"}
    _service(world, owner, "charts", "helm-repo", group, charts)
    for edge in EDGES_OF_ALICE:
        _edge(world, owner, edge)
    world.document(
        "credential",
        owner,
        name="laptop",
        subtype="ssh-key",
        method="generate-ssh-key",
        public_key=ALICE_KEY,
        acl=managed_acl(owner),
    )


def _service(world: World, owner: str, name: str, subtype: str, group: str, more: Document) -> str:
    port = 2376 if subtype == "swarm" else 6443
    service = world.document(
        "infrastructure-service",
        owner,
        attributes={"endpoint": f"https://{THIS_MACHINE}:{port}"} | more,
        name=name,
        description=f"A {subtype} service of the sandbox",
        parent=group,
        subtype=subtype,
        method="generic",
        state="STARTED",
        updated_by=ADMIN,
    )
    return str(service["id"])


def _service_credential(world: World, owner: str, name: str, service: str, subtype: str) -> None:
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
        updated_by=ADMIN,
        acl=managed_acl(owner),
    )


def _edge(world: World, owner: str, edge: Edge) -> None:
    identifier = f"nuvlabox/{world.ids.uuid()}"
    status = f"nuvlabox-status/{world.ids.uuid()}"
    # What belongs to an edge is the server's; the edge may see and manage it.
    shared = {"view_acl": (owner,), "edit_acl": (owner,)}
    rights = acl(ADMIN, **shared, view_data=(identifier,), manage=(identifier,))
    group = world.document(
        "infrastructure-service-group",
        owner,
        name=f"{edge.name} group",
        parent=identifier,
        acl=rights,
    )["id"]
    capabilities = [PULL, "NUVLA_HEARTBEAT"] if edge.pull else []
    main = next(iter(edge.ips.values()))
    more = {
        "endpoint": f"https://{main}:2376",
        "swarm-enabled": not edge.pull,
        "online": edge.online,
        "capabilities": capabilities,
        "acl": rights,
    }
    service = _service(world, owner, edge.name, "swarm", group, more)
    _service_credential(world, owner, f"{edge.name} swarm", service, "swarm")
    engine = "2.19.3" if edge.pull else "1.15.0"
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
        credential_api_key=f"credential/{world.ids.uuid()}",
        location=[6.14, 46.2],
        capabilities=capabilities,
        nuvlabox_engine_version=engine,
        coe_list=[{"id": service, "coe-type": "docker"}],
        acl=rights,
    )
    _edge_status(world, owner, edge, identifier, status, engine)


def _edge_status(
    world: World, owner: str, edge: Edge, identifier: str, status: str, engine: str
) -> None:
    interfaces = [
        {"interface": f"eth{place}", "ips": [{"address": address}]}
        for place, address in enumerate(edge.ips.values())
    ]
    traffic = [{"interface": "eth0", "bytes-received": 4096, "bytes-transmitted": 2048}]
    now = iso(world.now())
    world.document(
        "nuvlabox-status",
        ADMIN,
        rights={"view_acl": (owner,), "edit_data": (identifier,)},
        created_by=INTERNAL,
        updated_by=identifier,
        id=status,
        parent=identifier,
        version=2,
        name=edge.name,
        description=f"NuvlaEdge status of {edge.name}",
        status="OPERATIONAL" if edge.online else "UNKNOWN",
        online=edge.online,
        last_heartbeat=now,
        next_heartbeat=now,
        last_telemetry=now,
        next_telemetry=now,
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
            "disks": [{"device": "sda1", "capacity": 118, "used": 31}],
            "net-stats": traffic,
        },
        nuvlabox_engine_version=engine,
    )


# The app store.


def _modules(world: World, owner: str) -> None:
    # First, and so the first hit of a search without an order.
    _wordpress(world, owner)
    for path, name in (
        ("apps", "Applications"),
        ("apps/WordPress", "Blogs"),
        ("apps/web", "Web servers"),
        ("apps/trials", "Trials"),
    ):
        _module(world, owner, path, name, "project")
    _module(world, owner, "apps-sets", "apps-sets", "project", created_by=INTERNAL)
    compose = {"author": "alice", "commit": "first"}
    whoami = compose | {"docker-compose": _WHOAMI_COMPOSE}
    _application(world, owner, "apps/web/whoami", "Who am I", "application", whoami, "swarm")
    variables = [{"name": "GREETING", "description": "what it says", "required": True}]
    nginx = compose | {
        "docker-compose": _NGINX_MANIFEST,
        "environmental-variables": variables,
    }
    _application(world, owner, "apps/web/nginx", "nginx", "application_kubernetes", nginx)
    failing = _module(
        world,
        owner,
        "apps/trials/failing",
        "Always fails",
        "application",
        compatibility="docker-compose",
    )
    _version(world, failing, compose | {"docker-compose": _FAILING_COMPOSE})
    old = _module(world, owner, "apps/trials/component", "Of the old kind", "component")
    _version(world, old, _component())
    _helm(world, owner)
    bob = world.user_id("bob")
    _module(world, bob, "private", "Bob's", "project", public=False)
    secret = _module(world, bob, "private/diary", "Diary", "component", public=False)
    _version(world, secret, _component())


def _module(
    world: World,
    owner: str,
    path: str,
    name: str,
    subtype: str,
    *,
    public: bool = True,
    **fields: Any,
) -> str:
    module = world.document(
        "module",
        owner,
        rights={"view_data": (USER,)} if public else {},
        name=name,
        description=f"{name}, of the sandbox",
        path=path,
        parent_path=path.rpartition("/")[0],
        subtype=subtype,
        **fields,
    )
    return str(module["id"])


def _version(world: World, module: str, content: Document, *, publish: bool = False) -> None:
    document = world.store[module]
    new = add_version(world, document, content)
    if publish:
        new["versions"][-1]["published"] = True
        new |= {"published": True, "updated-by": document["created-by"]}
    world.store.put(document | new)


def _application(
    world: World,
    owner: str,
    path: str,
    name: str,
    subtype: str,
    content: Document,
    compatibility: str = "",
) -> None:
    fields: Document = {"compatibility": compatibility} if compatibility else {}
    _version(world, _module(world, owner, path, name, subtype, **fields), content, publish=True)


def _wordpress(world: World, owner: str) -> None:
    module = _module(
        world,
        owner,
        WORDPRESS,
        "WordPress",
        "application",
        compatibility="docker-compose",
        logo_url="https://example.org/wordpress.png",
        tags=["cms"],
        license={"name": "GPL", "url": "https://example.org/gpl"},
    )
    first = {"author": "alice", "commit": "first", "docker-compose": _WORDPRESS_COMPOSE}
    _version(world, module, first)
    _version(world, module, first | {"commit": "a mistake"})
    versions = list(world.store[module]["versions"])
    world.store.remove(versions[1]["href"])
    world.store.put(world.store[module] | {"versions": [versions[0], None]})
    _version(world, module, _wordpress_content(), publish=True)


def _wordpress_content() -> Document:
    return {
        "author": "alice",
        "commit": "mariadb 11",
        "docker-compose": _WORDPRESS_COMPOSE,
        "environmental-variables": [
            {"name": TITLE, "description": "title of the blog", "value": "My blog"},
            {
                "name": "WP_ADMIN_EMAIL",
                "description": "who is told of comments",
                "value": "admin@example.org",
            },
            {"name": "WP_ADMIN_PASSWORD", "description": "made up if left out"},
        ],
        "output-parameters": [
            {"name": SITE, "description": "where the blog is, below the server's root"},
            {"name": "admin_url", "description": "where to log in"},
        ],
        "urls": [["blog", f"http://${{hostname}}:${{web.tcp.80}}/${{{SITE}}}"]],
        "files": [{"file-name": "php.ini", "file-content": "memory_limit=256M"}],
        "architectures": ["amd64", "arm64"],
        "minimum-requirements": {"min-cpu": 1.0, "min-ram": 512, "min-disk": 1024},
        "requires-user-rights": False,
    }


def _component() -> Document:
    image = {"image-name": "diary", "tag": "1"}
    return {"author": "bob", "commit": "old", "architectures": ["amd64"], "image": image}


def _helm(world: World, owner: str) -> None:
    services = world.store.collection("infrastructure-service")
    charts = next(service["id"] for service in services if service["subtype"] == "helm-repo")
    content = {
        "author": "alice",
        "commit": "first",
        "helm-repo-url": charts,
        "helm-chart-name": "redis",
        "helm-chart-version": "20.1.0",
    }
    _application(world, owner, "apps/web/redis", "Redis", "application_helm", content)
