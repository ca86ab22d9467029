"""The App Store that a server has to begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from slipstream.sandbox.slipstream3.modules import (
    Category,
    Module,
    ModuleNode,
    Parameter,
    Rights,
)
from slipstream.sandbox.slipstream3.state import State

_CREATED = datetime(2016, 2, 1, 10, 0, 0, 79000, UTC)
_DEPLOYABLE = frozenset({"Get", "Post"})
_PRIVATE: frozenset[str] = frozenset()
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
ss-set listen.port "$(ss-get port)"
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
_TUTORIALS = "examples/tutorials/service-testing"


def plant(state: State) -> None:
    """Add the modules."""
    _plant_projects(state)
    for path, version, kind in (
        ("examples/images/ubuntu-16.04", 871, "ubuntu-16.04"),
        ("examples/images/centos-7", 842, "centos-7"),
        ("examples/images/old/ubuntu-14.04", 480, "ubuntu-16.04"),
    ):
        image = _module(state, path, "Image", version, f"Base image {kind}", published=True)
        image.is_base, image.images = True, dict(IMAGES[kind])
        image.platform = image.login = kind.partition("-")[0]
    _plant_components(state)
    _plant_applications(state)


def _module(
    state: State,
    path: str,
    category: Category,
    version: int,
    description: str,
    *,
    owner: str = "sixsq",
    public: frozenset[str] = _DEPLOYABLE,
    published: bool = False,
) -> Module:
    return state.library.add(
        Module(
            path=path,
            category=category,
            version=version,
            description=description,
            rights=Rights(owner=owner, public=public, group=frozenset({"Get"})),
            created=_CREATED,
            modified=_CREATED.replace(microsecond=5000),
            author=owner,
            comment="Initial version",
            published=_CREATED if published else None,
        )
    )


def _plant_projects(state: State) -> None:
    for path, version, text in (
        ("apps", 3, "Applications of the App Store"),
        ("apps/WordPress", 4, "Blogs"),
        ("examples", 10, "Examples"),
        ("examples/images", 12, "Example images"),
        ("examples/images/old", 13, "Images of the past"),
        ("examples/tutorials", 15, "Tutorials"),
        ("examples/tutorials/service-testing", 16, "A server and its client"),
    ):
        _module(state, path, "Project", version, text)
    private: dict[str, Any] = {"public": _PRIVATE}
    text = "Not for everyone"
    _module(state, "examples/private", "Project", 17, text, owner="super", **private)
    _module(state, "alice", "Project", 20, "Alice's own", owner="alice", **private)


def _component(
    state: State,
    path: str,
    version: int,
    description: str,
    script: str,
    *parameters: Parameter,
    published: bool = False,
) -> Module:
    component = _module(state, path, "Image", version, description, published=published)
    component.reference = "module/examples/images/ubuntu-16.04"
    component.platform, component.login = "ubuntu", "ubuntu"
    component.targets["execute"] = script
    component.parameters = [
        _output("hostname", "hostname/ip of the image"),
        _output("instanceid", "Cloud instance id"),
        *parameters,
    ]
    return component


def _parameter(name: str, description: str, **more: Any) -> Parameter:
    return Parameter(name, description=description, mandatory=True, shows_set=True, **more)


def _input(name: str, description: str, value: str | None = None) -> Parameter:
    return _parameter(name, description, category="Input", value=value, default=value)


def _output(name: str, description: str, **more: Any) -> Parameter:
    return _parameter(name, description, category="Output", **more)


def _plant_components(state: State) -> None:
    for version, published in ((412, False), (478, True)):
        wordpress = _component(
            state,
            "apps/WordPress/wordpress",
            version,
            "WordPress on Ubuntu",
            _WORDPRESS,
            _input("wordpress_title", "Title of the blog", "Hello from SlipStream"),
            _input("admin_email", "E-mail address of the administrator", "admin@example.org"),
            _output("admin_password", "Password of the administrator", type="Password"),
            published=published,
        )
    wordpress.custom_version = "4.6"
    wordpress.logo = "https://example.org/wordpress.png"
    # The server wants a value for each input, or a mapping of it from an output.
    _component(
        state,
        f"{_TUTORIALS}/apache",
        538,
        "Web server",
        _APACHE,
        _input("port", "Port of the web server", "8080"),
        _output("listen.port", "Port that the web server listens on"),
        _output("ready", "Whether the server answers"),
    )
    _component(
        state,
        f"{_TUTORIALS}/client",
        539,
        "Client of a web server",
        _CLIENT,
        _input("webserver.hostname", "Where the server is"),
        _input("webserver.port", "Port of the server"),
        _input("webserver.ready", "Whether the server answers"),
    )
    _component(state, "examples/tutorials/failing", 545, "Always fails", _FAILING)


def _plant_applications(state: State) -> None:
    mappings = {
        "webserver.hostname": "apache:hostname",
        "webserver.port": "apache:listen.port",
        "webserver.ready": "apache:ready",
    }
    nodes = [
        ModuleNode(name="apache", image=f"module/{_TUTORIALS}/apache/538"),
        ModuleNode(
            name="testclient", image=f"module/{_TUTORIALS}/client/539", parameters=mappings
        ),
    ]
    path, text = f"{_TUTORIALS}/system", "Server and client"
    _module(state, path, "Deployment", 540, text, published=True).nodes = nodes
    path, text = "examples/private/system", "Not for everyone"
    private = _module(state, path, "Deployment", 541, text, owner="super", public=_PRIVATE)
    private.nodes = list(nodes)
