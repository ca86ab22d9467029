"""What an application consists of, as far as its parameters say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs
import yaml

_PORT = re.compile(r"(?:[\d.:]*:)?(\d+)(?:/(tcp|udp))?")


@attrs.frozen(kw_only=True)
class Service:
    """
    A part of an application.

    :param node: What its parameters are named after.
    :param image: The container's image; empty for a part that has none of its own.
    :param ports: Protocol and inner number of each published port.
    """

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
