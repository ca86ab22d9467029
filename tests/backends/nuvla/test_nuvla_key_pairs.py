from __future__ import annotations

import json
from typing import Any

import pytest

from slipstream.libcloud.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.sandbox import Sandbox
from slipstream.session import Session
from slipstream.values.ssh_key import generate

from .support import Driver, requests


@pytest.fixture(scope="module")
def line() -> str:
    return generate("anything")[0].line


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
        item["name"]
        for item in sandbox.world.store.collection("credential")
        if item["subtype"] != "ssh-key"
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


def test_name_that_the_server_cannot_index_is_refused(
    driver: Driver, sandbox: Sandbox, line: str
) -> None:
    with pytest.raises(BadInput, match=r"name of the key pair .* is too long for the server"):
        driver.import_key_pair_from_string("é" * 16_384, line)
    assert len(sandbox.journal) == 0


def test_a_session_that_ends_before_a_key_is_added_is_renewed(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Session._send

    def expire(self: Session, request: Any, login: Any) -> Any:
        if request.path.endswith("credential") and request.method == "POST":
            monkeypatch.undo()
            sandbox.world.expire_sessions()
        return real(self, request, login)

    monkeypatch.setattr(Session, "_send", expire)
    assert driver.create_key_pair("new").name == "new"
    assert len(sandbox.journal.entries("POST", "/api/session")) == 1
