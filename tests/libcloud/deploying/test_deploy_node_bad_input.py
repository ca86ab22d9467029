"""What deploy_node refuses, it refuses before anything is made."""

from __future__ import annotations

import inspect
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
from endpoints_under_test import LiveEndpoint
from key_files import Pair
from libcloud.compute.base import NodeAuthPassword, NodeDriver
from libcloud.compute.deployment import ScriptDeployment

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.errors import BadInput, NotSupported
from slipstream.libcloud.ssh_setup import SSHSetup

SCRIPT = ScriptDeployment("#!/bin/sh\n")
one_place = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)


def refused(
    endpoint: LiveEndpoint,
    driver: Driver,
    error: type[Exception],
    step: Any = SCRIPT,
    **options: Any,
) -> str:
    given = {"image": endpoint.image(driver), "location": endpoint.location(driver), **options}
    endpoint.sandbox.journal.clear()
    with pytest.raises(error) as caught:
        driver.deploy_node(step, **given)
    assert list(endpoint.sandbox.journal) == []
    return str(caught.value)


def test_the_arguments_are_those_of_libcloud() -> None:
    ours, theirs = inspect.signature(Driver.deploy_node), inspect.signature(NodeDriver.deploy_node)
    assert list(ours.parameters) == list(theirs.parameters)
    assert [one.default for one in ours.parameters.values()] == [
        one.default for one in theirs.parameters.values()
    ]


def test_without_paramiko_it_says_how_to_install_it(
    endpoint: LiveEndpoint, driver: Driver, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libcloud.compute.ssh.have_paramiko", False)
    # Programs expect the RuntimeError that libcloud raises.
    assert issubclass(NotSupported, RuntimeError)
    text = refused(endpoint, driver, NotSupported, ssh_key=str(pair.file))
    assert "pip install '.[ssh]'" in text


def test_without_any_key_it_says_what_to_give(endpoint: LiveEndpoint, driver: Driver) -> None:
    text = refused(endpoint, driver, NotSupported)
    assert "deploy_node needs a key to log in with" in text
    assert "NodeAuthSSHKey" in text


@pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
def test_auth_where_nothing_would_take_it(
    endpoint: LiveEndpoint, driver: Driver, pair: Pair
) -> None:
    text = refused(endpoint, driver, BadInput, auth=pair.auth, ssh_key=str(pair.file))
    assert "put no SSH keys into what they deploy" in text


def test_a_password(endpoint: LiveEndpoint, driver: Driver) -> None:
    text = refused(endpoint, driver, BadInput, auth=NodeAuthPassword("hunter2"))
    assert "NodeAuthSSHKey" in text
    assert "hunter2" not in text


@one_place
@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"ssh_usernam": "x"}, TypeError, "did you mean 'ssh_username'?"),
        ({"ex_tag": "x"}, TypeError, "did you mean 'ex_tags'?"),
        ({"step": "echo hello"}, TypeError, "deploy must be a Deployment of libcloud, not str."),
        ({"step": None}, TypeError, "deploy must be a Deployment of libcloud, not NoneType."),
        ({"at_exit_func": "x"}, TypeError, "at_exit_func must be a function, not str."),
        ({"ssh_interface": "public"}, BadInput, "'public_ips' or 'private_ips'"),
        ({"ssh_username": ""}, BadInput, "The name to log in under is empty."),
        ({"ssh_username": None}, TypeError, "must be a string, not NoneType."),
        ({"ssh_alternate_usernames": "admin"}, TypeError, "must be a list of strings, not str."),
        ({"ssh_alternate_usernames": [1]}, TypeError, "must be a string, not int."),
        ({"ssh_port": 0}, BadInput, "ssh_port is 0: a whole number from 1 to 65535"),
        ({"ssh_port": "22"}, BadInput, "ssh_port is a str"),
        ({"ssh_timeout": -1}, BadInput, "ssh_timeout is -1"),
        ({"timeout": "long"}, BadInput, "timeout is a str"),
        ({"wait_period": None}, BadInput, "wait_period is a NoneType"),
        ({"max_tries": 0}, BadInput, "max_tries is 0: a whole number from 1"),
        ({"ssh_key": 7}, TypeError, "ssh_key must be a list of strings, not int."),
        ({"ssh_key": [7]}, TypeError, "ssh_key must be the path of a file, not int."),
        ({"ssh_key_password": 7}, TypeError, "ssh_key_password must be a string, not int."),
        ({"ssh_key": "no/such/file"}, BadInput, "Cannot read the key file (a name of 12 char"),
        ({"image": None}, BadInput, "create_node needs an image."),
    ],
    ids=str,
)
def test_an_argument_that_cannot_be_right(
    endpoint: LiveEndpoint,
    driver: Driver,
    pair: Pair,
    options: dict[str, Any],
    error: type[Exception],
    sentence: str,
) -> None:
    given = {"ssh_key": str(pair.file), **options}
    assert sentence in refused(endpoint, driver, error, **given)


class TestKeyFiles:
    """A private key that cannot be opened is of no use once there is a node."""

    @staticmethod
    def refusal(file: Path, **more: Any) -> str:
        given = {
            "ssh_username": "root",
            "ssh_alternate_usernames": None,
            "ssh_port": 22,
            "ssh_timeout": 10,
            "ssh_key_password": None,
            "timeout": 10,
            "max_tries": 3,
            "ssh_interface": "public_ips",
            **more,
        }
        try:
            SSHSetup.check(deploy=SCRIPT, ssh_key=[str(file)], **given)
        except ValueError as error:
            return str(error)
        return "no refusal"

    @pytest.fixture(params=["rsa", "ecdsa"])
    def key(self, request: pytest.FixtureRequest) -> Any:
        if request.param == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return ec.generate_private_key(ec.SECP256R1())

    @pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL])
    def test_a_passphrase_must_open_the_file(self, key: Any, form: Any, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_bytes(key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"opens")))
        assert f"The private key {file} is encrypted. Give ssh_key_password" in self.refusal(file)
        assert self.refusal(file, ssh_key_password="opens") == "no refusal"
        text = self.refusal(file, ssh_key_password="wrong-secret")
        assert text == f"ssh_key_password does not open the private key {file}."

    @pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL])
    def test_one_that_is_not_encrypted_needs_none(
        self, key: Any, form: Any, tmp_path: Path
    ) -> None:
        file = tmp_path / "key"
        file.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
        assert self.refusal(file) == "no refusal"

    def test_deploy_node_with_a_key_that_paramiko_cannot_read(
        self, key: Any, tmp_path: Path
    ) -> None:
        file = tmp_path / "key"
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(text)
        told = self.refusal(file)
        assert "in a format that paramiko cannot read" in told
        assert "'ssh-keygen -p' writes it in OpenSSH's format" in told

    @pytest.mark.parametrize(
        "content", [b"", b"\xff\xfe", b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me", b"\n"]
    )
    def test_a_file_without_a_private_key_is_refused(self, content: bytes, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_bytes(content)
        assert self.refusal(file).startswith(f"{file} holds no private key.")

    def test_a_damaged_key_is_refused_and_not_shown(self, pair: Pair) -> None:
        text = pair.file.read_text("utf-8").splitlines()
        pair.file.write_text("\n".join([text[0], text[1][:20], text[-1]]), "utf-8")
        told = self.refusal(pair.file)
        assert "no refusal" not in told
        assert text[1][:20] not in told

    def test_a_directory_is_no_key(self, tmp_path: Path) -> None:
        assert f"Cannot read the key file {tmp_path}: Is a directory." in self.refusal(tmp_path)
