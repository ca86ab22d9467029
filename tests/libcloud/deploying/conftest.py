from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from key_files import Pair, make_pair
from libcloud.compute.base import Node
from ssh_server import Machine

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

Deploy = Callable[..., Node]


class Impatient(FakeTime):
    """Time of which each pause takes a hundred times more, so that few attempts are made."""

    def sleep(self, seconds: float) -> None:
        super().sleep(100 * seconds)


def profile(endpoint: LiveEndpoint) -> list[str]:
    """The keys in alice's profile on a SlipStream server."""
    text: str = endpoint.sandbox.world.accounts["alice"].value("General.ssh.public.key")
    return text.splitlines()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path, "mine")


@pytest.fixture
def stranger(tmp_path: Path) -> Pair:
    return make_pair(tmp_path, "strange")


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> Driver:
    made = endpoint.login()
    endpoint.sandbox.journal.clear()
    return made


@pytest.fixture(autouse=True)
def waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let waiting move the sandbox's clock, and waiting for SSH take no time either."""
    endpoint: LiveEndpoint | None = None
    if "endpoint" in request.fixturenames:
        endpoint = request.getfixturevalue("endpoint")
    fake = FakeTime(endpoint.sandbox.clock.advance if endpoint else lambda _: None)
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    monkeypatch.setattr("slipstream.libcloud.ssh_setup.clock", Impatient())
    return fake


@pytest.fixture
def machine(endpoint: LiveEndpoint, tmp_path: Path, pair: Pair) -> Iterator[Machine]:
    """
    What answers at the address of every machine of the sandbox.

    It lets in whom the profile lets in, as a SlipStream machine does; what runs on Nuvla has to
    bring a key of its own.
    """
    home = tmp_path / "home"
    home.mkdir()

    def authorized() -> str:
        return pair.public if endpoint.family == "nuvla" else "\n".join(profile(endpoint))

    endpoint.sandbox.world.ids.fixed_address = "127.0.0.1"
    with Machine(home, authorized) as running:
        yield running


@pytest.fixture
def deploy(endpoint: LiveEndpoint, driver: Driver, machine: Machine, pair: Pair) -> Deploy:
    """Make a node and set it up with a key; on Nuvla the image knows that key already."""

    def call(step: Any, **options: Any) -> Node:
        arguments = {
            "name": "blog",
            "image": endpoint.image(driver),
            "location": endpoint.location(driver),
            "auth": None if endpoint.family == "nuvla" else pair.auth,
            "ssh_key": str(pair.file),
            "ssh_port": machine.port,
            "ssh_interface": "private_ips",
        }
        return driver.deploy_node(step, **(arguments | options))

    return call
