"""The App Store of the seeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipstream.sandbox.slipstream3.modules import Category, Module, ModuleNode, Rights
from slipstream.sandbox.slipstream3.parameters import Parameter

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_MADE = datetime(2016, 2, 1, 10, 0, 0, 79000, UTC)
_OPEN = frozenset({"Get", "Post"})
IMAGES = {
    "ubuntu-16.04": {
        "exoscale-ch-gva": "8c7e60ae-3a30-4031-a3e6-29832d85d7cb",
        "ec2-eu-west": "ami-0a1b2c3d",
        "open-telekom-de1": "5f1c7d3e-8a0b-4f5e-9c55-3f0f3f1b6a10",
    },
    "centos-7": {
        "exoscale-ch-gva": "0b9d5c50-1f6e-4c7b-9d83-0c2cf5a7e1d4",
        "ec2-eu-west": "ami-4e5f6a7b",
    },
}
_WORDPRESS = """#!/bin/bash -xe
apt-get install -y wordpress
ss-set admin_password "$RANDOM_SECRET"
ss-set ss:url.service "$SANDBOX_SITE"
ss-set url.service "$SANDBOX_SITE"
"""
_APACHE = """#!/bin/bash -xe
apt-get install -y apache2
ss-set ready true
ss-set ss:url.service "http://$(ss-get hostname):$(ss-get port)"
"""
_CLIENT = """#!/bin/bash -xe
curl "http://$(ss-get webserver.hostname):$(ss-get webserver.port)"
"""
_FAILING = """#!/bin/bash -xe
ss-display "about to fail"
exit 1
"""


def plant(world: World) -> None:
    """
    Add the modules.

    :param world: The world.
    """
    _plant_projects(world)
    _plant_images(world)
    _plant_components(world)
    _plant_applications(world)


def _module(
    world: World,
    path: str,
    category: Category,
    version: int,
    description: str,
    *,
    owner: str = "sixsq",
    public: frozenset[str] = _OPEN,
    published: bool = False,
) -> Module:
    return world.library.add(
        Module(
            path=path,
            category=category,
            version=version,
            description=description,
            rights=Rights(owner=owner, public=public, group=frozenset({"Get"})),
            created=_MADE,
            modified=_MADE.replace(microsecond=5000),
            author=owner,
            comment="Initial version",
            published=_MADE if published else None,
            publisher=owner if published else None,
        )
    )


def _plant_projects(world: World) -> None:
    for path, version, text in (
        ("apps", 3, "Applications of the App Store"),
        ("apps/WordPress", 4, "Blogs"),
        ("examples", 10, "Examples"),
        ("examples/images", 12, "Example images"),
        ("examples/images/old", 13, "Images of the past"),
        ("examples/tutorials", 15, "Tutorials"),
        ("examples/tutorials/service-testing", 16, "A server and its client"),
    ):
        _module(world, path, "Project", version, text)
    _module(
        world,
        "examples/private",
        "Project",
        17,
        "Not for everyone",
        owner="super",
        public=frozenset(),
    )
    _module(world, "alice", "Project", 20, "Alice's own", owner="alice", public=frozenset())


def _plant_images(world: World) -> None:
    for path, version, kind, platform, login in (
        ("examples/images/ubuntu-16.04", 871, "ubuntu-16.04", "ubuntu", "ubuntu"),
        ("examples/images/centos-7", 842, "centos-7", "centos", "centos"),
        ("examples/images/old/ubuntu-14.04", 480, "ubuntu-16.04", "ubuntu", "ubuntu"),
    ):
        image = _module(world, path, "Image", version, f"Base image {kind}", published=True)
        image.is_base, image.platform, image.login = True, platform, login
        image.images = dict(IMAGES[kind])


def _component(
    world: World,
    path: str,
    version: int,
    description: str,
    script: str,
    *parameters: Parameter,
    published: bool = True,
) -> Module:
    component = _module(world, path, "Image", version, description, published=published)
    component.reference = "module/examples/images/ubuntu-16.04"
    component.platform, component.login = "ubuntu", "ubuntu"
    component.targets["execute"] = script
    component.parameters = [
        Parameter("hostname", category="Output", description="hostname/ip of the image"),
        Parameter("instanceid", category="Output", description="Cloud instance id"),
        *parameters,
    ]
    for parameter in component.parameters:
        parameter.tells_set = True
        parameter.mandatory = True
    return component


def _input(name: str, value: str, description: str, kind: str = "String") -> Parameter:
    return Parameter(name, value, value, category="Input", description=description, type=kind)


def _output(name: str, description: str, kind: str = "String") -> Parameter:
    return Parameter(name, category="Output", description=description, type=kind)


def _wordpress(world: World, version: int, *, published: bool) -> Module:
    return _component(
        world,
        "apps/WordPress/wordpress",
        version,
        "WordPress on Ubuntu",
        _WORDPRESS,
        _input("wordpress_title", "Hello from SlipStream", "Title of the blog"),
        _input("admin_email", "admin@example.org", "E-mail address of the administrator"),
        _output("admin_password", "Password of the administrator", "Password"),
        published=published,
    )


def _plant_components(world: World) -> None:
    _wordpress(world, 412, published=False)
    wordpress = _wordpress(world, 478, published=True)
    wordpress.custom_version = "4.6"
    wordpress.logo = "https://example.org/wordpress.png"
    tutorials = "examples/tutorials/service-testing"
    _component(
        world,
        f"{tutorials}/apache",
        538,
        "Web server",
        _APACHE,
        _input("port", "8080", "Port of the web server"),
        _output("ready", "Whether the server answers"),
        published=False,
    )
    _component(
        world,
        f"{tutorials}/client",
        539,
        "Client of a web server",
        _CLIENT,
        _input("webserver.hostname", "", "Where the server is"),
        _input("webserver.port", "", "Port of the server"),
        _input("webserver.ready", "", "Whether the server answers"),
        published=False,
    )
    _component(world, "examples/tutorials/failing", 545, "Always fails", _FAILING, published=False)


def _plant_applications(world: World) -> None:
    path = "examples/tutorials/service-testing"
    application = _module(
        world, f"{path}/system", "Deployment", 540, "Server and client", published=True
    )
    application.nodes = [
        ModuleNode(
            name="apache", image=f"module/{path}/apache/538", parameters={"port": "'8080'"}
        ),
        ModuleNode(
            name="testclient",
            image=f"module/{path}/client/539",
            parameters={
                "webserver.hostname": "apache:hostname",
                "webserver.port": "apache:port",
                "webserver.ready": "apache:ready",
            },
        ),
    ]
    secret = _module(
        world,
        "examples/private/system",
        "Deployment",
        541,
        "Not for everyone",
        owner="super",
        public=frozenset(),
    )
    secret.nodes = list(application.nodes)
