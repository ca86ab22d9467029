"""
Deployment parameters: what a deployment tells about itself.

Source: nuvla/api-server, server/resources/deployment_parameter.clj, and nuvla/job-engine,
job/actions/utils/deployment_utils.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slipstream.sandbox.nuvla.access import ADMIN, normalised
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, visible
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.nuvla.manifests import Service, compose_services, kubernetes_services
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

THIS_MACHINE = "127.0.0.1"
"""The host of the seeded services, which stands for the one that the sandbox answers on."""
SITE = "site"
"""The output parameter that the seeded WordPress fills in: where the sandbox shows the blog."""
_GIVEN = ("parent", "name", "description", "tags", "node-id", "value")


def parameter_id(deployment: str, name: str, node: str = "") -> str:
    """
    Compute the id of a parameter.

    :param deployment: The deployment's id.
    :param name: The parameter's name.
    :param node: Its node id; empty for a global one.
    :returns: The id.
    """
    digest = md5(f"{deployment}:{node}:{name}".encode(), usedforsecurity=False).digest()
    return f"deployment-parameter/{uuid.UUID(bytes=digest, version=3)}"


def write(
    world: World,
    deployment: Document,
    name: str,
    value: str | None,
    *,
    at: datetime,
    node: str = "",
) -> None:
    """
    Set a parameter, and make it if it is new.

    :param world: The world.
    :param deployment: The deployment.
    :param name: The parameter's name, with its node id as prefix if it has one.
    :param value: The value; None for none yet.
    :param at: The moment.
    :param node: Its node id; empty for a global one.
    """
    identifier = parameter_id(deployment["id"], name, node)
    known: dict[str, Any] = {} if value is None else {"value": value}
    if identifier in world.store:
        world.change(identifier, at, **known)
        return
    owner = deployment["owner"]
    world.document(
        "deployment-parameter",
        ADMIN,
        at=at,
        attributes=known | ({"node-id": node} if node else {}),
        rights={"edit_acl": (deployment["id"], owner)},
        id=identifier,
        created_by=deployment["id"],
        parent=deployment["id"],
        name=name,
    )


def remove(world: World, deployment: str) -> None:
    """
    Forget a deployment's parameters.

    :param world: The world.
    :param deployment: The deployment's id.
    """
    for parameter in list(world.store.collection("deployment-parameter")):
        if parameter["parent"] == deployment:
            world.store.remove(parameter["id"])


def publish(world: World, deployment: Document, at: datetime) -> None:
    """
    Write what is known once a deployment was started.

    :param world: The world.
    :param deployment: The deployment.
    :param at: The moment.
    """
    for name, value in _global(world, deployment):
        write(world, deployment, name, value, at=at)
    module = deployment["module"]
    content = module.get("content", {})
    text = str(content.get("docker-compose", ""))
    if module["subtype"] == "application":
        services = compose_services(text)
        swarm = module.get("compatibility") == "swarm"
    else:
        services, swarm = kubernetes_services(text), False
    for service in services:
        for name, value in _of_service(world, service, swarm=swarm, text=text):
            full = f"{service.node}.{name}"
            write(world, deployment, full, value, at=at, node=service.node)


def _global(world: World, deployment: Document) -> Iterator[tuple[str, str | None]]:
    status = _edge_status(world, deployment)
    if status is not None:
        yield "hostname", status["ip"]
        for name, value in status["network"]["ips"].items():
            yield f"ip.{name}", value
    else:
        service = world.store.get(deployment.get("infrastructure-service", "")) or {}
        host = urlsplit(service.get("endpoint", "")).hostname
        given = world.ids.fixed_address
        yield "hostname", given or (world.host if host in {None, THIS_MACHINE} else host)
    content = deployment["module"].get("content", {})
    for parameter in content.get("output-parameters", ()):
        value = f"site/{deployment['id'].partition('/')[2]}"
        yield parameter["name"], value if parameter["name"] == SITE else None
    if deployment["module"]["subtype"] == "application_helm":
        yield from _of_helm(deployment, content)


def _edge_status(world: World, deployment: Document) -> Document | None:
    edge = world.store.get(deployment.get("nuvlabox", "")) or {}
    return world.store.get(edge.get("nuvlabox-status", ""))


def _of_helm(deployment: Document, content: Document) -> Iterator[tuple[str, str]]:
    uuid_ = deployment["id"].partition("/")[2]
    yield "helm-name", f"deployment-{uuid_}"
    yield "helm-namespace", uuid_
    yield "helm-status", "deployed"
    yield "helm-revision", "1"
    yield "helm-chart", f"{content.get('helm-chart-name', 'chart')}-1.0.0"
    yield "helm-app_version", "1.0.0"


def _of_service(
    world: World, service: Service, *, swarm: bool, text: str
) -> Iterator[tuple[str, str]]:
    yield "node-id", service.node
    if service.image:
        yield "service-id", world.ids.uuid().replace("-", "")[:24]
        yield "image", service.image
    if swarm:
        yield "mode", "replicated"
    if swarm or service.node.startswith("Deployment."):
        yield "replicas.desired", "1"
        yield "replicas.running", "1"
    for protocol, port in service.ports:
        # What serves the web is the sandbox itself: that is how the address can be opened.
        public = world.port if port == 80 else 30000 + len(text) % 1000 + port % 1000
        yield f"{protocol}.{port}", str(public)


def _add(call: Call) -> Answer:
    body = call.document
    parent, name, node = body.get("parent"), body.get("name"), body.get("node-id", "")
    if not isinstance(parent, str) or not isinstance(name, str) or " " in name + str(node):
        raise JsonProblem(400, f"resource {SCHEMA}parent and name are required\n")
    visible(call, parent)
    identifier = parameter_id(parent, name, node)
    if identifier in call.world.store:
        raise JsonProblem(409, f"conflict with {identifier}", identifier)
    owner = call.identity.owner
    rights = dict(body.get("acl") or {"owners": [owner]})
    rights["edit-acl"] = [*rights.get("edit-acl", ()), parent]
    call.world.document(
        "deployment-parameter",
        owner,
        attributes={one: body[one] for one in _GIVEN if one in body},
        id=identifier,
        created_by=call.identity.user,
        acl=normalised(rights),
    )
    return created(identifier)


def _edit(_: Call, __: Document, changes: Document) -> Document:
    fixed = {"parent", "name", "node-id"}
    return {name: value for name, value in changes.items() if name not in fixed}


PARAMETER = Kind(
    name="deployment-parameter",
    attributes=schema("node-id", "value"),
    add=_add,
    edit=_edit,
    bulk_delete=True,
)
