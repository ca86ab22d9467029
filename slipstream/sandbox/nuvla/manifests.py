"""
What an application consists of, as far as its parameters tell.

Compose files and Kubernetes manifests are read with simple patterns: enough for their services,
images and ports in block style.
"""

from __future__ import annotations

import re

import attrs

_SERVICES = re.compile(r"^services:[ \t]*\n(?P<block>(?:[ \t]+.*\n|[ \t]*\n)*)", re.MULTILINE)
_PORT = re.compile(r"(?:\d+:)?(\d+)(?:/(tcp|udp))?")


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


def compose_services(text: str) -> list[Service]:
    """
    Read a Compose file.

    :param text: The file.
    :returns: Its services.
    """
    found = _SERVICES.search(text.rstrip() + "\n")
    if found is None:
        return []
    block = found["block"]
    indent = len(block) - len(block.lstrip(" "))
    parts = re.split(rf"^ {{{indent}}}([\w.-]+):[ \t]*$", block, flags=re.MULTILINE)
    return [
        _compose_service(name, body) for name, body in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _compose_service(name: str, body: str) -> Service:
    image = re.search(r"^\s+image:\s*['\"]?([^'\"\s]+)", body, re.MULTILINE)
    listed = re.search(r"^\s+ports:\s*(\[.*\]|(?:\n\s+-.*)+)", body, re.MULTILINE)
    words = re.findall(r"[\d:]+(?:/(?:tcp|udp))?", listed[1]) if listed else []
    ports = [found for word in words if (found := _PORT.fullmatch(word))]
    return Service(
        node=name,
        image=image[1] if image else "",
        ports=tuple((found[2] or "tcp", int(found[1])) for found in ports),
    )


def kubernetes_services(text: str) -> list[Service]:
    """
    Read a Kubernetes manifest.

    :param text: The manifest, documents separated by ``---``.
    :returns: Its deployments and services.
    """
    found = []
    for document in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        kind = re.search(r"^kind:\s*(Deployment|Service)\s*$", document, re.MULTILINE)
        name = re.search(r"^\s+name:\s*([\w.-]+)", document, re.MULTILINE)
        if kind and name:
            node_port = kind[1] == "Service" and "NodePort" in document
            ports = re.findall(r"\bport:\s*(\d+)", document) if node_port else []
            pairs = tuple(("tcp", int(port)) for port in ports)
            found.append(Service(node=f"{kind[1]}.{name[1]}", ports=pairs))
    return found
