"""The tables of ``extra`` name the keys that the driver gives, no more and no fewer."""

from __future__ import annotations

import re

import pytest
from pages import ROOT

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

TEXT = (ROOT / "docs" / "reference" / "extra.md").read_text("utf-8")
SYSTEM = "examples/tutorials/service-testing/system"
LISTED = "From `list_images` the server adds:"
READ = "From `get_image` it adds:"


def _tables(section):
    """The keys of each table of a section, by the line of text before it."""
    body = re.split(r"^## ", TEXT.partition(f"\n## {section}\n")[2], flags=re.MULTILINE)[0]
    tables, last = {}, ""
    for line in body.splitlines():
        if line.startswith("| `"):
            tables.setdefault(last, set()).update(re.findall(r"`([^`]+)`", line.split("|")[1]))
        elif line and not line.startswith("|"):
            last = line
    return tables


def _own(section):
    return next(iter(_tables(section).values()))


@pytest.fixture(scope="module")
def drivers():
    with Sandbox(speed=0) as sandbox:
        driver = SlipStreamNodeDriver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)
        driver.create_node(name="blog", image=driver.get_image("apps/WordPress/wordpress"))
        driver.create_node(name="test", image=driver.get_image(SYSTEM))
        for _ in range(60):
            sandbox.clock.advance(10)
        yield [driver]


def _keys(drivers, objects):
    found = [set(thing.extra) for driver in drivers for thing in objects(driver)]
    assert found
    return set.intersection(*found), set.union(*found)


def _check(drivers, section, objects, said=None):
    always, ever = _keys(drivers, objects)
    own = _own(section)
    assert own <= always
    theirs = set() if said is None else _tables(section)[said]
    assert ever - own - theirs == set(), "not in the table"
    assert theirs - ever == set(), "in the table only"


def test_the_keys_of_listed_nodes_are_those_of_the_table(drivers):
    _check(drivers, "Nodes", lambda d: d.list_nodes(), "From `list_nodes` the server adds:")


def test_the_keys_of_a_node_that_was_read_are_those_of_the_table(drivers):
    _check(
        drivers,
        "Nodes",
        lambda d: [d.ex_get_node(node.id) for node in d.list_nodes()],
        "From `ex_get_node` and `create_node` it adds:",
    )


def test_the_keys_of_listed_images_are_those_of_the_table(drivers):
    _check(
        drivers,
        "Images",
        lambda d: [i for i in d.list_images() if i.extra["type"] == "component"],
        LISTED,
    )


def test_the_keys_of_an_image_that_was_read_are_those_of_the_table(drivers):
    paths = ["apps/WordPress/wordpress", "examples/images/centos-7"]
    _check(drivers, "Images", lambda d: map(d.get_image, paths), READ)


def test_an_application_has_the_keys_of_an_image_and_those_of_its_own(drivers):
    tables = _tables("Images")
    more = tables["An application has one more:"]
    system = drivers[0].get_image(SYSTEM).extra
    assert system.keys() - tables[READ] == _own("Images") | more
    assert system["nodes"]
    assert all(
        tables["Each node is a `dict`:"] == node.keys() for node in system["nodes"].values()
    )


def test_the_keys_of_an_image_s_parameter_are_those_of_the_table(drivers):
    wordpress = drivers[0].get_image("apps/WordPress/wordpress")
    documented = _tables("Images")["Each parameter is a `dict`:"]
    assert all(entry.keys() == documented for entry in wordpress.extra["parameters"])


def test_the_keys_of_sizes_are_those_of_the_table(drivers):
    _check(drivers, "Sizes", lambda d: d.list_sizes(ex_all=True), "The server adds:")


def test_the_keys_of_locations_are_those_of_the_table(drivers):
    _check(drivers, "Locations", lambda d: d.list_locations())


def test_the_keys_of_machines_are_those_of_the_table(drivers):
    _check(drivers, "Machines", lambda d: d.ex_list_virtual_machines(), "The server adds:")


def test_the_keys_of_key_pairs_are_those_of_the_table(drivers):
    _check(drivers, "Key pairs", lambda d: d.list_key_pairs())
