"""The files of a new plugin: a distribution with tests that pass at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click

from slipstream.version import VERSION

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_PROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "slipstream-NAME"
version = "0.1"
description = "A plugin of the SlipStream driver"
requires-python = ">=3.11"
dependencies = ["slipstream-libcloud-driver>=VERSION"]

[project.optional-dependencies]
test = ["slipstream-libcloud-driver[sandbox,testing]>=VERSION"]

[project.entry-points.slipstream]
NAME = "MODULE"

[tool.hatch.build.targets.wheel]
include = ["MODULE.py"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""
_CONFTEST = '''\
import pytest

import MODULE

pytest_plugins = ["slipstream.testing.pytest_plugin", "slipstream.testing.plugins"]


@pytest.fixture(autouse=True)
def plugin(load_plugin):
    """Use the plugin as it is here, installed or not."""
    return load_plugin(MODULE, name="under-test")
'''
_MODULES: Mapping[str, str] = {
    "login": '''\
"""A login method."""

from slipstream import Credentials, Login, LoginAttempt, LoginMethod, hookimpl
from slipstream.errors import BadInput


def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    if not (credentials.key and credentials.secret):
        raise BadInput("NAME needs a user name and a password.")
    fields = {"username": credentials.key, "password": credentials.secret}
    return attempt.log_in_with_template("internal", fields)


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    return [LoginMethod(name="NAME", authenticate=authenticate, parameters=())]
''',
    "kind": '''\
"""A kind of endpoint."""

from slipstream import EndpointKind, hookimpl
from slipstream.backends import SlipStream3


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    return [EndpointKind(name="NAME", backend=SlipStream3, hosts="NAME.example")]
''',
    "backend": '''\
"""A backend for a JSON service, and the kind of endpoint that has it."""

from collections.abc import Iterator
from datetime import timedelta

from slipstream import (
    Backend,
    Credentials,
    EndpointKind,
    Login,
    LoginAttempt,
    LoginMethod,
    Request,
    hookimpl,
)
from slipstream.errors import MalformedAnswer
from slipstream.values import Connector


class CLASS(Backend):
    name = "NAME"

    def list_connectors(self) -> Iterator[Connector]:
        request = Request(method="GET", path="/zones", repeatable=True)
        zones = self.session.send(request, doing="list zones").json()
        if not isinstance(zones, list) or not all(isinstance(zone, str) for zone in zones):
            raise MalformedAnswer("The server sent no list of zones.")
        for zone in zones:
            yield Connector(id=zone, name=zone)


def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    document = {"user": credentials.key, "password": credentials.secret}
    answer = attempt.post("/login", json=document, doing="log in")
    return attempt.finish(expires=timedelta(hours=1), data=answer)


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    return [LoginMethod(name="NAME-login", authenticate=authenticate, parameters=())]


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    return [
        EndpointKind(
            name="NAME",
            backend=CLASS,
            login_methods="NAME-login",
            default_login="NAME-login",
        )
    ]
''',
    "wrapper": '''\
"""A wrapper of an operation."""

from collections.abc import Generator
from logging import getLogger

from slipstream import DeploymentRequest, hookimpl
from slipstream.values import Deployment

log = getLogger(__name__)


@hookimpl(wrapper=True)
def slipstream_deploy(request: DeploymentRequest) -> Generator[None, Deployment, Deployment]:
    deployment = yield
    log.info("%s deployed as %s", request.module_id, deployment.id)
    return deployment
''',
}
_START = """\
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
"""
_TESTS: Mapping[str, str] = {
    "login": _START
    + """

def test_it_logs_in(sandbox):
    driver = SlipStreamNodeDriver(
        sandbox.username, sandbox.password, ex_endpoint=sandbox.url, ex_login_method="NAME"
    )
    assert driver.list_locations()
""",
    "kind": _START
    + """

def test_a_driver_uses_the_kind(sandbox):
    driver = SlipStreamNodeDriver(
        sandbox.username, sandbox.password, ex_endpoint=sandbox.url, ex_endpoint_kind="NAME"
    )
    assert driver.list_images()
""",
    "backend": """\
import threading

import pytest
from flask import Flask
from werkzeug.serving import make_server

"""
    + _START
    + """

@pytest.fixture
def url():
    app = Flask("service")
    app.add_url_rule("/login", view_func=lambda: {"token": "t-1234"}, methods=["POST"])
    app.add_url_rule("/zones", view_func=lambda: ["north"], endpoint="zones")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


def test_it_lists_locations(url):
    driver = SlipStreamNodeDriver("user", "password", ex_endpoint=url, ex_endpoint_kind="NAME")
    assert [location.name for location in driver.list_locations()] == ["north"]
""",
    "wrapper": _START
    + """

def test_it_logs_a_deployment(sandbox, caplog):
    caplog.set_level("INFO", "MODULE")
    driver = SlipStreamNodeDriver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)
    node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
    assert f"deployed as {node.id}" in caplog.text
""",
}
SORTS = tuple(_MODULES)
"""What can be written."""


def write(sort: str, name: str, folder: Path) -> Path:
    """
    Write the distribution of a new plugin.

    :param sort: One of :data:`SORTS`.
    :param name: The plugin's name.
    :param folder: Where to make its folder.
    :returns: The folder.
    :raises click.UsageError: If the name cannot be one, or the folder exists.
    """
    if sort not in SORTS:
        raise click.UsageError(f"There is no template {sort!r}: use one of {', '.join(SORTS)}.")
    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be the name of a plugin: use lower-case words joined by hyphens."
        )
    module = f"slipstream_{name.replace('-', '_')}"
    target = folder / f"slipstream-{name}"
    if target.exists():
        raise click.UsageError(f"{target} exists already.")
    files = {
        "pyproject.toml": _PROJECT,
        f"{module}.py": _MODULES[sort],
        "tests/conftest.py": _CONFTEST,
        f"tests/test_{module}.py": _TESTS[sort],
    }
    words = {
        "NAME": name,
        "MODULE": module,
        "CLASS": "".join(word.title() for word in name.split("-")),
        "VERSION": VERSION,
    }
    for path, text in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        filled = re.sub("|".join(words), lambda match: words[match[0]], text)
        (target / path).write_text(filled, "utf-8")
    return target
