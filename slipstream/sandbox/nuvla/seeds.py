"""A world to begin with: users, a group, and what ``seeds.yaml`` lists."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

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
from slipstream.sandbox.nuvla.infrastructure import PULL
from slipstream.sandbox.nuvla.modules import add_version
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.store import Document

BIRTH = datetime(2019, 4, 2, 9, 0, 0, tzinfo=UTC)
GROUP = "group/acme"
ALICE_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ"


def plant(world: World) -> dict[str, Login]:
    """Fill an empty world."""
    listed = yaml.safe_load((files(__package__) / "seeds.yaml").read_text("utf-8"))
    for templates in (users, credentials, infrastructure):
        templates.add_templates(world)
    logins = {name: _user(world, name) for name in ("alice", "bob", "carol", "super")}
    carol = world.user_id("carol")
    world.second_factors[carol] = base64.b32encode(world.ids.secret().encode()).decode()
    _groups(world)
    alice = world.user_id("alice")
    group = world.document(
        "infrastructure-service-group", alice, name="data centre", description="In the cellar"
    )["id"]
    for service in listed["infrastructure"]:
        _service(world, alice, {"parent": group, "updated-by": ADMIN, **service})
    for edge in listed["edges"]:
        _edge(world, alice, edge)
    _credential(
        world,
        alice,
        name="laptop",
        subtype="ssh-key",
        method="generate-ssh-key",
        public_key=ALICE_KEY,
    )
    for module in listed["modules"]:
        _module(world, dict(module))
    return logins


def _user(world: World, name: str) -> Login:
    identifier = f"user/{world.ids.uuid()}"
    password, secret = world.ids.password(name), world.ids.secret()
    world.document(
        "user",
        identifier,
        at=BIRTH,
        attributes={"auth-method-2fa": "totp"} if name == "carol" else {},
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
    key = _credential(
        world,
        identifier,
        name="sandbox",
        description=f"the API key that {name} begins with",
        subtype="api-key",
        method="generate-api-key",
        digest=sha256(bare_secret(secret).encode()).hexdigest(),
        claims={"identity": identifier, "roles": [identifier, USER, ANON]},
    )
    return Login(username=name, password=password, key=key["id"], secret=secret)


def _credential(world: World, owner: str, **fields: Any) -> Document:
    return world.document("credential", owner, acl=managed_acl(owner), **fields)


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


def _service(world: World, owner: str, attributes: Document, credential: str = "admin") -> str:
    """Add a service, and the credential for it unless it is one of charts."""
    name, subtype = attributes["name"], attributes["subtype"]
    described = {"description": f"A {subtype} service of the sandbox"} | attributes
    service = world.document(
        "infrastructure-service", owner, attributes=described, method="generic", state="STARTED"
    )
    if subtype == "helm-repo":
        return str(service["id"])
    parts = {"ca": "CERTIFICATE", "cert": "CERTIFICATE", "key": "PRIVATE KEY"}
    pems = {
        part: f"-----BEGIN {kind}-----\nof the sandbox\n-----END {kind}-----"
        for part, kind in parts.items()
    }
    _credential(
        world,
        owner,
        name=f"{name} {credential}",
        description=f"client certificate of {name}",
        parent=service["id"],
        subtype=f"infrastructure-service-{subtype}",
        method=f"infrastructure-service-{subtype}",
        status="VALID",
        last_check=iso(world.now()),
        updated_by=ADMIN,
        **pems,
    )
    return str(service["id"])


def _edge(world: World, owner: str, edge: Document) -> None:
    name, ips, engine = edge["name"], edge["ips"], edge["engine"]
    main, pulls = next(iter(ips.values())), engine.startswith("2.")
    identifier = f"nuvlabox/{world.ids.uuid()}"
    status = f"nuvlabox-status/{world.ids.uuid()}"
    # What belongs to an edge is the server's; the edge may see and manage it.
    shared = {"view_acl": (owner,), "edit_acl": (owner,)}
    rights = acl(ADMIN, **shared, view_data=(identifier,), manage=(identifier,))
    group = world.document(
        "infrastructure-service-group", owner, name=f"{name} group", parent=identifier, acl=rights
    )["id"]
    capabilities = [PULL, "NUVLA_HEARTBEAT"] if pulls else []
    service = {
        "name": name,
        "subtype": "swarm",
        "parent": group,
        "endpoint": f"https://{main}:2376",
        "swarm-enabled": not pulls,
        "online": edge["online"],
        "capabilities": capabilities,
        "updated-by": ADMIN,
        "acl": rights,
    }
    world.document(
        "nuvlabox",
        owner,
        id=identifier,
        name=name,
        description=f"The edge {name.partition('-')[2].title()}",
        tags=["edge"],
        version=2,
        owner=owner,
        state="COMMISSIONED",
        online=edge["online"],
        refresh_interval=60,
        heartbeat_interval=20,
        nuvlabox_status=status,
        infrastructure_service_group=group,
        credential_api_key=f"credential/{world.ids.uuid()}",
        location=[6.14, 46.2],
        capabilities=capabilities,
        nuvlabox_engine_version=engine,
        coe_list=[{"id": _service(world, owner, service, "swarm"), "coe-type": "docker"}],
        acl=rights,
    )
    interfaces = [
        {"interface": f"eth{place}", "ips": [{"address": address}]}
        for place, address in enumerate(ips.values())
    ]
    times = ("last-heartbeat", "next-heartbeat", "last-telemetry", "next-telemetry")
    world.document(
        "nuvlabox-status",
        ADMIN,
        attributes=dict.fromkeys(times, iso(world.now())),
        rights={"view_acl": (owner,), "edit_data": (identifier,)},
        created_by=INTERNAL,
        updated_by=identifier,
        id=status,
        parent=identifier,
        version=2,
        name=name,
        description=f"NuvlaEdge status of {name}",
        status="OPERATIONAL" if edge["online"] else "UNKNOWN",
        online=edge["online"],
        hostname=name,
        ip=main,
        network={"default-gw": "eth0", "ips": dict(ips), "interfaces": interfaces},
        operating_system="Debian GNU/Linux 12",
        architecture="x86_64",
        docker_server_version="27.1.1",
        orchestrator="swarm",
        resources={
            "cpu": {"capacity": 4, "load": 0.7, "load-1": 0.5, "load-5": 0.6},
            "ram": {"capacity": 7821, "used": 2210},
            "disks": [{"device": "sda1", "capacity": 118, "used": 31}],
            "net-stats": [
                {"interface": "eth0", "bytes-received": 4096, "bytes-transmitted": 2048}
            ],
        },
        nuvlabox_engine_version=engine,
    )


def _module(world: World, module: Document) -> None:
    owner = world.user_id(module.pop("owner", "alice"))
    contents, published = module.pop("contents", []), module.pop("published", False)
    is_private = module["path"].startswith("private")
    document = world.document(
        "module",
        owner,
        attributes=module,
        rights={} if is_private else {"view_data": (USER,)},
        description=f"{module['name']}, of the sandbox",
        parent_path=module["path"].rpartition("/")[0],
    )
    for content in contents:
        document |= _version(world, document, content)
    if published:
        document["versions"][-1]["published"] = True
        document |= {"published": True, "updated-by": owner}


def _version(world: World, document: Document, content: Document | None) -> Document:
    if content is None:
        return {"versions": [*document["versions"], None]}
    content = dict(content)
    if "helm-repo-url" in content:
        services = world.store.collection("infrastructure-service")
        names = {service["name"]: service["id"] for service in services}
        content["helm-repo-url"] = names[content["helm-repo-url"]]
    return add_version(world, document, content)
