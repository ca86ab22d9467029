from __future__ import annotations

import pytest

from slipstream.libcloud.errors import BadInput
from slipstream.sandbox import Sandbox

from .support import KEY, Driver


def test_list_shows_keys_alone_and_reads_no_private_one(driver: Driver, sandbox: Sandbox) -> None:
    private = "-----BEGIN RSA PRIVATE KEY-----\ns3cret"
    alice, add = sandbox.world.user_id("alice"), sandbox.world.document
    add("credential", alice, name="old", subtype="ssh-key", public_key=KEY, private_key=private)
    for fields in ({"public_key": "rubbish"}, {"public_key": ""}, {}):
        add("credential", alice, name="broken", subtype="ssh-key", **fields)
    pairs = {pair.name: pair for pair in driver.list_key_pairs()}
    assert pairs["old"].private_key is None
    assert "s3cret" not in repr(pairs["old"].extra)
    selected = (sandbox.journal[0].form or {})["select"][0].split(",")
    assert "public-key" in selected
    assert "private-key" not in selected
    credentials = sandbox.world.store.collection("credential")
    others = {item["name"] for item in credentials if item["subtype"] != "ssh-key"}
    assert others
    assert ({"broken"} | others).isdisjoint(pairs)


@pytest.mark.parametrize("name", ["O'Neill", "x') or (id!='"])
def test_import_get_and_delete_under_a_strange_name(driver: Driver, name: str) -> None:
    driver.import_key_pair_from_string(name, KEY)
    assert driver.get_key_pair(name).name == name
    assert driver.delete_key_pair(driver.get_key_pair(name))


def test_import_under_a_name_too_long_to_index(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match=r"name of the key pair .* is too long for the server"):
        driver.import_key_pair_from_string("é" * 16_384, KEY)
    assert len(sandbox.journal) == 0
