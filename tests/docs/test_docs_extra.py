"""The tables of ``extra`` name the keys that the driver gives, no more and no fewer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import BLOG
from families import SYSTEM, Families
from pages import ROOT, section

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

PAGE = ROOT / "docs" / "reference" / "extra.md"
CENTOS = "examples/images/centos-7"
READ = "From `get_image` the server adds:"
LISTS: dict[str, tuple[str, str | None, Callable[[Driver], list[Any]]]] = {
    "listed nodes": ("Nodes", "From `list_nodes` the server adds:", lambda d: d.list_nodes()),
    "nodes": (
        "Nodes",
        "From `ex_get_node` and `create_node` the server adds:",
        lambda d: [d.ex_get_node(node) for node in d.list_nodes()],
    ),
    "listed images": (
        "Images",
        "From `list_images` the server adds:",
        lambda d: [image for image in d.list_images() if "/tutorials/" not in image.id],
    ),
    "images": (
        "Images",
        READ,
        lambda d: list(map(d.get_image, (BLOG, "examples/images/centos-7"))),
    ),
    "sizes": ("Sizes", "The server adds:", lambda d: d.list_sizes(ex_all=True)),
    "locations": ("Locations", None, lambda d: d.list_locations()),
    "machines": ("Machines", "The server adds:", lambda d: d.ex_list_virtual_machines()),
    "key pairs": ("Key pairs", None, lambda d: d.list_key_pairs()),
}


def _tables(heading: str) -> dict[str, set[str]]:
    """The keys of each table of a section, by the line of text before it."""
    tables: dict[str, set[str]] = {}
    line_before = ""
    for line in section(PAGE, heading).splitlines():
        if line.startswith("| `"):
            keys = re.findall(r"`([^`]+)`", line.split("|")[1])
            tables.setdefault(line_before, set()).update(keys)
        elif line and not line.startswith("|"):
            line_before = line
    return tables


def _own(heading: str) -> set[str]:
    return next(iter(_tables(heading).values()))


@pytest.fixture(scope="module")
def driver(families: Families) -> Driver:
    """A driver on SlipStream, with a component and an application that run."""
    families["slipstream"].ready(image=families["slipstream"].several)
    return families["slipstream"].driver


@pytest.mark.parametrize("objects", LISTS)
def test_keys_on_slipstream_are_those_of_the_tables(objects: str, driver: Driver) -> None:
    heading, added, listed = LISTS[objects]
    keys = [set(item.extra) for item in listed(driver)]
    assert keys
    own = _own(heading)
    assert own <= set.intersection(*keys)
    assert set.union(*keys) - own == (_tables(heading)[added] if added else set())


def test_application_has_the_keys_of_an_image_and_those_of_its_own(driver: Driver) -> None:
    tables = _tables("Images")
    extra = driver.get_image(SYSTEM).extra
    assert extra.keys() - tables[READ] == _own("Images") | tables["An application has one more:"]
    assert extra["nodes"]
    for node in extra["nodes"].values():
        assert node.keys() == tables["Each node is a `dict`:"]
    for parameter in driver.get_image(BLOG).extra["parameters"]:
        assert parameter.keys() == tables["Each parameter is a `dict`:"]


NUVLA = re.findall(r"^\| ([\w ]+) \| (`.*) \|$", section(PAGE, "What Nuvla adds"), re.MULTILINE)


@pytest.mark.parametrize(("objects", "row"), NUVLA)
def test_keys_that_nuvla_adds_are_those_of_its_row(
    objects: str, row: str, families: Families
) -> None:
    heading, _, listed = LISTS[objects]
    always, sometimes = (
        set(re.findall(r"`([^`]+)`", part)) for part in row.partition("where known")[::2]
    )
    keys = [set(item.extra) for item in listed(families["nuvla"].driver)]
    own = _own(heading) | _tables(heading).get("An application has one more:", set())
    assert keys
    assert always <= set.intersection(*keys)
    assert set.union(*keys) - always - sometimes - own == set()
