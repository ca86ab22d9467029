"""
Deployment parameters: what a deployment publishes of itself.

Source: nuvla/api-server, server/resources/deployment_parameter.clj, and nuvla/job-engine,
job/actions/utils/deployment_utils.py.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from hashlib import md5
from typing import Any
from urllib.parse import urlsplit

import attrs
import yaml

from slipstream.sandbox.cimi import JsonProblem, Reply, created
from slipstream.sandbox.nuvla.access import acl
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.schema import described, string, text
from slipstream.sandbox.store import Document

THIS_MACHINE = "127.0.0.1"
"""The host of the seeded services, which stands for the one that the sandbox answers on."""
SITE = "site"
"""The output parameter that the seeded WordPress fills in: where the sandbox shows the blog."""
_PORT = re.compile(r"(?:[\d.:]*:)?(\d+)(?:/(tcp|udp))?")
_FIXED = frozenset({"parent", "name", "node-id"})


@attrs.frozen(kw_only=True)
class Service:
    """A part of an application: its image, if any, and its ports by protocol and number."""

    node: str
    image: str = ""
    ports: tuple[tuple[str, int], ...] = ()


def _read(text: str) -> list[dict[str, Any]]:
    try:
        return [part for part in yaml.safe_load_all(text) if isinstance(part, dict)]
    except yaml.YAMLError:
        return []


def compose_services(text: str) -> list[Service]:
    """Read a Compose file."""
    services = (_read(text) or [{}])[0].get("services")
    return [
        Service(node=str(name), image=str(service.get("image", "")), ports=tuple(_ports(service)))
        for name, service in (services if isinstance(services, dict) else {}).items()
        if isinstance(service, dict)
    ]


def _ports(service: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for port in service.get("ports") or ():
        if isinstance(port, dict):
            yield str(port.get("protocol", "tcp")), int(port["target"])
        elif match := _PORT.fullmatch(str(port)):
            yield match[2] or "tcp", int(match[1])


def kubernetes_services(text: str) -> list[Service]:
    """Read a Kubernetes manifest."""
    services = []
    for part in _read(text):
        name = (part.get("metadata") or {}).get("name")
        if part.get("kind") not in {"Deployment", "Service"} or not name:
            continue
        spec = part.get("spec") or {}
        listed = spec.get("ports") or () if spec.get("type") == "NodePort" else ()
        ports = tuple((str(port.get("protocol", "TCP")).lower(), port["port"]) for port in listed)
        services.append(Service(node=f"{part['kind']}.{name}", ports=ports))
    return services


def parameter_id(deployment: str, name: str, node: str = "") -> str:
    """Compute the id of a parameter."""
    digest = md5(f"{deployment}:{node}:{name}".encode(), usedforsecurity=False).digest()
    return f"deployment-parameter/{uuid.UUID(bytes=digest, version=3)}"


def write(
    world: State,
    deployment: Document,
    name: str,
    value: str | None,
    *,
    at: datetime,
    node: str = "",
    description: str = "",
) -> None:
    """Set a parameter, and make it if it is new."""
    identifier = parameter_id(deployment["id"], name, node)
    values: Document = {} if value is None else {"value": value}
    if identifier in world.store:
        world.change(identifier, at, by=deployment["id"], **values)
        return
    optional = {"node-id": node, "description": description}
    holder = (deployment["id"],)
    world.document(
        "deployment-parameter",
        deployment["owner"],
        at=at,
        attributes=values | {key: word for key, word in optional.items() if word},
        id=identifier,
        created_by=deployment["id"],
        parent=deployment["id"],
        name=name,
        acl=acl(deployment["owner"], edit_data=holder, view_acl=holder),
    )


def remove(world: State, deployment: str) -> None:
    """Forget a deployment's parameters."""
    for parameter in list(world.store.collection("deployment-parameter")):
        if parameter["parent"] == deployment:
            world.store.remove(parameter["id"])


def publish_hostname(world: State, deployment: Document, at: datetime) -> None:
    """Write where a deployment can be reached; the executor does so before anything else."""
    words = "Hostname or IP to access the service."
    write(world, deployment, "hostname", _hostname(world, deployment), at=at, description=words)


