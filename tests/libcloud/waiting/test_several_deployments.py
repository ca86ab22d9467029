"""How several deployments are read at once, and what it costs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox
from slipstream.values import Deployment, Phase


@pytest.fixture
def sandbox(family: str) -> Any:
    with Sandbox(family=family, speed=0) as running:
        yield running


@pytest.fixture
def driver(sandbox: Sandbox) -> Any:
    made = Driver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url, retry_delay=0.001)
    yield made
    made.close()


def read(driver: Driver, *ids: str) -> list[Deployment]:
    return list(driver._backend.get_deployments(ids))


def sent(sandbox: Sandbox) -> Counter[str]:
    return Counter(re.sub(r"[0-9a-f-]{36}", "<id>", one.path) for one in sandbox.journal)


@pytest.mark.parametrize("family", ["slipstream"])
class TestOnSlipStream:
    def test_get_deployments_of_one_run_reads_its_state_alone(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.journal.clear()
        [found] = read(driver, node.id)
        assert (found.id, found.state, found.phase) == (node.id, "Initializing", Phase.PENDING)
        assert sent(sandbox) == {"/run/<id>/ss:state": 1}

    def test_one_run_that_was_aborted_comes_with_the_reason(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.world.abort_run(node.id, "no quota")
        assert read(driver, node.id)[0].failure == "no quota"

    def test_runs_are_looked_for_in_the_list_no_further_than_the_last_of_them(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        ids = sandbox.world.add_runs(1200)
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.journal.clear()
        assert [one.id for one in read(driver, node.id, *ids[-4:])] == [node.id, *ids[-4:]]
        assert sent(sandbox) == {"/run": 1}

    def test_a_few_runs_that_are_not_among_the_newest_are_read_by_themselves(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        old, *others = sandbox.world.add_runs(1200)
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.journal.clear()
        found = read(driver, old, node.id, others[-1])
        assert [one.id for one in found] == [old, node.id, others[-1]]
        assert sent(sandbox) == {"/run": 1, "/run/<id>/ss:state": 1, "/run/<id>": 1}

    def test_many_runs_that_are_not_among_the_newest_are_found_in_the_list(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        ids = sandbox.world.add_runs(1200)
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.journal.clear()
        assert len(read(driver, node.id, *ids[:10])) == 11
        assert sent(sandbox)["/run"] == 3
        assert sum(sent(sandbox).values()) <= 3 + 2 * 3

    def test_addresses_that_no_machine_tells_yet_are_taken_from_the_documents(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        ids = sandbox.world.add_runs(3)
        sandbox.journal.clear()
        found = read(driver, *ids)
        assert all(one.addresses for one in found)
        assert sent(sandbox) == {"/run": 1, "/api/virtual-machine": 1, "/run/<id>": 3}

    def test_of_many_the_documents_are_not_read_one_by_one(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        ids = sandbox.world.add_runs(40)
        sandbox.journal.clear()
        found = read(driver, *ids)
        assert {one.phase for one in found} == {Phase.RUNNING}
        assert not any(one.addresses for one in found)
        assert sent(sandbox) == {"/run": 1, "/api/virtual-machine": 1}

    def test_documents_are_not_read_while_another_run_is_on_its_way(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        ids = sandbox.world.add_runs(5)
        node = driver.create_node(image=driver.get_image("apps/WordPress/wordpress"))
        sandbox.journal.clear()
        read(driver, node.id, *ids)
        assert sent(sandbox) == {"/run": 1}


@pytest.mark.parametrize("family", ["nuvla"])
class TestOnNuvla:
    def test_a_search_serves_a_hundred(self, driver: Driver, sandbox: Sandbox) -> None:
        ids = sandbox.world.add_deployments(201, state="STARTING")
        found = read(driver, *reversed(ids), ids[0])
        assert [one.id for one in found] == [*reversed(ids), ids[0]]
        assert {one.phase for one in found} == {Phase.STARTING}
        assert sent(sandbox)["/api/deployment"] == 3

    def test_the_reasons_of_all_that_are_in_error_are_one_search(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        image = driver.get_image("apps/trials/failing")
        place = next(one for one in driver.list_locations() if one.name == "swarm-lausanne")
        nodes = [driver.create_node(image=image, location=place) for _ in range(3)]
        for _ in range(30):
            sandbox.clock.advance(10)
        quiet = sandbox.world.add_deployments(1, state="ERROR")
        sandbox.journal.clear()
        *found, untold = read(driver, *(node.id for node in nodes), *quiet)
        assert all("no-such-image" in (one.failure or "") for one in found)
        assert untold.failure == "the server gives no reason"
        assert sent(sandbox) == {"/api/deployment": 1, "/api/job": 1}

    def test_the_nodes_that_come_of_it_tell_as_much_as_reading_them(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        image = driver.get_image("apps/WordPress/wordpress")
        place = next(one for one in driver.list_locations() if one.name == "swarm-lausanne")
        node = driver.create_node("blog", image=image, location=place)
        for _ in range(30):
            sandbox.clock.advance(10)
        [(found, _)] = driver.wait_until_running([node], ssh_interface="private_ips")
        assert found.extra == driver.ex_get_node(node.id).extra
        assert found.extra["service_url"]
