"""Failures after a node was created name the node."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from endpoints_under_test import Driver, LiveEndpoint
from key_files import Pair
from libcloud.compute.base import Node
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
)
from libcloud.compute.ssh import ParamikoSSHClient, SSHCommandTimeoutError
from libcloud.compute.types import DeploymentError
from paramiko import SSHException
from ssh_server import Machine

from slipstream.libcloud.errors import DeployFailed, NodeFailed

from .conftest import Deploy, on_nuvla, on_slipstream

pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated")
SCRIPT = ScriptDeployment("#!/bin/sh\necho in\n")
REFUSED = "the machine refuses this user and key"


class Step(Deployment):
    """A step that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.runs = 0

    def run(self, node: Node, client: Any) -> Node:
        self.runs += 1
        raise self.error


@pytest.fixture
def failure(deploy: Deploy, driver: Driver) -> Any:
    """The error of a deployment that fails."""

    def call(step: Any = SCRIPT, **options: Any) -> Any:
        with pytest.raises(DeployFailed) as caught:
            deploy(step, **options)
        error = caught.value
        assert isinstance(error, DeploymentError)
        assert error.node is not None
        assert str(error) == error.value
        assert "\n" not in str(error)
        for text in (error.node.id, driver.ex_endpoint, "destroy_node(error.node)"):
            assert text in str(error)
        return error

    return call


def test_deploy_node_with_a_key_that_is_refused(
    failure: Any, driver: Driver, machine: Machine, other_pair: Pair
) -> None:
    error = failure(ssh_key=str(other_pair.file))
    assert f"root@127.0.0.1, port {machine.port}, cannot be reached by SSH" in str(error)
    assert REFUSED in str(error)
    assert error.operation == "deploy_node"
    assert machine.logins == []
    assert driver.destroy_node(error.node)


