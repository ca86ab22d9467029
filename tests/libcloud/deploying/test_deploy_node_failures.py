"""A node that was made and cannot be set up: nobody misses that it is there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from endpoints_under_test import LiveEndpoint
from key_files import Pair
from libcloud.compute.base import Node
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
)
from libcloud.compute.ssh import SSHCommandTimeoutError
from libcloud.compute.types import DeploymentError
from paramiko import SSHException
from ssh_server import Machine

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.errors import DeployFailed, NodeFailed

from .conftest import Deploy
from .test_deploy_node import SCRIPT

pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated")


class Step(Deployment):
    """A step that somebody wrote, and that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.runs = 0

    def run(self, node: Node, client: Any) -> Node:
        self.runs += 1
        raise self.error


Failure = Callable[..., Any]


@pytest.fixture
def failure(deploy: Deploy, driver: Driver) -> Failure:
    """The error of a deployment that fails."""

    def call(step: Any, **options: Any) -> Any:
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
    failure: Failure, driver: Driver, machine: Machine, stranger: Pair
) -> None:
    error = failure(ScriptDeployment(SCRIPT), ssh_key=str(stranger.file))
    assert f"root@127.0.0.1, port {machine.port}, cannot be reached by SSH" in str(error)
    assert "the machine lets nobody in with that name and key" in str(error)
    assert error.operation == "deploy_node"
    assert machine.logins == []
    assert driver.destroy_node(error.node)


def test_deploy_node_with_a_refused_key_in_another_format(
    failure: Failure, machine: Machine, tmp_path: Path
) -> None:
    strange = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "strange-rsa"
    text = strange.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    file.write_bytes(text)
    error = failure(ScriptDeployment(SCRIPT), ssh_key=str(file))
    assert "the machine lets nobody in with that name and key" in str(error)
    assert len(machine.refused) > 1


def test_deploy_node_on_a_closed_port(failure: Failure, machine: Machine) -> None:
    machine.stop()
    error = failure(ScriptDeployment(SCRIPT))
    assert f"Unable to connect to port {machine.port} on 127.0.0.1" in str(error)


def _steps(folder: Path) -> list[tuple[Any, str]]:
    """Steps that fail, and what each of them says."""
    return [
        (RuntimeError("the disk is full"), "the disk is full."),
        (RuntimeError("Failed.\nTraceback (most recent call last)\n"), "Failed."),
        (SSHException("SSH session not active"), "SSH session not active."),
        (SSHCommandTimeoutError("sleep 1", 1), "didn't finish in 1 seconds"),
        (TimeoutError("timed out"), "timed out."),
        (EOFError(), "EOFError."),
        (Unprintable("x"), "Unprintable."),
        (RuntimeError(f"\x1b[31m{'x' * 60_000}"), "\\x1b[31mxxx"),
        (FileDeployment(str(folder / "missing"), "x"), "No such file or directory"),
    ]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
@pytest.mark.parametrize(
    ("number", "options"),
    [(0, {}), *((n, {"max_tries": 5, "ssh_alternate_usernames": ["ubuntu"]}) for n in range(9))],
)
def test_a_step_that_fails_runs_once(
    failure: Failure, machine: Machine, tmp_path: Path, options: dict[str, Any], number: int
) -> None:
    machine.users = ("root", "ubuntu")
    cause, message = _steps(tmp_path)[number]
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


def test_all_names_are_tried_within_the_same_time(failure: Failure, machine: Machine) -> None:
    machine.users = ()
    error = failure(ScriptDeployment(SCRIPT), ssh_alternate_usernames=["admin", "ubuntu"])
    assert "root or admin or ubuntu@127.0.0.1" in str(error)
    names = list(dict.fromkeys(machine.refused))
    rounds = len(machine.refused) // len(machine.refused[: machine.refused.index("ubuntu") + 1])
    assert names == ["root", "admin", "ubuntu"]
    assert rounds > 1


