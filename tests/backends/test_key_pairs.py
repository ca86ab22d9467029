"""Key pairs, on every kind of endpoint."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.compute.base import KeyPair
from libcloud.compute.types import KeyPairDoesNotExistError, KeyPairError

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.values.ssh_key import generate

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILSSbaV6YtS3GWUVXjFm881NqhWzZo+fmWZb2dx9NLZO"


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    return endpoint.login()


def changes(endpoint: LiveEndpoint) -> list[str]:
    """The requests that may have changed something; a PUT with a form is a search."""
    return [e.method for e in endpoint.sandbox.journal if e.method != "GET" and e.form is None]


def test_import_and_get_by_name_or_fingerprint(driver: SlipStreamNodeDriver) -> None:
    pair = driver.import_key_pair_from_string("mine", f"  {ONE} a comment\n")
    assert pair.name == "mine"
    for name in ("mine", pair.fingerprint, pair.extra["fingerprint_sha256"]):
        assert driver.get_key_pair(name).public_key.split()[1] == ONE.split()[1]
        assert driver.get_key_pair(name).name == "mine"


def test_import_from_a_file_in_the_home_directory(
    driver: SlipStreamNodeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "id.pub").write_text(f"{ONE} from the file\n")
    driver.import_key_pair_from_file("mine", "~/id.pub")
    assert driver.get_key_pair("mine").public_key.split()[1] == ONE.split()[1]


def test_import_of_the_same_key_again_changes_nothing(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver
) -> None:
    first = driver.import_key_pair_from_string("mine", ONE)
    endpoint.sandbox.journal.clear()
    again = driver.import_key_pair_from_string("mine", f"{ONE} whatever")
    assert again.extra["id"] == first.extra["id"]
    assert changes(endpoint) == []


def test_drivers_of_one_program_lose_no_key_of_each_other(endpoint: LiveEndpoint) -> None:
    names = {f"key-{number}" for number in range(4)}
    drivers = [endpoint.login() for _ in names]
    endpoint.sandbox.faults.add("PUT", "/user/.*", delay=1.0)  # what the others write meanwhile
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda driver, name: driver.create_key_pair(name), drivers, names))
    assert names <= {pair.name for pair in drivers[0].list_key_pairs()}


def test_name_of_another_key_is_refused(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver
) -> None:
    driver.import_key_pair_from_string("mine", ONE)
    endpoint.sandbox.journal.clear()
    with pytest.raises(KeyPairError, match="another SSH key named 'mine'") as caught:
        driver.import_key_pair_from_string("mine", TWO)
    assert isinstance(caught.value, KeyPairConflict)
    with pytest.raises(KeyPairConflict):
        driver.create_key_pair("mine")
    assert changes(endpoint) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_what_is_no_public_key_is_refused_and_not_quoted(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, damaged: bool
) -> None:
    text = generate("x")[1]
    if damaged:
        text = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ x"
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput) as caught:
        driver.import_key_pair_from_string("mine", text)
    assert text.splitlines()[-1][:40] not in str(caught.value)
    assert len(endpoint.sandbox.journal) == 0


def test_private_half_of_a_new_key_pair_stays_local(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pair = driver.create_key_pair("fresh")
    assert pair.private_key is not None
    assert "PRIVATE KEY" in pair.private_key
    assert all(b"PRIVATE" not in entry.body for entry in endpoint.sandbox.journal)
    secret = pair.private_key.splitlines()[1]
    assert secret not in caplog.text + repr(pair) + repr(pair.extra)
    listed = driver.get_key_pair("fresh")
    assert listed.private_key is None
    assert listed.fingerprint == pair.fingerprint


@pytest.mark.parametrize("by_hand", [False, True])
def test_delete_leaves_every_other_key(driver: SlipStreamNodeDriver, by_hand: bool) -> None:
    before = [pair.fingerprint for pair in driver.list_key_pairs()]
    pair = driver.import_key_pair_from_string("mine", ONE)
    if by_hand:
        pair = KeyPair("mine", None, None, driver)  # type: ignore[arg-type]
    assert driver.delete_key_pair(pair) is True
    assert [pair.fingerprint for pair in driver.list_key_pairs()] == before
    with pytest.raises(KeyPairMissing, match="'mine'"):
        driver.delete_key_pair(pair)


def test_unknown_name_is_the_error_that_libcloud_promises(driver: SlipStreamNodeDriver) -> None:
    with pytest.raises(KeyPairDoesNotExistError) as caught:
        driver.get_key_pair("nobody")
    assert isinstance(caught.value, KeyPairMissing)
    assert caught.value.name == "nobody"
    assert "'nobody'" in str(caught.value)
