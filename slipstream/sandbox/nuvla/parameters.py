"""
The parameters that a deployment publishes.

Source: nuvla/api-server, server/resources/deployment_parameter.clj, and nuvla/job-engine,
job/actions/utils/deployment_utils.py.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from hashlib import md5
from typing import TypeAlias
from urllib.parse import urlsplit

import yaml

from slipstream.sandbox.nuvla.state import State, acl
from slipstream.sandbox.store import Document

THIS_MACHINE = "127.0.0.1"
"""The host of the seeded services, which stands for the one that the sandbox answers on."""
SITE = "site"
"""The output parameter that the seeded WordPress fills in: where the sandbox shows the blog."""
_PORT = re.compile(r"(?:[\d.:]*:)?(\d+)(?:/(tcp|udp))?")


Service: TypeAlias = tuple[str, str, list[tuple[str, int]]]
"""A part of an application: its node, its image, if any, and its ports by protocol and number."""


def _services(manifest: str, *, is_compose: bool) -> Iterator[Service]:
    parts = [part for part in yaml.safe_load_all(manifest) if isinstance(part, dict)]
    if is_compose:
        services = (parts or [{}])[0].get("services") or {}
        for name, service in services.items():
            if not isinstance(service, dict):
                continue
            matches = (_PORT.fullmatch(str(port)) for port in service.get("ports", ()))
            ports = [(match[2] or "tcp", int(match[1])) for match in matches if match]
            yield name, service.get("image", ""), ports
        return
    for part in parts:
        if part["kind"] in {"Deployment", "Service"}:
            spec = part.get("spec", {})
            listed = spec["ports"] if spec.get("type") == "NodePort" else ()
            ports = [(port.get("protocol", "TCP").lower(), port["port"]) for port in listed]
            yield f"{part['kind']}.{part['metadata']['name']}", "", ports


def parameter_id(deployment: str, name: str, node: str = "") -> str:
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
    identifier, holder = parameter_id(deployment["id"], name, node), deployment["id"]
    if stored := world.store.get(identifier):
        value = stored.get("value") if value is None else value
        world.change(identifier, at, by=holder, value=value)
        return
    world.document(
        "deployment-parameter",
        deployment["owner"],
        at=at,
        id=identifier,
        created_by=holder,
        parent=holder,
        name=name,
        value=value,
        node_id=node or None,
        description=description or None,
        acl=acl(deployment["owner"], edit_data=(holder,), view_acl=(holder,)),
    )


def publish(world: State, deployment: Document, at: datetime) -> None:
    status = _edge_status(world, deployment)
    for network, address in ((status or {}).get("network") or {}).get("ips", {}).items():
        write(world, deployment, f"ip.{network}", address, at=at)
    content = deployment["module"].get("content", {})
    for output in content.get("output-parameters", ()):
        words = output.get("description", "")
        site = f"site/{deployment['id'].partition('/')[2]}" if output["name"] == SITE else None
        write(world, deployment, output["name"], site, at=at, description=words)
    for node, name, value in _of_services(world, deployment, content):
        write(world, deployment, name, value, at=at, node=node)


def hostname(world: State, deployment: Document) -> str:
    status = _edge_status(world, deployment)
    if status is not None:
        return str(status["ip"])
    service = world.store.get(deployment.get("infrastructure-service", "")) or {}
    host = urlsplit(service.get("endpoint", "")).hostname
    own = urlsplit(world.base_url).hostname or THIS_MACHINE
    return world.ids.fixed_address or (own if host in {None, THIS_MACHINE} else host)


def _edge_status(world: State, deployment: Document) -> Document | None:
    edge = world.store.get(deployment.get("nuvlabox", "")) or {}
    return world.store.get(edge.get("nuvlabox-status", ""))


def _of_services(
    world: State, deployment: Document, content: Document
) -> Iterator[tuple[str, str, str]]:
    """The node and the parameters of each service."""
    module, manifest = deployment["module"], str(content.get("docker-compose", ""))
    is_compose = module["subtype"] == "application"
    is_swarm = is_compose and module.get("compatibility") == "swarm"
    # What serves the web is the sandbox itself: that is how the address can be opened.
    special = {80: urlsplit(world.base_url).port or 80}
    for node, image, ports in _services(manifest, is_compose=is_compose):
        values = {"node-id": node}
        if image:
            identifier = (world.ids.uuid() + world.ids.uuid()).replace("-", "")
            values["service-id"] = identifier[:12] if is_swarm else identifier
            values["image"] = image
        if is_swarm:
            values["mode"] = "replicated"
        if is_swarm or node.startswith("Deployment."):
            values |= {"replicas.desired": "1", "replicas.running": "1"}
        for protocol, port in ports:
            public = special.get(port, 30000 + len(manifest) % 1000 + port % 1000)
            values[f"{protocol}.{port}"] = str(public)
        for name, value in values.items():
            yield node, f"{node}.{name}", value
