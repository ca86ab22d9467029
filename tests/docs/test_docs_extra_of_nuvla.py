"""The table of what Nuvla adds to ``extra`` names the keys that it gives."""

from __future__ import annotations

import re

import pytest
from families import Stage
from pages import ROOT

from slipstream.sandbox import Sandbox

PAGE = (ROOT / "docs" / "reference" / "extra.md").read_text("utf-8")
OWN, _, ADDED = PAGE.partition("\n## What Nuvla adds\n")
LISTS = {
    "nodes": ("Nodes", lambda d: [d.ex_get_node(node.id) for node in d.list_nodes()]),
    "listed images": ("Images", lambda d: d.list_images()),
    "locations": ("Locations", lambda d: d.list_locations()),
    "machines": ("Machines", lambda d: d.ex_list_virtual_machines()),
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with Sandbox(family="nuvla", speed=0) as sandbox:
        yield Stage(sandbox, tmp_path_factory.mktemp("extra")).driver


def _own(section):
    body = OWN.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \| .* \| .* \|$", body, re.MULTILINE))


@pytest.mark.parametrize("things", LISTS)
def test_the_keys_that_nuvla_adds_are_those_of_its_row(things, driver):
    section, listed = LISTS[things]
    [row] = re.findall(rf"^\| {things} \| (.*) \|$", ADDED, re.MULTILINE)
    always, _, sometimes = (part for part in row.partition("where known"))
    always, sometimes = (set(re.findall(r"`([^`]+)`", part)) for part in (always, sometimes))
    found = [set(thing.extra) for thing in listed(driver)]
    assert found
    assert always <= set.intersection(*found)
    assert set.union(*found) - always - sometimes - _own(section) == set()
