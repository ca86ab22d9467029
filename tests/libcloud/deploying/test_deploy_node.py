"""A node is made and set up: really, by SSH."""

from __future__ import annotations

from pathlib import Path

import pytest
from endpoints_under_test import LiveEndpoint
from key_files import Pair, make_pair
from libcloud.compute.deployment import (
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    SSHKeyDeployment,
)
from ssh_server import Machine

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

from .conftest import Deploy, profile

# libcloud says so when a key is refused.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated")
SCRIPT = "#!/bin/sh\necho hello from $(pwd)\necho trouble >&2\ntouch made-here\nexit 3\n"


def test_a_script_runs_on_the_machine(deploy: Deploy, driver: Driver, machine: Machine) -> None:
    script = ScriptDeployment(SCRIPT, delete=True)
    node = deploy(script)
    assert (machine.home / "made-here").exists()
    assert script.stdout == f"hello from {machine.home}\n"
    assert (script.stderr, script.exit_status) == ("trouble\n", 3)
    assert (node.name, node.state, node.private_ips[0]) == ("blog", "running", "127.0.0.1")
    assert node.driver is driver
    assert machine.logins == ["root"]


def test_several_steps_run_one_after_the_other(
    deploy: Deploy, stranger: Pair, tmp_path: Path
) -> None:
    (tmp_path / "sent.txt").write_text("sent\n", "utf-8")
    read = ScriptDeployment("#!/bin/sh\ncat sent.txt .ssh/authorized_keys\n")
    steps = [
        FileDeployment(str(tmp_path / "sent.txt"), "sent.txt"),
        SSHKeyDeployment(stranger.public),
        read,
    ]
    deploy(MultiStepDeployment(steps))
    assert (read.stdout, read.exit_status) == (f"sent\n{stranger.public}", 0)


def test_no_connection_is_left_open(deploy: Deploy, machine: Machine) -> None:
    deploy(ScriptDeployment(SCRIPT))
    for transport in machine._transports:
        transport.join(5)
    assert machine.connections == 0


def test_the_private_key_of_a_new_key_pair_logs_in(
    deploy: Deploy, driver: Driver, machine: Machine, tmp_path: Path
) -> None:
    made = driver.create_key_pair("made here")
    machine.authorized = lambda: made.public_key
    file = tmp_path / "made.pem"
    file.write_text(made.private_key, "utf-8")
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    deploy(script, ssh_key=file, auth=None)
    assert script.stdout == "in\n"


def test_another_name_is_tried_where_the_first_is_not_let_in(
    deploy: Deploy, machine: Machine
) -> None:
    machine.users = "ubuntu"
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    options = {"ssh_alternate_usernames": ["admin", "ubuntu"]}
    deploy(script, **options)
    assert (script.stdout, machine.logins) == ("in\n", ["ubuntu"])
    assert list(dict.fromkeys(machine.refused)) == ["root", "admin"]


def test_deploy_node_retries_a_machine_that_refuses_the_key_at_first(
    deploy: Deploy, machine: Machine
) -> None:
    known = machine.authorized
    machine.authorized = lambda: known() if len(machine.refused) > 2 else ""
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    deploy(script)
    assert script.stdout == "in\n"


def test_the_first_of_several_key_files_that_fits_is_used(
    deploy: Deploy, pair: Pair, stranger: Pair
) -> None:
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    options = {"ssh_key": [str(stranger.file), str(pair.file)]}
    deploy(script, **options)
    assert script.stdout == "in\n"


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_deploy_node_adds_no_other_key_than_auth(
    deploy: Deploy, endpoint: LiveEndpoint, pair: Pair
) -> None:
    before = profile(endpoint)
    deploy(ScriptDeployment(SCRIPT))
    assert profile(endpoint) == [*before, pair.public]


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
def test_of_several_machines_the_first_by_name_is_logged_in_to(
    deploy: Deploy, endpoint: LiveEndpoint, driver: Driver
) -> None:
    addresses = iter(["127.0.0.9", "127.0.0.1", *(f"127.0.0.{n}" for n in range(10, 20))])
    endpoint.sandbox.world.ids.address = lambda: next(addresses)
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    system = driver.get_image("examples/tutorials/service-testing/system")
    node = deploy(script, image=system)
    first = driver.ex_get_node_parameter(node, "apache.1:hostname")
    assert (first, script.stdout) == ("127.0.0.1", "in\n")


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_deploy_node_prefers_a_public_address(deploy: Deploy, endpoint: LiveEndpoint) -> None:
    # A name of a host counts as public.
    endpoint.sandbox.world.ids.fixed_address = "localhost"
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    options = {
        "ssh_interface": "public_ips",
    }
    node = deploy(script, **options)
    assert (node.public_ips, script.stdout) == (["localhost"], "in\n")


def test_a_home_directory_is_known_by_its_tilde(
    deploy: Deploy, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    pair = make_pair(tmp_path, "at-home")
    machine.authorized = lambda: pair.public
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    deploy(script, ssh_key="~/at-home", auth=None)
    assert script.stdout == "in\n"


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
def test_without_a_key_file_the_keys_at_home_are_tried(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    pair = make_pair(tmp_path / ".ssh", "id_ed25519")
    script = ScriptDeployment("#!/bin/sh\necho in\n")
    deploy(script, auth=pair.auth, ssh_key=None)
    assert script.stdout == "in\n"
