"""Long lists of nodes and machines: nothing lost, one page in memory, no request too many."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterable
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from listing_models import Listed, cimi
from listing_models import runs as list_runs

from slipstream.backends import Nuvla, SlipStream3
from slipstream.backends.nuvla import deployments
from slipstream.backends.slipstream import runs
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport
from slipstream.transport.messages import Request, Response

from .support import Driver, wait_for_readers

pytestmark = pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
PAGE = 20


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 20, so that few things are many."""
    monkeypatch.setattr(runs, "PAGE", PAGE)
    monkeypatch.setattr(runs, "OVERLAP", 2)
    monkeypatch.setattr(runs, "LISTED_AT_ONCE", PAGE // 2)
    monkeypatch.setattr(deployments, "AT_ONCE", PAGE // 2)
    for backend in (SlipStream3, Nuvla):
        monkeypatch.setattr(backend, "page_size", PAGE)


def paths(sandbox: Sandbox) -> list[str]:
    return [entry.path.rpartition("/")[2] for entry in sandbox.journal]


# How many nodes there are, in how many pages, and the searches for addresses of half a page each.
COUNTS = [
    (0, 1, 0),
    (1, 1, 1),
    (10, 1, 1),
    (11, 1, 2),
    (19, 1, 2),
    (20, 1, 2),
    (21, 2, 3),
    (55, 3, 6),
]


@pytest.mark.parametrize("counts", COUNTS)
def test_requests(endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, counts: Any) -> None:
    number, pages, searches = counts
    ids = endpoint.add_nodes(number)
    assert [node.id for node in driver.ex_iterate_nodes(ex_addresses=False)] == ids
    assert len(sandbox.journal) == pages
    sandbox.journal.clear()
    assert len(driver.list_nodes(ex_addresses=True)) == number
    name = "deployment-parameter" if endpoint.family == "nuvla" else "virtual-machine"
    assert paths(sandbox).count(name) == searches
    assert len(sandbox.journal) == pages + searches


@pytest.mark.parametrize("addresses", [False, True])
def test_iterate_reads_ahead(endpoint: Any, driver: Driver, sandbox: Any, addresses: bool) -> None:
    ids = endpoint.add_nodes(5 * PAGE + 4)
    nodes: Any = driver.ex_iterate_nodes(ex_addresses=addresses)
    assert len(sandbox.journal) == 0
    assert next(nodes).id == ids[0]
    listing = "deployment" if endpoint.family == "nuvla" else "run"
    # The page in use and two ahead; SlipStream's are requested two at a time beside addresses.
    pages = 5 if addresses and endpoint.family == "slipstream" else 3
    deadline = time.monotonic() + 10
    while paths(sandbox).count(listing) < pages:
        assert time.monotonic() < deadline, paths(sandbox)
        time.sleep(0.01)
    nodes.close()
    wait_for_readers()
    assert paths(sandbox).count(listing) == pages
    assert len(sandbox.journal) <= pages + (2 * pages if addresses else 0)


def test_addresses_beside_pages(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = endpoint.add_nodes(3 * PAGE)
    listing = "/api/deployment" if endpoint.family == "nuvla" else "/run"
    sandbox.faults.add(path=f"{listing}.*|/api/virtual-machine", times=None, delay=0.05)
    send, under_way, together = Transport.send, dict[int, str](), set[tuple[str, ...]]()

    def watched(self: Transport, request: Request, **options: Any) -> Response:
        under_way[id(request)] = request.path
        together.add(tuple(sorted(under_way.values())))
        try:
            return send(self, request, **options)
        finally:
            del under_way[id(request)]

    monkeypatch.setattr(Transport, "send", watched)
    assert [node.id for node in driver.list_nodes(ex_addresses=True)] == ids
    assert any(len(set(requests)) == 2 for requests in together)
    assert 3 <= max(map(len, together)) <= 6


def blocks_of(entries: Iterable[object]) -> tuple[int, int]:
    """
    Count entries, and the most pieces of memory that are held at a time more than before.

    It is looked at now and then, each time at another place of a page.
    """
    gc.collect()
    number, most, before = 0, 1, sys.getallocatedblocks()
    for number, _ in enumerate(entries, 1):
        if number % 97 == 0:
            most = max(most, sys.getallocatedblocks() - before)
    return number, most


@pytest.mark.parametrize("addresses", [False, True])
def test_one_page_in_memory(endpoint: Any, driver: Any, monkeypatch: Any, addresses: bool) -> None:
    def serve(request: Request, **_: object) -> Response:
        if request.path == "/run":
            body = list_runs(listed, request)[1]
        elif request.path == "/api/deployment":
            body = cimi(listed, request)[1]
        else:
            body = b'{"count": 0, "resources": [], "virtualMachines": []}'
        return Response(status=200, headers={}, body=body, url="")

    monkeypatch.setattr(driver._session.transport, "send", serve)
    blocks = []
    for size in (200, 2_000):
        ids = [f"{number:08}" for number in range(size)]
        if endpoint.family == "nuvla":
            ids = [f"deployment/{number}-0000-4000-8000-000000000000" for number in ids]
        listed = Listed([{"id": name, "second": 0} for name in ids], lambda *_: None, ())
        entries, most = blocks_of(driver.ex_iterate_nodes(ex_addresses=addresses))
        assert entries == size
        blocks.append(most)
    assert blocks[1] < 4 * blocks[0]  # ten times, if all were kept