@on_slipstream
def test_deploy_node_with_a_refused_key_in_another_format(
    failure: Any, machine: Machine, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "other-rsa"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    assert REFUSED in str(failure(ssh_key=str(file)))
    assert len(machine.refused) > 1
    machine.stop()
    assert f"Unable to connect to port {machine.port} on 127.0.0.1" in str(failure())


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


RETRIES = {"max_tries": 5, "ssh_alternate_usernames": ["ubuntu"]}
STEPS: list[tuple[Any, str, dict[str, Any]]] = [
    (RuntimeError("the disk is full"), "the disk is full.", {}),
    (RuntimeError("Failed.\nTraceback (most recent call last)\n"), "Failed.", RETRIES),
    (SSHException("SSH session not active"), "SSH session not active.", RETRIES),
    (SSHCommandTimeoutError("sleep 1", 1), "didn't finish in 1 seconds", RETRIES),
    (TimeoutError("timed out"), "timed out.", RETRIES),
    (EOFError(), "EOFError.", RETRIES),
    (Unprintable("x"), "Unprintable.", RETRIES),
    (RuntimeError(f"\x1b[31m{'x' * 60_000}"), "\\x1b[31mxxx", RETRIES),
    (FileDeployment("/missing", "x"), "No such file or directory", RETRIES),
]


@on_slipstream
@pytest.mark.parametrize(("cause", "message", "options"), STEPS, ids=lambda v: type(v).__name__)
def test_deploy_node_runs_a_step_that_fails_once(
    failure: Any, machine: Machine, cause: Any, message: str, options: Any
) -> None:
    machine.users = ("root", "ubuntu")
    step = Step(cause) if isinstance(cause, Exception) else cause
    before = ScriptDeployment("#!/bin/sh\necho x >> ran\n")
    steps = MultiStepDeployment([before, step, ScriptDeployment("#!/bin/sh\ntouch after\n")])
    error = failure(steps, **options)
    assert message in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 1000
    assert isinstance(error.original_error, OSError if step is cause else type(cause))
    assert (getattr(step, "runs", 1), machine.logins) == (1, ["root"])
    assert (machine.home / "ran").read_text("utf-8") == "x\n"
    assert not (machine.home / "after").exists()


@on_slipstream
def test_deploy_node_whose_connection_cannot_be_closed(
    deploy: Deploy, failure: Any, monkeypatch: Any
) -> None:
    close = ParamikoSSHClient.close

    def fail(client: ParamikoSSHClient) -> None:
        close(client)
        raise OSError("cannot be closed")

    monkeypatch.setattr(ParamikoSSHClient, "close", fail)
    assert deploy(SCRIPT).state == "running"
    assert "the disk is full" in str(failure(Step(STEPS[0][0])))


@on_slipstream
def test_deploy_node_tries_all_names_within_the_same_time(
    failure: Any, machine: Machine, monkeypatch: Any
) -> None:
    machine.users = ()
    error = failure(ssh_alternate_usernames=["admin", "ubuntu"])
    assert "root or admin or ubuntu@127.0.0.1" in str(error)
    assert list(dict.fromkeys(machine.refused)) == ["root", "admin", "ubuntu"]
    assert "root" in machine.refused[machine.refused.index("ubuntu") :]
    timeouts: list[float] = []

    def connect(client: Any) -> bool:
        timeouts.append(client.timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr("libcloud.compute.ssh.SSHClient.connect", connect)
    failure(ssh_timeout=9999, timeout=600)
    assert max(timeouts) <= 600
    assert min(timeouts) < 10


def test_deploy_node_without_an_address_of_the_interface(
    failure: Any, endpoint: LiveEndpoint, machine: Machine
) -> None:
    error = failure(ssh_interface="public_ips")
    assert isinstance(error.original_error, NodeFailed)
    assert "public address" in str(error)
    assert "ssh_interface='private_ips'" in str(error)
    # Of what runs on a service of one's own, a Nuvla server may know no more than a name.
    name = "swarm.example.org" if endpoint.family == "nuvla" else ""
    endpoint.sandbox.world.ids.fixed_address = name
    error = failure(auth=None)
    assert isinstance(error.original_error, NodeFailed)
    assert "private address" in str(error)
    assert machine.logins == machine.refused == []


def test_deploy_node_that_is_aborted(
    endpoint: LiveEndpoint, driver: Driver, failure: Any, monkeypatch: Any
) -> None:
    create_node = driver.create_node

    def create(**options: Any) -> Node:
        node = create_node(**options)
        endpoint.fail(node, "no space left")
        return node

    monkeypatch.setattr(driver, "create_node", create)
    assert "no space left" in str(failure())


def test_deploy_failed_is_pickled_without_secrets(failure: Any, endpoint: LiveEndpoint) -> None:
    step = Step(RuntimeError("tried hunter2"))
    step.error.args = (lambda: "what cannot be pickled",)
    error = failure(step, max_tries=1)
    text = pickle.dumps(error)
    copy = pickle.loads(text)
    assert (type(copy), str(copy), copy.node.id) == (DeployFailed, str(error), error.node.id)
    assert (copy.endpoint, copy.operation) == (error.endpoint, "deploy_node")
    assert copy.original_error is None
    assert endpoint.sandbox.password.encode() not in text


@on_slipstream
def test_deploy_node_calls_at_exit_func_if_it_was_interrupted(
    deploy: Deploy, driver: Driver, failure: Any, monkeypatch: Any
) -> None:
    registered, calls = list[Callable[[], object]](), list[Any]()

    class AtExit:
        """Stands for the module ``atexit``."""

        def register(self, function: Callable[[], object]) -> Callable[[], object]:
            registered.append(function)
            return function

        def unregister(self, function: object) -> None:
            registered[:] = [other for other in registered if other is not function]

    def at_exit_func(driver: Driver, node: Node) -> None:
        calls.append((driver, node.id))

    monkeypatch.setattr("slipstream.libcloud.ssh_setup.atexit", AtExit())
    deploy(SCRIPT, at_exit_func=at_exit_func)
    failure(Step(RuntimeError("no")), at_exit_func=at_exit_func)
    assert registered == []
    with pytest.raises(KeyboardInterrupt):
        deploy(Step(KeyboardInterrupt()), at_exit_func=at_exit_func)
    assert calls == []
    for function in registered:
        function()
    assert calls == [(driver, driver.list_nodes()[0].id)]


@pytest.mark.parametrize("where", ["setting up", "waiting"])
def test_deploy_node_interrupted_names_the_node(
    deploy: Deploy, driver: Driver, monkeypatch: Any, where: str
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    if where == "waiting":
        monkeypatch.setattr("slipstream.transport.calls.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        deploy(Step(KeyboardInterrupt()))
    (node,) = driver.list_nodes()
    assert f"Node blog ({node.id}) was created, and still exists." in caught.value.__notes__


@on_nuvla
@pytest.mark.parametrize("part", ["PUT", "start", "PUT, undeleted"])
@pytest.mark.parametrize("after", [False, True])
def test_create_node_interrupted_half_way_deletes_the_node_or_names_it(
    endpoint: LiveEndpoint, driver: Driver, monkeypatch: Any, part: str, after: bool
) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    send = driver._session.transport.send
    part, _, undeleted = part.partition(", ")
    if undeleted:
        endpoint.sandbox.faults.add("DELETE", "/api/deployment/.*", status=403, times=None)

    def interrupted(request: Any, **options: Any) -> Any:
        path = request.path.removeprefix("/api/")
        if not path.startswith("deployment/") or part not in (request.method, path[-5:]):
            return send(request, **options)
        if after:
            send(request, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(driver._session.transport, "send", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node("blog", image=image, location=location)
    endpoint.pass_time()
    (note,) = caught.value.__notes__
    nodes = driver.list_nodes()
    if undeleted:
        assert note == f"{nodes[0].id} was created and could not be deleted again; destroy it."
    else:
        assert nodes == []
        assert note.endswith("was created, and was deleted again or will be soon.")
