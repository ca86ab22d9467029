"""What deploy_node refuses, it refuses before anything is made."""

from __future__ import annotations

from pathlib import Path
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
from key_files import Pair
from libcloud.compute.base import NodeAuthPassword
from libcloud.compute.deployment import ScriptDeployment

from slipstream.libcloud.errors import BadInput, NotSupported
from slipstream.libcloud.ssh_setup import SSHSetup

from .conftest import on_nuvla, on_slipstream

SCRIPT = ScriptDeployment("#!/bin/sh\n")


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


@on_nuvla
def test_deploy_node_with_auth_where_machines_take_no_keys(refusal: Any, pair: Pair) -> None:
    text = refusal(BadInput, auth=pair.auth, ssh_key=str(pair.file))
    assert "do not put SSH keys into deployments" in text


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


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_key_file_needs_its_passphrase(key: Any, form: PrivateFormat, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"opens")))
    assert f"The private key {file} is encrypted. Pass ssh_key_password" in of_key(file)
    assert of_key(file, "opens") == "no refusal"
    text = of_key(file, "wrong-secret")
    assert text == f"ssh_key_password does not open the private key {file}."
    file.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert of_key(file) == "no refusal"


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_key_file_that_paramiko_cannot_read(key: Any, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
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