def publish(world: State, deployment: Document, at: datetime) -> None:
    """Write what there is to say once a deployment was started."""
    status = _edge_status(world, deployment)
    for network, address in ((status or {}).get("network") or {}).get("ips", {}).items():
        write(world, deployment, f"ip.{network}", address, at=at)
    content = deployment["module"].get("content", {})
    for output in content.get("output-parameters", ()):
        words = output.get("description", "")
        site = f"site/{deployment['id'].partition('/')[2]}" if output["name"] == SITE else None
        write(world, deployment, output["name"], site, at=at, description=words)
    if deployment["module"]["subtype"] == "application_helm":
        for name, value in _of_helm(deployment, content):
            write(world, deployment, name, value, at=at)
    for service, name, value in _of_services(world, deployment, content):
        full = f"{service.node}.{name}"
        write(world, deployment, full, value, at=at, node=service.node)


def _hostname(world: State, deployment: Document) -> str:
    status = _edge_status(world, deployment)
    if status is not None:
        return str(status["ip"])
    service = world.store.get(deployment.get("infrastructure-service", "")) or {}
    host = urlsplit(service.get("endpoint", "")).hostname
    return world.ids.fixed_address or (world.host if host in {None, THIS_MACHINE} else host)


def _edge_status(world: State, deployment: Document) -> Document | None:
    edge = world.store.get(deployment.get("nuvlabox", "")) or {}
    return world.store.get(edge.get("nuvlabox-status", ""))


def _of_helm(deployment: Document, content: Document) -> Iterator[tuple[str, str]]:
    identifier = deployment["id"].partition("/")[2]
    yield "helm-name", f"deployment-{identifier}"
    yield "helm-namespace", identifier
    yield "helm-status", "deployed"
    yield "helm-revision", "1"
    yield "helm-chart", f"{content.get('helm-chart-name', 'chart')}-1.0.0"
    yield "helm-app_version", "1.0.0"


def _of_services(
    world: State, deployment: Document, content: Document
) -> Iterator[tuple[Service, str, str]]:
    module, manifest = deployment["module"], str(content.get("docker-compose", ""))
    is_compose = module["subtype"] == "application"
    is_swarm = is_compose and module.get("compatibility") == "swarm"
    read = compose_services if is_compose else kubernetes_services
    for service in read(manifest):
        yield service, "node-id", service.node
        if service.image:
            long = world.ids.uuid() + world.ids.uuid()
            identifier = long.replace("-", "")
            yield service, "service-id", identifier[:12] if is_swarm else identifier
            yield service, "image", service.image
        if is_swarm:
            yield service, "mode", "replicated"
        if is_swarm or service.node.startswith("Deployment."):
            yield service, "replicas.desired", "1"
            yield service, "replicas.running", "1"
        for protocol, port in service.ports:
            # What serves the web is the sandbox itself: that is how the address can be opened.
            public = world.port if port == 80 else 30000 + len(manifest) % 1000 + port % 1000
            yield service, f"{protocol}.{port}", str(public)


class DeploymentParameter(Resource):
    """Deployment parameters."""

    name = "deployment-parameter"
    bulk = "bulk-delete"
    unplayed = ("bulk-delete",)
    description = schema(described({"parent": text, "name": text}), node_id=text, value=string)

    def create(self, body: Document) -> Reply:
        """Add a parameter of a deployment, under the id that follows from its name."""
        parent, name = body.get("parent"), body.get("name")
        if parent is not None:
            self.visible(parent)
        identifier = parameter_id(str(parent), str(name), str(body.get("node-id", "")))
        if identifier in self.world.store:
            raise JsonProblem(409, f"conflict with {identifier}", identifier)
        sent = {key: value for key, value in body.items() if key not in self.kept_by_server}
        rights = dict(sent.get("acl") or {"owners": [self.identity.owner]})
        rights["edit-acl"] = [*rights.get("edit-acl", ()), parent]
        self.store(sent | {"id": identifier, "acl": rights})
        return created(identifier)

    def changed(self, document: Document, changes: Document) -> Document:
        """Leave alone what the id follows from."""
        return {name: value for name, value in changes.items() if name not in _FIXED}
