from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from fake_time import FakeTime
from key_files import Pair, make_pair
from libcloud.compute.base import Node
from libcloud.compute.deployment import ScriptDeployment
from ssh_server import Machine

Deploy = Callable[..., Node]
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)


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
def other_pair(tmp_path: Path) -> Pair:
    """A key pair that no machine lets in."""
    return make_pair(tmp_path, "other")


@pytest.fixture
def waiting(endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let waiting move the sandbox's clock, and waiting for SSH take no time either."""
    fake = FakeTime(endpoint.sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.calls.time", fake)
    monkeypatch.setattr("slipstream.libcloud.ssh_setup.calls", Impatient())
    return fake


@pytest.fixture
def machine(
    endpoint: LiveEndpoint, tmp_path: Path, pair: Pair, waiting: FakeTime
) -> Iterator[Machine]:
    """
    What listens at the address of every machine of the sandbox.

    It lets in whom the profile lets in, as a SlipStream machine does; what runs on Nuvla has to
    bring a key of its own.
    """
    home = tmp_path / "home"
    home.mkdir()

    def authorized() -> str:
        return pair.public if endpoint.family == "nuvla" else "\n".join(profile(endpoint))

    endpoint.sandbox.world.ids.fixed_address = "127.0.0.1"
    with Machine(home, authorized) as machine:
        yield machine


@pytest.fixture
def deploy(endpoint: LiveEndpoint, driver: Driver, machine: Machine, pair: Pair) -> Deploy:
    """Make a node and set it up with a key; on Nuvla the image knows that key already."""

    def deploy(step: Any, **options: Any) -> Node:
        arguments: dict[str, Any] = {
            "name": "blog",
            "image": endpoint.image(driver),
            "location": endpoint.location(driver),
            "auth": None if endpoint.family == "nuvla" else pair.auth,
            "ssh_key": str(pair.file),
            "ssh_port": machine.port,
            "ssh_interface": "private_ips",
        }
        return driver.deploy_node(step, **(arguments | options))

    return deploy


@pytest.fixture
def log_in(deploy: Deploy) -> Deploy:
    """Make a node and run a script on it."""

    def log_in(**options: Any) -> Node:
        script = ScriptDeployment("#!/bin/sh\necho in\n")
        node = deploy(script, **options)
        assert script.stdout == "in\n"
        return node

    return log_in
