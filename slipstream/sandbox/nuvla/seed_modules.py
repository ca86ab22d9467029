"""The seeds' app store: applications of three kinds, and some that go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipstream.sandbox.nuvla.access import USER
from slipstream.sandbox.nuvla.modules import append_version
from slipstream.sandbox.nuvla.parameters import SITE
from slipstream.sandbox.nuvla.site import TITLE
from slipstream.sandbox.nuvla.work_done import MISSING_IMAGE

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

WORDPRESS = "apps/WordPress/wordpress"
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


def plant(world: World, owner: str) -> None:
    """
    Add them.

    :param world: The world.
    :param owner: The user whose they are.
    """
    for path, name in (
        ("apps", "Applications"),
        ("apps/WordPress", "Blogs"),
        ("apps/web", "Web servers"),
        ("apps/trials", "Trials"),
        ("apps-sets", "Sets of applications"),
    ):
        _module(world, owner, path, name, "project")
    _plant_wordpress(world, owner)
    _plant_others(world, owner)
    _plant_helm(world, owner)
    bob = world.user_id("bob")
    _module(world, bob, "private", "Bob's", "project", public=False)
    secret = _module(world, bob, "private/diary", "Diary", "component", public=False)
    append_version(world, secret, _component(), owner=bob)


def _module(
    world: World,
    owner: str,
    path: str,
    name: str,
    subtype: str,
    *,
    public: bool = True,
    **fields: Any,
) -> Document:
    rights = {"view_data": (USER,)} if public else {}
    return world.document(
        "module",
        owner,
        rights=rights,
        name=name,
        description=f"{name}, of the sandbox",
        path=path,
        parent_path=path.rpartition("/")[0],
        subtype=subtype,
        published=False,
        **fields,
    )


def _publish(module: Document) -> None:
    module["versions"][-1]["published"] = True
    module["published"] = True


def _plant_wordpress(world: World, owner: str) -> None:
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
    append_version(world, module, first, owner=owner)
    append_version(world, module, first | {"commit": "a mistake"}, owner=owner)
    world.store.remove(module["versions"][1]["href"])
    module["versions"][1] = None
    append_version(world, module, _wordpress_content(), owner=owner)
    _publish(module)


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


def _plant_others(world: World, owner: str) -> None:
    whoami = _module(
        world, owner, "apps/web/whoami", "Who am I", "application", compatibility="swarm"
    )
    content = {"author": "alice", "commit": "first", "docker-compose": _WHOAMI_COMPOSE}
    append_version(world, whoami, content, owner=owner)
    _publish(whoami)
    nginx = _module(world, owner, "apps/web/nginx", "nginx", "application_kubernetes")
    variables = [{"name": "GREETING", "description": "what it says", "required": True}]
    manifest = {"docker-compose": _NGINX_MANIFEST, "environmental-variables": variables}
    append_version(world, nginx, {"author": "alice", "commit": "first", **manifest}, owner=owner)
    _publish(nginx)
    failing = _module(
        world,
        owner,
        "apps/trials/failing",
        "Always fails",
        "application",
        compatibility="docker-compose",
    )
    content = {"author": "alice", "commit": "first", "docker-compose": _FAILING_COMPOSE}
    append_version(world, failing, content, owner=owner)
    old = _module(world, owner, "apps/trials/component", "Of the old kind", "component")
    append_version(world, old, _component(), owner=owner)


def _plant_helm(world: World, owner: str) -> None:
    services = world.store.collection("infrastructure-service")
    charts = next(one["id"] for one in services if one["subtype"] == "helm-repo")
    redis = _module(world, owner, "apps/web/redis", "Redis", "application_helm")
    content = {
        "author": "alice",
        "commit": "first",
        "helm-repo-url": charts,
        "helm-chart-name": "redis",
        "helm-chart-version": "20.1.0",
    }
    append_version(world, redis, content, owner=owner)
    _publish(redis)
