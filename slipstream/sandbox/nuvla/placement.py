"""
Where a deployment runs: what follows from the credential it was given.

Source: nuvla/api-server, server/resources/deployment/utils.clj.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

PULL = "NUVLA_JOB_PULL"


def placement(world: World, credential: Document) -> Document:
    """
    Work out what a deployment says about its place.

    :param world: The world.
    :param credential: The credential it runs with.
    :returns: Attributes of the deployment.
    """
    service = world.store.get(credential.get("parent", "")) or {}
    group = world.store.get(service.get("parent", "")) or {}
    edge = world.store.get(group.get("parent", "")) or {}
    found: Document = {"parent": credential["id"], "execution-mode": _mode(edge)}
    named = (
        ("credential", credential),
        ("infrastructure-service", service),
        ("nuvlabox", edge),
    )
    for name, document in named:
        if not document:
            continue
        if name != "credential":
            found[name] = document["id"]
        if "name" in document:
            found[f"{name}-name"] = document["name"]
    return found


def _mode(edge: Document) -> str:
    if not edge:
        return "push"
    return "pull" if PULL in edge.get("capabilities", ()) else "mixed"
