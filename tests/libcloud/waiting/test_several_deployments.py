"""How several deployments are read at once, and what it costs."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from endpoints_under_test import Driver, LiveEndpoint

from slipstream.sandbox import Sandbox
from slipstream.values import Deployment, Phase

on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)


def read(driver: Driver, *ids: str) -> list[Deployment]:
    """The deployments; the journal has the requests for them alone."""
    return list(driver._backend.get_deployments(ids))


def sent(sandbox: Sandbox) -> Counter[str]:
    """The number of requests by path since the last time."""
    paths = [re.sub(r"[0-9a-f-]{36}", "<id>", entry.path) for entry in sandbox.journal]
    sandbox.journal.clear()
    return Counter(paths)


@on_slipstream
def test_get_deployments_of_several_runs_reads_the_list(driver: Driver, sandbox: Sandbox) -> None:
    old = sandbox.world.add_runs(1200)
    node = driver.create_node(image="apps/WordPress/wordpress")
    sandbox.journal.clear()
    for ids, expected in (
        ([node.id, *old[-4:]], {"/run": 1}),
        # A few that are not among the newest are read one by one, many in the list.
        ([old[0], node.id], {"/run": 1, "/run/<id>/ss:state": 1, "/run/<id>": 1}),
    ):
        assert [item.id for item in read(driver, *ids)] == ids
        assert sent(sandbox) == expected
    assert len(read(driver, node.id, *old[:10])) == 11
    requests = sent(sandbox)
    assert requests["/run"] == 3
    assert sum(requests.values()) <= 3 + 2 * 3


@on_slipstream
@pytest.mark.parametrize(("number", "documents"), [(3, 3), (40, 0)])
def test_get_deployments_reads_a_few_documents_for_their_addresses(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, number: int, documents: int
) -> None:
    starting, ids = endpoint.deploy(driver), sandbox.world.add_runs(number)
    sandbox.journal.clear()
    deployments = read(driver, *ids)
    assert {item.phase for item in deployments} == {Phase.RUNNING}
    assert sum(bool(item.addresses) for item in deployments) == documents
    expected = {"/run": 1, "/api/virtual-machine": 1, "/run/<id>": documents}
    assert sent(sandbox) == Counter(expected)
    read(driver, starting.id, *ids)
    assert sent(sandbox) == {"/run": 1}


@on_nuvla
def test_get_deployments_searches_for_a_hundred(driver: Driver, sandbox: Sandbox) -> None:
    ids = sandbox.world.add_deployments(201, state="STARTING")
    deployments = read(driver, *reversed(ids), ids[0])
    assert [item.id for item in deployments] == [*reversed(ids), ids[0]]
    assert {item.phase for item in deployments} == {Phase.STARTING}
    assert sent(sandbox)["/api/deployment"] == 3
