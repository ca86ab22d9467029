"""Key pairs, on every kind of endpoint."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint, changed
from key_files import KEY, OTHER_KEY
from libcloud.compute.types import KeyPairDoesNotExistError, KeyPairError

from slipstream.libcloud.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.sandbox import Sandbox
from slipstream.values.ssh_key import generate


def test_import_and_get_by_name_or_fingerprint(driver: Driver, sandbox: Sandbox) -> None:
    pair = driver.import_key_pair_from_string("mine", f"  {KEY} a comment\n")
    for name in ("mine", pair.fingerprint, pair.extra["fingerprint_sha256"]):
        assert driver.get_key_pair(name).public_key.split()[1] == KEY.split()[1]
        assert driver.get_key_pair(name).name == pair.name == "mine"
    with pytest.raises(KeyPairMissing, match="'nobody'") as caught:
        driver.get_key_pair("nobody")
    assert isinstance(caught.value, KeyPairDoesNotExistError)
    assert caught.value.name == "nobody"
    sandbox.journal.clear()
    again = driver.import_key_pair_from_string("mine", f"{KEY} whatever")
    assert again.extra["id"] == pair.extra["id"]
    assert issubclass(KeyPairConflict, KeyPairError)
    with pytest.raises(KeyPairConflict, match="another SSH key named 'mine'"):
        driver.import_key_pair_from_string("mine", OTHER_KEY)
    with pytest.raises(KeyPairConflict):
        driver.create_key_pair("mine")
    assert changed(sandbox) == []


def test_create_by_several_drivers_loses_no_key(endpoint: LiveEndpoint, sandbox: Sandbox) -> None:
    names = {f"key-{number}" for number in range(4)}
    drivers = [endpoint.login() for _ in names]
    sandbox.faults.add("PUT", "/user/.*", delay=0.3)  # what the others write meanwhile
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda driver, name: driver.create_key_pair(name), drivers, names))
    assert names <= {pair.name for pair in drivers[0].list_key_pairs()}


DAMAGED = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ x"


@pytest.mark.parametrize("text", [generate("x")[1], DAMAGED], ids=["private", "damaged"])
def test_import_of_what_is_no_public_key(driver: Driver, sandbox: Sandbox, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        driver.import_key_pair_from_string("mine", text)
    assert text.splitlines()[-1][:40] not in str(caught.value)
    assert len(sandbox.journal) == 0


def test_create_keeps_the_private_key(driver: Driver, sandbox: Sandbox, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    pair = driver.create_key_pair("fresh")
    assert pair.private_key is not None
    assert "PRIVATE KEY" in pair.private_key
    assert all(b"PRIVATE" not in entry.body for entry in sandbox.journal)
    secret = pair.private_key.splitlines()[1]
    assert secret not in caplog.text + repr(pair) + repr(pair.extra)
    listed = driver.get_key_pair("fresh")
    assert listed.private_key is None
    assert listed.fingerprint == pair.fingerprint


def test_get_and_delete_with_two_of_a_name(endpoint: Any, driver: Any, sandbox: Any) -> None:
    if endpoint.family == "nuvla":
        alice = sandbox.world.user_id("alice")
        for key in (KEY, OTHER_KEY):
            fields = {"name": "twin", "subtype": "ssh-key", "public_key": key}
            sandbox.world.document("credential", alice, **fields)
    else:
        keys = sandbox.world.accounts["alice"].parameters["General.ssh.public.key"]
        keys.value = f"\n{KEY} twin\n{OTHER_KEY} twin"
    with pytest.raises(KeyPairConflict, match=r"2 key pairs are named 'twin'.*SHA256:.*SHA256:"):
        driver.get_key_pair("twin")
    first, second = [pair for pair in driver.list_key_pairs() if pair.name == "twin"]
    assert driver.get_key_pair(second.fingerprint).public_key == second.public_key
    assert driver.delete_key_pair(first)
    assert driver.get_key_pair("twin").fingerprint == second.fingerprint


def test_create_under_an_impossible_name(driver: Driver, sandbox: Sandbox) -> None:
    for name in ("", " ", "a\nb", "a\x07b", " lead"):
        for call in (driver.create_key_pair, lambda n: driver.import_key_pair_from_string(n, KEY)):
            with pytest.raises(BadInput, match="key name"):
                call(name)
    assert len(sandbox.journal) == 0


def test_import_from_a_file(driver: Any, sandbox: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "id.pub"
    for content, message in ((None, r"\.pub: No such file"), (b"\xff\xfe", "it is not text")):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BadInput, match=f"Cannot read the key file .*{message}"):
            driver.import_key_pair_from_file("mine", str(file))
    assert len(sandbox.journal) == 0
    file.write_text(f"{KEY} from the file\n")
    driver.import_key_pair_from_file("mine", "~/id.pub")
    assert driver.get_key_pair("mine").public_key.split()[1] == KEY.split()[1]