def test_attempts_to_connect_end_with_the_time_for_all_of_them(
    failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []

    def connect(client: Any) -> bool:
        timeouts.append(client.timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr("libcloud.compute.ssh.SSHClient.connect", connect)
    step = ScriptDeployment(SCRIPT)
    failure(step, ssh_timeout=9999, timeout=600)
    assert max(timeouts) <= 600
    assert min(timeouts) < 10


def test_deploy_node_without_an_address_of_the_interface(
    failure: Failure, machine: Machine
) -> None:
    error = failure(ScriptDeployment(SCRIPT), ssh_interface="public_ips")
    assert isinstance(error.original_error, NodeFailed)
    assert "public address" in str(error)
    assert "ssh_interface='private_ips'" in str(error)
    assert machine.logins == machine.refused == []


def test_deploy_node_on_a_location_without_addresses(
    failure: Failure, endpoint: LiveEndpoint
) -> None:
    # Of what runs on a service of one's own, a Nuvla server may know no more than a name.
    endpoint.sandbox.world.ids.fixed_address = (
        "swarm.example.org" if endpoint.family == "nuvla" else ""
    )
    error = failure(ScriptDeployment(SCRIPT))
    assert isinstance(error.original_error, NodeFailed)
    assert "private address" in str(error)


def test_deploy_node_that_is_aborted(
    endpoint: LiveEndpoint, driver: Driver, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = driver.create_node

    def create(**options: Any) -> Node:
        node = made(**options)
        endpoint.fail(node, "no space left")
        return node

    monkeypatch.setattr(driver, "create_node", create)
    error = failure(ScriptDeployment(SCRIPT))
    assert "no space left" in str(error)


def test_failure_is_pickled_without_secrets(failure: Failure, endpoint: LiveEndpoint) -> None:
    step = Step(RuntimeError("tried hunter2"))
    step.error.args = (lambda: "what cannot be pickled",)
    error = failure(step, max_tries=1)
    text = pickle.dumps(error)
    copy = pickle.loads(text)
    assert (type(copy), str(copy), copy.node.id) == (DeployFailed, str(error), error.node.id)
    assert (copy.endpoint, copy.operation) == (error.endpoint, "deploy_node")
    assert copy.original_error is None
    assert endpoint.sandbox.password.encode() not in text


class AtExit:
    """Stands for the module ``atexit``."""

    def __init__(self) -> None:
        self.registered: list[Callable[[], object]] = []

    def register(self, function: Callable[[], object]) -> Callable[[], object]:
        self.registered.append(function)
        return function

    def unregister(self, function: Callable[[], object]) -> None:
        self.registered.remove(function)

    def end(self) -> None:
        for function in self.registered:
            function()


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> AtExit:
    fake = AtExit()
    monkeypatch.setattr("slipstream.libcloud.ssh_setup.atexit", fake)
    return fake


class TestInterrupted:
    """Somebody presses Control-C while the node is being set up."""

    def test_at_exit_func_gets_the_driver_and_the_node(
        self, deploy: Deploy, driver: Driver, at_exit: AtExit
    ) -> None:
        called: list[Any] = []
        options = {"at_exit_func": lambda driver, node: called.append((driver, node.id))}
        step = Step(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            deploy(step, **options)
        assert called == []
        at_exit.end()
        (node,) = driver.list_nodes()
        assert called == [(driver, node.id)]

    def test_without_such_a_function_the_interruption_names_the_node(
        self, deploy: Deploy, driver: Driver
    ) -> None:
        with pytest.raises(KeyboardInterrupt) as caught:
            deploy(Step(KeyboardInterrupt()))
        (node,) = driver.list_nodes()
        assert caught.value.__notes__ == [f"Node blog ({node.id}) was created, and still exists."]

    def test_an_interrupted_wait_names_the_node_too(
        self, deploy: Deploy, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("slipstream.transport.clock.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            deploy(ScriptDeployment(SCRIPT))
        (node,) = driver.list_nodes()
        assert any(node.id in note for note in caught.value.__notes__)

    @pytest.mark.parametrize("step", [ScriptDeployment(SCRIPT), Step(RuntimeError("no"))])
    def test_the_function_is_not_called_once_the_call_has_ended(
        self, deploy: Deploy, failure: Failure, at_exit: AtExit, step: Deployment
    ) -> None:
        options = {"at_exit_func": pytest.fail}
        if isinstance(step, Step):
            failure(step, **options)
        else:
            deploy(step, **options)
        assert at_exit.registered == []
