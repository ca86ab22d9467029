"""A node is made and set up, really, by SSH; what fails or is refused says so."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from endpoints_under_test import Driver, LiveEndpoint
from key_files import Pair, make_pair
from libcloud.compute.base import Node, NodeAuthPassword
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

from slipstream.libcloud.errors import BadInput, DeployFailed, NodeFailed, NotSupported
from slipstream.libcloud.ssh_setup import SSHSetup

from .conftest import Deploy, on_nuvla, on_slipstream, profile

# libcloud says so when a key is refused.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated")
SCRIPT = ScriptDeployment("#!/bin/sh\necho in\n")
UNENCRYPTED = NoEncryption()
OUTPUT = "#!/bin/sh\necho hello from $(pwd)\necho trouble >&2\ntouch made-here\nexit 3\n"


def test_deploy_node_runs_a_script_and_leaves_no_connection_open(
    deploy: Deploy, driver: Driver, endpoint: LiveEndpoint, machine: Machine, pair: Pair
) -> None:
    script, nuvla = ScriptDeployment(OUTPUT, delete=True), endpoint.family == "nuvla"
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
def test_deploy_node_with_other_names_on_a_machine_that_takes_the_key_later(
    log_in: Deploy, machine: Machine
) -> None:
    machine.users, authorized = ("ubuntu",), machine.authorized
    machine.authorized = lambda: authorized() if len(machine.refused) > 4 else ""
    log_in(ssh_alternate_usernames=["admin", "ubuntu"])
    assert machine.logins == ["ubuntu"]
    assert list(dict.fromkeys(machine.refused)) == ["root", "admin", "ubuntu"]


@on_slipstream
def test_deploy_node_of_several_machines_logs_in_to_the_first_by_name(
    log_in: Deploy, endpoint: LiveEndpoint, driver: Driver, pair: Pair, other_pair: Pair
) -> None:
    addresses = iter(["127.0.0.9", "127.0.0.1", *(f"127.0.0.{n}" for n in range(10, 20))])
    endpoint.sandbox.world.ids.address = lambda: next(addresses)
    image = driver.get_image("examples/tutorials/service-testing/system")
    node = log_in(image=image, ssh_key=[str(other_pair.file), str(pair.file)])
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


def pem(key: Any, form: Any = PrivateFormat.OpenSSH, encryption: Any = UNENCRYPTED) -> Any:
    """The content of a file with a private key."""
    return key.private_bytes(Encoding.PEM, form, encryption)


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
    assert driver.destroy_node(error.node)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other_pair.file.write_bytes(pem(key))
    machine.refused.clear()
    assert REFUSED in str(failure(ssh_key=str(other_pair.file)))
    assert len(machine.refused) > 1
    assert machine.logins == []
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
    assert 300 < max(timeouts) <= 600
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
    registered, calls = list[Any](), list[Any]()

    def register(function: Any) -> Any:
        registered.append(function)
        return function

    def unregister(function: Any) -> None:
        registered[:] = [other for other in registered if other is not function]

    def at_exit_func(driver: Driver, node: Node) -> None:
        calls.append((driver, node.id))

    stand_in = SimpleNamespace(register=register, unregister=unregister)
    monkeypatch.setattr("slipstream.libcloud.ssh_setup.atexit", stand_in)
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
def test_create_node_interrupted_half_way_deletes_the_node_or_names_it(
    endpoint: LiveEndpoint, driver: Driver, monkeypatch: Any, part: str
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


@pytest.fixture
def refusal(endpoint: LiveEndpoint, driver: Driver) -> Any:
    """The text of the error that a call is refused with before anything is sent."""

    def call(error: type[Exception], step: Any = SCRIPT, **options: Any) -> str:
        usual: Any = {"image": endpoint.image(driver), "location": endpoint.location(driver)}
        endpoint.sandbox.journal.clear()
        with pytest.raises(error) as caught:
            driver.deploy_node(step, **usual | options)
        assert list(endpoint.sandbox.journal) == []
        return str(caught.value)

    return call


def test_deploy_node_without_what_it_needs(refusal: Any, pair: Pair, monkeypatch: Any) -> None:
    text = refusal(NotSupported)
    assert "deploy_node needs a key to log in with" in text
    assert "NodeAuthSSHKey" in text
    text = refusal(BadInput, auth=NodeAuthPassword("hunter2"))
    assert "NodeAuthSSHKey" in text
    assert "hunter2" not in text
    monkeypatch.setattr("libcloud.compute.ssh.have_paramiko", False)
    # Programs expect the RuntimeError that libcloud raises.
    assert issubclass(NotSupported, RuntimeError)
    assert "pip install '.[ssh]'" in refusal(NotSupported, ssh_key=str(pair.file))


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ssh_usernam": "x"}, TypeError, "did you mean 'ssh_username'?"),
    ({"ex_tag": "x"}, TypeError, "did you mean 'ex_tags'?"),
    ({"step": "echo hello"}, TypeError, "deploy must be a Deployment of libcloud, not str."),
    ({"step": None}, TypeError, "deploy must be a Deployment of libcloud, not NoneType."),
    ({"at_exit_func": "x"}, TypeError, "at_exit_func must be a function, not str."),
    ({"ssh_interface": "public"}, BadInput, "'public_ips' or 'private_ips'"),
    ({"ssh_username": ""}, BadInput, "The name to log in under is empty."),
    ({"ssh_username": None}, TypeError, "must be a string, not NoneType."),
    ({"ssh_alternate_usernames": "admin"}, TypeError, "must be a list, not str."),
    ({"ssh_alternate_usernames": [1]}, TypeError, "must be a string, not int."),
    ({"ssh_port": 0}, BadInput, "ssh_port must be a whole number from 1 to 65535, not 0"),
    ({"ssh_port": "22"}, BadInput, "ssh_port must be a whole number"),
    ({"ssh_timeout": -1}, BadInput, "ssh_timeout must be a number from 0"),
    ({"timeout": "long"}, BadInput, "timeout must be a number"),
    ({"wait_period": None}, BadInput, "wait_period must be a number"),
    ({"max_tries": 0}, BadInput, "max_tries must be a whole number from 1"),
    ({"ssh_key": 7}, TypeError, "ssh_key must be a list, not int."),
    ({"ssh_key": [7]}, TypeError, "ssh_key must be the path of a file, not int."),
    ({"ssh_key_password": 7}, TypeError, "ssh_key_password must be a string, not int."),
    ({"ssh_key": "no/such/file"}, BadInput, "Cannot read the key file (a name of 12 char"),
    ({"image": None}, BadInput, "create_node needs an image."),
]


@on_slipstream
@pytest.mark.parametrize(("options", "error", "sentence"), WRONG, ids=str)
def test_deploy_node_with_wrong_arguments(
    refusal: Any, pair: Pair, options: Any, error: Any, sentence: str
) -> None:
    assert sentence in refusal(error, **{"ssh_key": str(pair.file), **options})


def of_key(file: Path, password: str | None = None) -> str:
    """The message of the refusal of a file with a private key."""
    options: dict[str, Any] = {"ssh_username": "root", "ssh_alternate_usernames": None}
    options |= {"ssh_port": 22, "ssh_timeout": 10, "timeout": 10, "max_tries": 3}
    options |= {"ssh_interface": "public_ips", "ssh_key_password": password}
    try:
        SSHSetup(deploy=SCRIPT, ssh_key=[str(file)], **options)
    except ValueError as error:
        return str(error)
    return "no refusal"


KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_key_file_needs_its_passphrase_and_a_format_of_paramiko(key: Any, tmp_path: Path) -> None:
    file = tmp_path / "key"
    for form in (PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL):
        file.write_bytes(pem(key, form, BestAvailableEncryption(b"opens")))
        assert f"The private key {file} is encrypted. Pass ssh_key_password" in of_key(file)
        assert of_key(file, "opens") == "no refusal"
        text = of_key(file, "wrong-secret")
        assert text == f"ssh_key_password does not open the private key {file}."
        file.write_bytes(pem(key, form))
        assert of_key(file) == "no refusal"
    file.write_bytes(pem(key, PrivateFormat.PKCS8))
    assert "in a format that paramiko cannot read" in of_key(file)
    assert "'ssh-keygen -p' writes it in OpenSSH's format" in of_key(file)


def test_key_file_without_a_private_key(tmp_path: Path, pair: Pair) -> None:
    file = tmp_path / "key"
    for content in (b"", b"\xff\xfe", b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me", b"\n"):
        file.write_bytes(content)
        assert of_key(file).startswith(f"{file} holds no private key.")
    assert f"Cannot read the key file {tmp_path}: Is a directory." in of_key(tmp_path)
    first, body, *_, last = pair.file.read_text("utf-8").splitlines()
    pair.file.write_text(f"{first}\n{body[:20]}\n{last}", "utf-8")
    assert "no refusal" not in of_key(pair.file)
    assert body[:20] not in of_key(pair.file)
