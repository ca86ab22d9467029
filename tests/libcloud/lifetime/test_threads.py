"""One driver for many threads: each gets its own answers, and all together log in once."""

from __future__ import annotations

import itertools
import time

import pytest
from endpoints_under_test import LiveEndpoint

from slipstream.sandbox import Sandbox

from .support import KEY, LONG, THREADS, Driver, logins, own_parameter, together


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> Driver:
    return endpoint.login()


def test_each_of_many_threads_gets_what_is_its_own(endpoint: LiveEndpoint, driver: Driver) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    sizes = [size.id for size in driver.list_sizes()]

    def live(number: int) -> str:
        name, title = f"node-{number}", f"title-{number}"
        made = driver.create_node(
            name, image=image, location=location, ex_parameters={"wordpress_title": title}
        )
        assert made.name == name
        read = driver.ex_get_node(made.id)
        assert (read.id, read.name) == (made.id, name)
        parameter = own_parameter(endpoint, made, title)
        assert driver.ex_get_node_parameter(made, parameter) == title
        assert name in {node.name for node in driver.list_nodes()}
        assert driver.import_key_pair_from_string(name, KEY).name == name
        assert driver.get_key_pair(name).name == name
        assert driver.get_image(image.id).id == image.id
        assert [size.id for size in driver.list_sizes()] == sizes
        if number % 2:
            assert driver.destroy_node(made)
            assert driver.delete_key_pair(driver.get_key_pair(name))
        return made.id

    before = {pair.name for pair in driver.list_key_pairs()}
    made = together(live)
    assert len(set(made)) == THREADS
    kept = {f"node-{number}" for number in range(0, THREADS, 2)}
    assert {pair.name for pair in driver.list_key_pairs()} == before | kept
    endpoint.pass_time()
    assert {node.name for node in driver.list_nodes()} == kept
    assert logins(endpoint.sandbox) == 1


def test_a_key_that_many_threads_add_is_there_once(endpoint: LiveEndpoint, driver: Driver) -> None:
    together(lambda _: driver.import_key_pair_from_string("shared", KEY), 8)
    assert [pair.name for pair in driver.list_key_pairs()].count("shared") == 1


def test_many_threads_log_in_once_when_the_session_has_ended(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = endpoint.deploy(driver)
    calls = [
        driver.list_nodes,
        driver.list_images,
        driver.list_key_pairs,
        driver.list_locations,
        driver.ex_list_virtual_machines,
        lambda: driver.ex_get_node(node.id),
        lambda: driver.get_image(endpoint.image(driver).id),
    ]
    endpoint.pass_time()
    expected = [repr(call()) for call in calls]
    for _ in range(2):
        endpoint.sandbox.clock.advance(LONG)
        endpoint.sandbox.journal.clear()
        answers = together(lambda number: repr(calls[number % len(calls)]()))
        assert answers == list(itertools.islice(itertools.cycle(expected), THREADS))
        assert logins(endpoint.sandbox) == 1


def test_a_session_that_ends_while_many_threads_work_is_renewed_once(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = endpoint.deploy(driver)
    endpoint.sandbox.journal.clear()

    def live(number: int) -> None:
        for round_ in range(6):
            if (number, round_) == (0, 3):
                endpoint.sandbox.clock.advance(LONG)
            assert driver.ex_get_node(node.id).id == node.id

    together(live)
    assert logins(endpoint.sandbox) == 1


def test_each_thread_goes_through_a_list_of_its_own(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    made = {
        driver.create_node(f"node-{number}", image=image, location=location).id
        for number in range(5)
    }

    def go_through(number: int) -> set[str]:
        nodes = driver.ex_iterate_nodes()
        first = next(iter(nodes)).id
        between = driver.ex_get_node(sorted(made)[number % 5]).id
        rest = {node.id for node in nodes}
        assert between in made
        return {first} | rest

    assert together(go_through) == [made] * THREADS


def test_drivers_of_two_users_never_exchange_their_sessions(endpoint: LiveEndpoint) -> None:
    users = {name: endpoint.sandbox.users[name] for name in ("alice", "bob")}
    drivers = {
        name: endpoint.login(name, user.password, ex_login_method="internal")
        for name, user in users.items()
    }
    keys = {name: f"key of {name}" for name in users}
    for name, driver in drivers.items():
        driver.import_key_pair_from_string(keys[name], KEY)
    endpoint.sandbox.journal.clear()

    def live(number: int) -> None:
        mine, other = ("alice", "bob") if number % 2 else ("bob", "alice")
        for round_ in range(4):
            if (number, round_) == (0, 2):
                endpoint.sandbox.clock.advance(LONG)
            names = {pair.name for pair in drivers[mine].list_key_pairs()}
            assert keys[mine] in names
            assert keys[other] not in names

    together(live)
    assert logins(endpoint.sandbox) == 2


def test_nobody_is_answered_as_the_user_while_the_session_of_a_group_is_renewed() -> None:
    with Sandbox(family="nuvla", speed=0) as sandbox:
        endpoint = LiveEndpoint("nuvla", sandbox)
        alone, acting = endpoint.login(), endpoint.login(ex_group="acme")
        alone.import_key_pair_from_string("the user's", KEY)
        acting.import_key_pair_from_string("the group's", KEY)
        sandbox.clock.advance(LONG)
        sandbox.faults.add("POST", ".*/switch-group", delay=0.3)

        def ask(number: int) -> list[str]:
            time.sleep(number * 0.05)
            return [pair.name for pair in acting.list_key_pairs()]

        seen = together(ask, 8)
        endpoint.close()
    assert seen == [["the group's"]] * 8
