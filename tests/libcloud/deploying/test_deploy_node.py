"""A node is made and set up: really, by SSH."""

from __future__ import annotations

from pathlib import Path

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from key_files import Pair, make_pair
from libcloud.compute.deployment import (
    ScriptDeployment,
)
from ssh_server import Machine

from .conftest import Deploy, on_slipstream, profile

# libcloud says so when a key is refused.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated")
SCRIPT = "#!/bin/sh\necho hello from $(pwd)\necho trouble >&2\ntouch made-here\nexit 3\n"


def test_deploy_node_runs_a_script_and_leaves_no_connection_open(
    deploy: Deploy, driver: Driver, endpoint: LiveEndpoint, machine: Machine, pair: Pair
) -> None:
    script, nuvla = ScriptDeployment(SCRIPT, delete=True), endpoint.family == "nuvla"
    before = [] if nuvla else profile(endpoint)
    node = deploy(script)
    assert (machine.home / "made-here").exists()
    assert script.stdout == f"hello from {machine.home}\n"
    assert (script.stderr, script.exit_status) == ("trouble\n", 3)
    assert (node.name, node.state, node.private_ips[0]) == ("blog", "running", "127.0.0.1")
    assert node.driver is driver
    assert machine.logins == ["root"]
    assert nuvla or profile(endpoint) == [*before, pair.public]
    for transport in machine._transports:
        transport.join(5)
    assert machine.connections == 0


def test_deploy_node_with_the_private_key_of_a_new_key_pair(
    log_in: Deploy, driver: Driver, machine: Machine, tmp_path: Path
) -> None:
    pair = driver.create_key_pair("made here")
    machine.authorized = lambda: pair.public_key
    file = tmp_path / "made.pem"
    file.write_text(pair.private_key, "utf-8")
    log_in(ssh_key=file, auth=None)


@on_slipstream
def test_deploy_node_with_other_names_to_log_in_under(log_in: Deploy, machine: Machine) -> None:
    machine.users = ("ubuntu",)
    log_in(ssh_alternate_usernames=["admin", "ubuntu"])
    assert machine.logins == ["ubuntu"]
    assert list(dict.fromkeys(machine.refused)) == ["root", "admin"]


@on_slipstream
def test_deploy_node_retries_a_machine_that_refuses_the_key_at_first(
    log_in: Deploy, machine: Machine
) -> None:
    authorized = machine.authorized
    machine.authorized = lambda: authorized() if len(machine.refused) > 2 else ""
    log_in()


@on_slipstream
def test_deploy_node_with_several_key_files(log_in: Deploy, pair: Pair, other_pair: Pair) -> None:
    log_in(ssh_key=[str(other_pair.file), str(pair.file)])


@on_slipstream
def test_deploy_node_of_several_machines_logs_in_to_the_first_by_name(
    log_in: Deploy, endpoint: LiveEndpoint, driver: Driver
) -> None:
    addresses = iter(["127.0.0.9", "127.0.0.1", *(f"127.0.0.{n}" for n in range(10, 20))])
    endpoint.sandbox.world.ids.address = lambda: next(addresses)
    node = log_in(image=driver.get_image("examples/tutorials/service-testing/system"))
    assert driver.ex_get_node_parameter(node, "apache.1:hostname") == "127.0.0.1"


@on_slipstream
def test_deploy_node_prefers_a_public_address(log_in: Deploy, endpoint: LiveEndpoint) -> None:
    # A name of a host counts as public.
    endpoint.sandbox.world.ids.fixed_address = "localhost"
    assert log_in(ssh_interface="public_ips").public_ips == ["localhost"]


@on_slipstream
@pytest.mark.parametrize("by", ["a tilde", "no path"])
def test_deploy_node_with_a_key_at_home(
    log_in: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    pair = make_pair(tmp_path / ".ssh", "id_ed25519")
    log_in(auth=pair.auth, ssh_key="~/.ssh/id_ed25519" if by == "a tilde" else None)
