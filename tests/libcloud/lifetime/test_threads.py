"""One driver for many threads: each gets its own results, and all together log in once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.compute.base import Node

from slipstream.sandbox.nuvla import parameters

from .support import KEY, LONG, THREADS, Driver, logins, together


def parameter_of(endpoint: LiveEndpoint, node: Node, value: str) -> str:
    """The name of a parameter of a node that has this value."""
    if endpoint.family == "slipstream":
        return "machine:wordpress_title"
    world = endpoint.sandbox.world
    parameters.write(world, world.store[node.id], "title", value, at=endpoint.sandbox.clock.now())
    return "title"


def test_threads_get_what_is_their_own(endpoint: LiveEndpoint, driver: Driver) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    sizes = [size.id for size in driver.list_sizes()]

    def work(number: int) -> str:
        name, title = f"node-{number}", f"title-{number}"
        node = driver.create_node(
            name, image=image, location=location, ex_parameters={"wordpress_title": title}
        )
        read = driver.ex_get_node(node.id)
        assert (read.id, read.name, node.name) == (node.id, name, name)
        assert driver.ex_get_node_parameter(node, parameter_of(endpoint, node, title)) == title
        nodes = driver.ex_iterate_nodes()
        assert name in {next(nodes).name, *(node.name for node in nodes)}
        assert driver.import_key_pair_from_string(name, KEY).name == name
        assert driver.get_key_pair(name).name == name
        assert driver.get_image(image.id).id == image.id
        assert [size.id for size in driver.list_sizes()] == sizes
        if number % 2:
            assert driver.destroy_node(node)
            assert driver.delete_key_pair(driver.get_key_pair(name))
        return node.id

    before = {pair.name for pair in driver.list_key_pairs()}
    assert len(set(together(work))) == THREADS
    left = {f"node-{number}" for number in range(0, THREADS, 2)}
    assert {pair.name for pair in driver.list_key_pairs()} == before | left
    together(lambda _: driver.import_key_pair_from_string("shared", KEY), 8)
    assert [pair.name for pair in driver.list_key_pairs()].count("shared") == 1
    endpoint.pass_time()
    assert {node.name for node in driver.list_nodes()} == left
    assert logins(endpoint.sandbox) == 0


def test_threads_log_in_once_when_the_session_ends(endpoint: Any, driver: Driver) -> None:
    node = endpoint.deploy(driver)
    calls: list[Any] = [
        *(driver.list_nodes, driver.list_images, driver.list_key_pairs, driver.list_locations),
        *(driver.ex_list_virtual_machines, lambda: driver.ex_get_node(node.id)),
        lambda: driver.get_image(endpoint.image(driver).id),
    ]
    endpoint.pass_time()
    expected = [repr(call()) for call in calls]
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.journal.clear()

    def work(number: int) -> None:
        for step in range(len(calls)):
            if (number, step) == (0, 3):
                endpoint.sandbox.clock.advance(LONG)
            index = (number + step) % len(calls)
            assert repr(calls[index]()) == expected[index]

    together(work)
    assert logins(endpoint.sandbox) == 2


def test_threads_of_two_users_never_exchange_their_sessions(endpoint: LiveEndpoint) -> None:
    drivers = {name: endpoint.login(name) for name in ("alice", "bob")}
    for name, driver in drivers.items():
        driver.import_key_pair_from_string(f"key of {name}", KEY)
    endpoint.sandbox.journal.clear()

    def work(number: int) -> None:
        own, other = ("alice", "bob") if number % 2 else ("bob", "alice")
        for step in range(4):
            if (number, step) == (0, 2):
                endpoint.sandbox.clock.advance(LONG)
            names = {pair.name for pair in drivers[own].list_key_pairs()}
            assert f"key of {own}" in names
            assert f"key of {other}" not in names

    together(work)
    for driver in drivers.values():
        driver.list_key_pairs()  # all threads of a user may have ended before the session did
    assert logins(endpoint.sandbox) == 2


@pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
def test_threads_act_for_the_group_of_a_renewed_session(endpoint: Any, driver: Driver) -> None:
    group = endpoint.login(ex_group="acme")
    driver.import_key_pair_from_string("the user's", KEY)
    group.import_key_pair_from_string("the group's", KEY)
    endpoint.sandbox.clock.advance(LONG)
    endpoint.sandbox.faults.add("POST", ".*/switch-group", delay=0.3)

    def work(number: int) -> list[str]:
        time.sleep(number * 0.05)
        return [pair.name for pair in group.list_key_pairs()]

    assert together(work, 8) == [["the group's"]] * 8
