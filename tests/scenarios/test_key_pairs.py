"""Key pairs of the account."""

from __future__ import annotations

import pytest
from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"
OPTIONS = 'command="echo hello world",no-pty'


def test_import_find_and_delete(driver: Driver, scenario: Scenario) -> None:
    before = [pair.public_key for pair in driver.list_key_pairs()]
    pair = driver.import_key_pair_from_string(scenario.name, f"{OPTIONS} {KEY} a comment")
    try:
        assert driver.get_key_pair(scenario.name).public_key == f"{OPTIONS} {KEY} {scenario.name}"
        after = [other.public_key for other in driver.list_key_pairs()]
        assert sorted(after) == sorted([*before, f"{OPTIONS} {KEY} {scenario.name}"])
    finally:
        assert driver.delete_key_pair(pair)
    assert [other.public_key for other in driver.list_key_pairs()] == before


def test_unknown_key_pair(driver: Driver) -> None:
    with pytest.raises(KeyPairDoesNotExistError, match="no-such-key"):
        driver.get_key_pair("no-such-key")


@pytest.mark.parametrize(
    "name",
    ['say "hi"', "with/slash and blank", "Ünïcödé 東京"],
    ids=["quotes", "slashes", "letters"],
)
def test_odd_names(driver: Driver, name: str) -> None:
    pair = driver.import_key_pair_from_string(name, KEY)
    try:
        assert driver.get_key_pair(name).name == name
        assert name in {other.name for other in driver.ex_iterate_key_pairs()}
    finally:
        assert driver.delete_key_pair(pair)
