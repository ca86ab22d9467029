from __future__ import annotations

from typing import Any

from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.types import NodeState

from backends.support import JSON, KEY, OTHER_KEY, WORDPRESS, Driver, Login, logins
from slipstream.sandbox import Sandbox

__all__ = ["JSON", "KEY", "OTHER_KEY", "WORDPRESS", "Driver", "Login", "logins"]

COOKIE = "com.com.sixsq.nuvla.cookie"
WHOAMI = "apps/web/whoami"
NGINX = "apps/web/nginx"
REDIS = "apps/web/redis"
FAILING = "apps/trials/failing"
COMPONENT = "apps/trials/component"
NOBODYS = "deployment/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
SWARM, CLUSTER = "swarm-lausanne", "k8s-lausanne"
WEEK = 7 * 24 * 3600


def requests(sandbox: Sandbox) -> list[tuple[str, str]]:
    """The requests, without the ids in their paths."""
    return [
        (entry.method, "/".join(p for p in entry.path.split("/")[2:] if len(p) < 36))
        for entry in sandbox.journal
    ]


def changes(sandbox: Sandbox) -> list[tuple[str, str]]:
    """The requests that may have changed something; a PUT on a collection is a search."""
    return [
        (method, path)
        for (method, path), entry in zip(requests(sandbox), sandbox.journal, strict=True)
        if method != "GET" and entry.form is None
    ]


def get_location(driver: Driver, name: str = SWARM) -> NodeLocation:
    return next(item for item in driver.list_locations() if item.name == name)


def deploy(driver: Driver, path: str = WORDPRESS, where: str = SWARM, **options: Any) -> Node:
    """Create a node of an application; the requests stay in the journal."""
    image = driver.get_image(path)
    return driver.create_node(image=image, location=get_location(driver, where), **options)


def stored(sandbox: Sandbox, identifier: str | None) -> dict[str, Any]:
    result = sandbox.world.store.get(identifier)
    assert result is not None, f"{identifier} is gone"
    return dict(result)


def deployments(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.world.store.collection("deployment"))


def in_state(driver: Driver, sandbox: Sandbox, state: str) -> Node:
    """A deployment that is added in a state."""
    (identifier,) = sandbox.world.add_deployments(1, state=state)
    return Node(identifier, "blog", NodeState.UNKNOWN, [], [], driver)
