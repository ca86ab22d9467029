"""A world to begin with: users, and what ``seeds.yaml`` lists."""

from __future__ import annotations

import base64
import copy
import functools
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import yaml

from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla.access import ADMIN, ANON, INTERNAL, USER, acl, managed_acl
from slipstream.sandbox.nuvla.infrastructure import PULL
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso

BIRTH = datetime(2019, 4, 2, 9, 0, 0, tzinfo=UTC)
GROUP = "group/acme"
_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ"
_PEM = "-----BEGIN {0}-----\nof the sandbox\n-----END {0}-----"
_PEMS = {"ca": "CERTIFICATE", "cert": "CERTIFICATE", "key": "PRIVATE KEY"}
_OPEN_TEMPLATES = {"session-template", "user-template"}


def plant(world: World) -> dict[str, Login]:
    """Fill an empty world."""
    seeds = copy.deepcopy(_read_seeds())
    for kind, templates in seeds["templates"].items():
        for method, fields in templates.items():
            _template(world, kind, method, fields)
    logins = {name: _user(world, name) for name in ("alice", "bob", "carol", "super")}
    carol = world.user_id("carol")
    world.second_factors[carol] = base64.b32encode(world.ids.secret().encode()).decode()
    alice = world.user_id("alice")
    _groups(world, seeds["groups"])
    group = world.document(
        "infrastructure-service-group", alice, name="data centre", description="In the cellar"
    )["id"]
    for service in seeds["infrastructure"]:
        _service(world, alice, {"parent": group, "updated-by": ADMIN, **service})
    for edge in seeds["edges"]:
        _edge(world, alice, edge, seeds["edge"], seeds["edge_status"])
    laptop = {"subtype": "ssh-key", "method": "generate-ssh-key", "public-key": _KEY}
    _credential(world, alice, "laptop", laptop)
    for module in seeds["modules"]:
        world.add_module(description=f"{module['name']}, of the sandbox", **module)
    return logins


@functools.cache
def _read_seeds() -> dict[str, Any]:
    """Reading the file takes as long as the rest of a new sandbox twice over."""
    seeds: dict[str, Any] = yaml.safe_load((files(__package__) / "seeds.yaml").read_text("utf-8"))
    return seeds


def _template(world: World, kind: str, method: str, fields: Document) -> None:
    subtype = {} if kind in _OPEN_TEMPLATES else {"subtype": fields.get("subtype", method)}
    texts = {"name": method.replace("-", " "), "description": f"{kind}: {method}"}
    template = world.document(
        kind,
        ADMIN,
        attributes=texts | subtype | fields,
        rights={"view_acl": (ANON if kind in _OPEN_TEMPLATES else USER,)},
        id=f"{kind}/{method}",
        method=method,
        resource_metadata=f"resource-metadata/{kind}-{method}",
        created_by=INTERNAL,
    )
    if kind == "infrastructure-service-template":
        del template["created-by"]


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
    fields = {
        "description": f"the API key that {name} begins with",
        "subtype": "api-key",
        "method": "generate-api-key",
        "digest": secret_digest(secret),
        "claims": {"identity": identifier, "roles": [identifier, USER, ANON]},
    }
    key = _credential(world, identifier, "sandbox", fields)
    return Login(username=name, password=password, key=key["id"], secret=secret)


def _credential(world: World, owner: str, name: str, fields: Document) -> Document:
    rights = managed_acl(owner)
    return world.document("credential", owner, attributes=fields, name=name, acl=rights)


def _groups(world: World, groups: dict[str, Any]) -> None:
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
        acl=acl(alice, view_acl=(GROUP,), view_data=("group/nuvla-vpn",), view_meta=(alice,)),
    )
    for identifier, group in groups.items():
        world.document(
            "group",
            ADMIN,
            at=BIRTH,
            rights=group["rights"],
            id=identifier,
            name=group["name"],
            description=f"{group['name']}, of every installation",
            created_by=INTERNAL,
            users=[world.user_id(name) for name in group.get("users", ())],
        )


def _service(world: World, owner: str, fields: Document, credential: str = "admin") -> str:
    """Add a service, and the credential for it unless it is one of charts."""
    name, subtype = fields["name"], fields["subtype"]
    common = {"description": f"A {subtype} service of the sandbox", "method": "generic"}
    attributes = common | {"state": "STARTED"} | fields
    service = world.document("infrastructure-service", owner, attributes=attributes)
    if subtype != "helm-repo":
        kind = f"infrastructure-service-{subtype}"
        pems = {part: _PEM.format(word) for part, word in _PEMS.items()}
        own = {
            "description": f"client certificate of {name}",
            "parent": service["id"],
            "subtype": kind,
            "method": kind,
            "status": "VALID",
            "last-check": iso(world.now()),
            "updated-by": ADMIN,
        }
        _credential(world, owner, f"{name} {credential}", own | pems)
    return str(service["id"])


def _edge(world: World, owner: str, edge: Document, common: Document, report: Document) -> None:
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
    same = {"name": name, "online": edge["online"]}
    capabilities = [PULL, "NUVLA_HEARTBEAT"] if pulls else []
    service = {
        "subtype": "swarm",
        "parent": group,
        "endpoint": f"https://{main}:2376",
        "swarm-enabled": not pulls,
        "capabilities": capabilities,
        "updated-by": ADMIN,
        "acl": rights,
    }
    engines = [{"id": _service(world, owner, same | service, "swarm"), "coe-type": "docker"}]
    world.document(
        "nuvlabox",
        owner,
        attributes=common | same,
        id=identifier,
        description=f"The edge {name.partition('-')[2].title()}",
        owner=owner,
        nuvlabox_status=status,
        infrastructure_service_group=group,
        credential_api_key=f"credential/{world.ids.uuid()}",
        capabilities=capabilities,
        nuvlabox_engine_version=engine,
        coe_list=engines,
        acl=rights,
    )
    interfaces = [
        {"interface": f"eth{number}", "ips": [{"address": address}]}
        for number, address in enumerate(ips.values())
    ]
    times = ("last-heartbeat", "next-heartbeat", "last-telemetry", "next-telemetry")
    world.document(
        "nuvlabox-status",
        ADMIN,
        attributes=report | same | dict.fromkeys(times, iso(world.now())),
        rights={"view_acl": (owner,), "edit_data": (identifier,)},
        created_by=INTERNAL,
        updated_by=identifier,
        id=status,
        parent=identifier,
        description=f"NuvlaEdge status of {name}",
        status="OPERATIONAL" if edge["online"] else "UNKNOWN",
        hostname=name,
        ip=main,
        network={"default-gw": "eth0", "ips": dict(ips), "interfaces": interfaces},
        nuvlabox_engine_version=engine,
    )
