from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from libcloud.compute.base import KeyPair

from slipstream.libcloud.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.sandbox import Sandbox
from slipstream.values.ssh_key import generate

from .support import Driver, changes, requests

NEW = ("POST", "credential")


@pytest.fixture(scope="module")
def line() -> str:
    return generate("anything")[0].line


def stored(sandbox: Sandbox, name: str) -> dict[str, Any]:
    (found,) = [
        one
        for one in sandbox.world.store.collection("credential")
        if one.get("name") == name and one["subtype"] == "ssh-key"
    ]
    return dict(found)


def test_a_key_pair_made_here_leaves_its_private_half_here(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pair = driver.create_key_pair("laptop-2")
    assert pair.private_key is not None
    assert "PRIVATE KEY" in pair.private_key
    assert "private-key" not in stored(sandbox, "laptop-2")
    assert all(b"PRIVATE" not in entry.body for entry in sandbox.journal)
    secret = pair.private_key.splitlines()[1]
    assert secret not in caplog.text
    assert secret not in repr(pair)
    assert secret not in repr(pair.extra)
    assert driver.get_key_pair("laptop-2").private_key is None
    assert driver.get_key_pair("laptop-2").fingerprint == pair.fingerprint


def test_a_private_key_that_the_server_keeps_is_never_fetched(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    sandbox.world.document(
        "credential",
        sandbox.world.user_id("alice"),
        name="old",
        subtype="ssh-key",
        public_key=line,
        private_key="-----BEGIN RSA PRIVATE KEY-----\ns3cret",
    )
    (pair,) = [key for key in driver.list_key_pairs() if key.name == "old"]
    assert pair.private_key is None
    assert "s3cret" not in repr(pair.extra)
    selected = sandbox.journal[0].form["select"][0].split(",")
    assert "public-key" in selected
    assert "private-key" not in selected


def test_a_key_is_imported_and_found(driver: Driver, sandbox: Sandbox, line: str) -> None:
    pair = driver.import_key_pair_from_string("work", line)
    assert pair.extra["id"] == stored(sandbox, "work")["id"]
    assert driver.get_key_pair("work").public_key.split()[1] == line.split()[1]
    assert driver.get_key_pair(pair.fingerprint).name == "work"


def test_a_key_that_is_there_already_is_not_added_twice(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    first = driver.import_key_pair_from_string("work", line)
    again = driver.import_key_pair_from_string("work", line)
    assert again.extra["id"] == first.extra["id"]
    assert changes(sandbox) == [NEW]


def test_a_name_that_is_taken_is_refused(driver: Driver, sandbox: Sandbox, line: str) -> None:
    driver.import_key_pair_from_string("work", line)
    with pytest.raises(KeyPairConflict, match="another SSH key named 'work'"):
        driver.create_key_pair("work")
    assert changes(sandbox) == [NEW]


@pytest.mark.parametrize(
    "name", ["O'Neill", "<b>&amp;</b>", "Zürich", 'say "hi"', "x') or (id!='"]
)
def test_a_strange_name_comes_back_as_it_was(driver: Driver, line: str, name: str) -> None:
    driver.import_key_pair_from_string(name, line)
    assert driver.get_key_pair(name).name == name
    assert driver.delete_key_pair(driver.get_key_pair(name))


def test_a_key_pair_is_deleted_by_its_id_and_every_other_one_stays(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    before = {key.name for key in driver.list_key_pairs()}
    pair = driver.import_key_pair_from_string("work", line)
    sandbox.journal.clear()
    assert driver.delete_key_pair(pair) is True
    assert requests(sandbox) == [("DELETE", "credential")]
    assert {key.name for key in driver.list_key_pairs()} == before
    with pytest.raises(KeyPairMissing):
        driver.delete_key_pair(pair)


def test_a_key_pair_made_by_hand_is_looked_up_by_its_name(driver: Driver, line: str) -> None:
    driver.import_key_pair_from_string("work", line)
    by_hand = KeyPair("work", None, None, driver)  # type: ignore[arg-type]
    assert driver.delete_key_pair(by_hand)
    with pytest.raises(KeyPairMissing):
        driver.get_key_pair("work")


def test_two_of_one_name_are_told_apart_by_fingerprint(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    for public in (line, generate("other")[0].line):
        sandbox.world.document(
            "credential",
            sandbox.world.user_id("alice"),
            name="twin",
            subtype="ssh-key",
            public_key=public,
        )
    with pytest.raises(KeyPairConflict, match=r"2 key pairs are named 'twin'.*SHA256:"):
        driver.get_key_pair("twin")
    assert len({key.fingerprint for key in driver.list_key_pairs() if key.name == "twin"}) == 2


def test_a_private_key_is_not_imported(driver: Driver, sandbox: Sandbox) -> None:
    private = generate("x")[1]
    with pytest.raises(BadInput) as caught:
        driver.import_key_pair_from_string("oops", private)
    assert private.splitlines()[1] not in str(caught.value)
    assert len(sandbox.journal) == 0


def test_a_credential_that_is_no_key_is_left_alone(driver: Driver, sandbox: Sandbox) -> None:
    for text in ("rubbish", "", None):
        sandbox.world.document(
            "credential",
            sandbox.world.user_id("alice"),
            name="broken",
            subtype="ssh-key",
            **({} if text is None else {"public_key": text}),
        )
    assert "broken" not in {key.name for key in driver.list_key_pairs()}


def test_other_credentials_are_no_key_pairs(driver: Driver, sandbox: Sandbox) -> None:
    others = {
        one["name"]
        for one in sandbox.world.store.collection("credential")
        if one["subtype"] != "ssh-key"
    }
    assert others
    assert others.isdisjoint(key.name for key in driver.list_key_pairs())


def test_a_group_has_keys_of_its_own(login: Any, line: str) -> None:
    login(ex_group="acme").import_key_pair_from_string("ours", line)
    assert [key.name for key in login(ex_group="acme").list_key_pairs()] == ["ours"]


def test_what_is_sent_holds_the_public_half_alone(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    driver.import_key_pair_from_string("work", line)
    (entry,) = sandbox.journal.entries("POST", "/api/credential")
    template = json.loads(entry.body)["template"]
    assert template.keys() == {"href", "public-key"}
