"""Long lists: nothing lost or repeated, one page in memory, no request too many."""

from __future__ import annotations

import json
import random
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listing_models import (
    Change,
    Listed,
    blocks_of,
    changes,
    cimi,
    fields,
    identity,
    run,
    runs,
    slow_changes,
)

from slipstream.backends import cimi as cimi_module
from slipstream.backends.prefetch import read_ahead
from slipstream.backends.slipstream import modules
from slipstream.backends.slipstream import runs as run_list
from slipstream.errors import MalformedAnswer
from slipstream.filters import attr
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

from .support import Driver

THOROUGH = settings(max_examples=150, deadline=None)
PAGE = 4
OVERLAP = 2


def search(listed: Listed) -> list[str]:
    wanted = attr("type").eq("VM") | attr("id").startswith("thing/")
    result = cimi_module.search(
        listed.session(cimi), "thing", doing="list things", where=wanted, page=PAGE
    )
    return [entry["id"] for entry in result]


def create_thing(entries: list[Any], place: int, number: int) -> None:
    """An id says nothing of when a thing was created: it may be anywhere."""
    entries.append({"id": f"thing/{place:02}-{number}"})


@THOROUGH
@given(number=st.integers(0, 30), script=changes)
def test_a_search_hands_over_all_that_stays_and_nothing_twice(
    number: int, script: list[Change]
) -> None:
    things = ({"id": f"thing/{place:02}"} for place in range(0, number * 3, 3))
    listed = Listed(things, create_thing, script)
    handed = search(listed)
    assert len(handed) == len(set(handed))
    assert listed.always <= set(handed)


@pytest.mark.parametrize(
    ("number", "requests"), [(0, 1), (1, 1), (PAGE, 1), (PAGE + 1, 2), (2 * PAGE, 2)]
)
def test_a_search_sends_one_request_a_page(number: int, requests: int) -> None:
    listed = Listed(({"id": f"thing/{place:02}"} for place in range(number)), create_thing, ())
    assert len(search(listed)) == number
    assert len(listed.requests) == requests
    assert all(fields(request)["$first"] == "1" for request in listed.requests)


def test_a_server_that_does_not_order_what_it_lists_is_no_reason_to_repeat_or_lose() -> None:
    def answer(listed: Listed, request: Request) -> tuple[str, bytes]:
        kind, body = cimi(Listed(listed.entries, create_thing, ()), unfiltered(request))
        return kind, body

    def unfiltered(request: Request) -> Request:
        return Request(method="PUT", path="/", body=f"$orderby=id&$first=1&$last={PAGE}".encode())

    listed = Listed(({"id": f"thing/{place}"} for place in range(9)), create_thing, ())
    entries = cimi_module.search(listed.session(answer), "thing", doing="list", page=PAGE)
    assert len(list(islice(entries, PAGE))) == PAGE
    with pytest.raises(MalformedAnswer, match="gave entries of thing again"):
        next(entries)
    assert len(listed.requests) == 2


def test_an_id_that_no_filter_can_hold_is_an_answer_that_cannot_be_right() -> None:
    listed = Listed(({"id": f"""thing/{place}'" """} for place in range(9)), create_thing, ())
    with pytest.raises(MalformedAnswer, match="holds no list of thing with ids"):
        search(listed)


def list_runs(
    listed: Listed, *, answer: Any = runs, page: int = PAGE, overlap: int = OVERLAP
) -> list[str]:
    with patch.object(run_list, "PAGE", page), patch.object(run_list, "OVERLAP", overlap):
        pages = run_list.iterate_pages(listed.session(answer), active_only=True)
        return [element.get("uuid", "")[:8] for page in pages for element in page]


def newest(zone: str, *, after: int = 0) -> Callable[[list[Any], int, int], None]:
    """What is created starts last, though maybe in the moment of the last one before it."""

    def create(entries: list[Any], place: int, number: int) -> None:
        last = max(
            (int((item["at"] - run(0, 0)["at"]).total_seconds()) for item in entries), default=0
        )
        created = run(number, last + after + place % 3, zone)
        entries.insert(place % (len(entries) + 1), created)

    return create


@THOROUGH
@given(gaps=st.lists(st.sampled_from([0, 0, 1, 5]), max_size=30), script=slow_changes)
def test_a_list_of_runs_hands_over_all_that_stays_and_nothing_twice(
    gaps: list[int], script: list[Change]
) -> None:
    listed = Listed(started(gaps, "UTC"), newest("UTC"), script)
    handed = list_runs(listed, page=12, overlap=8)
    assert len(handed) == len(set(handed))
    assert listed.always <= set(handed)


def started(gaps: list[int], zone: str) -> Iterator[dict[str, Any]]:
    second = 0
    for number, gap in enumerate(gaps):
        second += gap
        yield run(number, second, zone)


@THOROUGH
@given(gaps=st.lists(st.sampled_from([1, 5]), max_size=40), script=changes)
def test_a_list_that_changes_fast_is_whole_or_given_up(
    gaps: list[int], script: list[Change]
) -> None:
    listed = Listed(started(gaps, "UTC"), newest("UTC", after=1), script)
    given_up = False
    try:
        handed = list_runs(listed)
    except MalformedAnswer:
        given_up = True
    assert given_up or (len(handed) == len(set(handed)) and listed.always <= set(handed))


@pytest.mark.parametrize("number", [0, 1, PAGE, PAGE + 1, 40])
def test_moments_of_an_unknown_zone_hide_no_run(number: int) -> None:
    listed = Listed(started([1] * number, "QQT"), newest("QQT"), ())
    assert list_runs(listed) == [f"{place:08}" for place in reversed(range(number))]


@THOROUGH
@given(groups=st.lists(st.integers(1, 4), max_size=12), seed=st.integers())
def test_runs_of_one_moment_may_come_in_any_order(groups: list[int], seed: int) -> None:
    dice = random.Random(seed)

    def shuffled(listed: Listed, request: Request) -> tuple[str, bytes]:
        dice.shuffle(listed.entries)
        return runs(listed, request)

    gaps = [gap for size in groups for gap in (1, *[0] * (size - 1))]
    listed = Listed(started(gaps, "UTC"), newest("UTC"), ())
    handed = list_runs(listed, answer=shuffled, page=6, overlap=4)
    assert sorted(handed) == sorted(map(identity, listed.entries))


def test_a_list_that_is_not_ordered_by_start_is_handed_over_as_it_is() -> None:
    def by_id(listed: Listed, request: Request) -> tuple[str, bytes]:
        kind, body = runs(
            Listed(({**item, "at": item["id"]} for item in listed.entries), newest("UTC"), ()),
            request,
        )
        return kind, body

    moments = [5, 1, 9, 3, 3, 8, 2, 7, 4, 6, 0]
    listed = Listed(
        (run(number, second) for number, second in enumerate(moments)), newest("UTC"), ()
    )
    assert list_runs(listed, answer=by_id) == [f"{n:08}" for n in reversed(range(len(moments)))]


def test_a_list_that_never_rests_is_given_up() -> None:
    numbers = iter(range(10**6, 10**7))

    def other_each_time(listed: Listed, request: Request) -> tuple[str, bytes]:
        listed.entries = [run(next(numbers), 0, "QQT") for _ in range(50)]
        return runs(listed, request)

    listed = Listed((), newest("QQT"), ())
    with pytest.raises(MalformedAnswer, match=r"pages brought \d+ of the"):
        list_runs(listed, answer=other_each_time)
    assert len(listed.requests) < 60


def test_most_runs_may_end_between_two_pages() -> None:
    listed = Listed((run(number, number) for number in range(40)), newest("UTC"), ())

    def ending(listed: Listed, request: Request) -> tuple[str, bytes]:
        answer = runs(listed, request)
        if len(listed.requests) == 5:
            listed.entries = listed.entries[:6]
        return answer

    handed = list_runs(listed, answer=ending)
    assert len(handed) == len(set(handed))
    assert {f"{number:08}" for number in range(6)} <= set(handed)


@pytest.mark.parametrize(
    ("number", "requests"), [(0, 1), (1, 1), (500, 1), (501, 2), (990, 2), (1200, 3)]
)
def test_nodes_cost_one_request_a_page(
    driver: Driver, sandbox: Sandbox, number: int, requests: int
) -> None:
    sandbox.world.add_runs(number)
    assert len(list(driver.ex_iterate_nodes(ex_addresses=False))) == number
    assert len(sandbox.journal) == requests


@pytest.mark.parametrize(("number", "searches"), [(0, 0), (1, 1), (250, 1), (251, 2)])
def test_addresses_cost_one_search_more_for_half_a_page(
    driver: Driver, sandbox: Sandbox, number: int, searches: int
) -> None:
    sandbox.world.add_runs(number)
    assert len(driver.list_nodes(ex_addresses=True)) == number
    assert len(sandbox.journal.entries("PUT", "/api/virtual-machine")) == searches
    assert len(sandbox.journal) == 1 + searches


def test_addresses_are_those_of_the_deployments_of_each_page(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.runs.LISTED_AT_ONCE", 2)
    created = [
        driver.create_node(image=driver.get_image("apps/WordPress/wordpress")) for _ in "abc"
    ]
    sandbox.clock.advance(1000)
    sandbox.world.add_machine()
    listed = {node.id: node.public_ips for node in driver.list_nodes(ex_addresses=True)}
    for node in created:
        (machine,) = driver.ex_list_virtual_machines(node=node)
        assert listed[node.id] == machine.public_ips != []


@pytest.mark.parametrize(("addresses", "requests"), [(False, 2), (True, 3 + 4)])
def test_the_next_page_is_read_meanwhile_and_nothing_once_the_iterator_is_closed(
    driver: Driver, sandbox: Sandbox, addresses: bool, requests: int
) -> None:
    ids = sandbox.world.add_runs(2600)
    nodes = driver.ex_iterate_nodes(ex_addresses=addresses)
    assert len(sandbox.journal) == 0
    assert next(nodes).id == ids[-1]
    wait_until(lambda: len(sandbox.journal) == requests)
    nodes.close()
    wait_for_readers()
    assert len(sandbox.journal) == requests


def test_a_tree_of_projects_is_left_when_nobody_wants_more(
    driver: Driver, sandbox: Sandbox
) -> None:
    images = driver.ex_iterate_images(ex_path="examples", ex_recurse=True)
    next(images)
    started_with = len(sandbox.journal)
    images.close()
    wait_for_readers()
    assert len(sandbox.journal) <= started_with + modules.AT_ONCE
    settled = len(sandbox.journal)
    wait_for_readers()
    assert len(sandbox.journal) == settled


def readers() -> list[threading.Thread]:
    return [item for item in threading.enumerate() if item.name.startswith("slipstream-ahead")]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_readers() -> None:
    for thread in readers():
        thread.join(5)
        assert not thread.is_alive()


def test_few_things_are_read_ahead_and_in_their_order() -> None:
    begun: list[int] = []

    def read(number: int) -> int:
        begun.append(number)
        return number * 10

    results = read_ahead(read, range(100), at_once=4)
    for number in range(50):
        assert next(results) == number * 10
        assert len(begun) <= number + 1 + 4
    results.close()
    wait_for_readers()
    assert len(begun) <= 54


def test_nothing_is_begun_once_nobody_wants_more_and_nothing_is_waited_for() -> None:
    begun, waiting, go = [], threading.Event(), threading.Event()

    def read(number: int) -> int:
        begun.append(number)
        if number:
            waiting.set()
            go.wait(5)
        return number

    results = read_ahead(read, range(20), at_once=2)
    assert next(results) == 0
    waiting.wait(5)
    results.close()
    assert any(thread.is_alive() for thread in readers())
    go.set()
    wait_for_readers()
    assert len(begun) <= 3


def test_readers_know_on_whose_behalf_they_read() -> None:
    call: ContextVar[str] = ContextVar("call", default="nobody")
    call.set("list_images")
    assert list(read_ahead(lambda _: call.get(), range(9), at_once=3)) == ["list_images"] * 9


def test_a_failure_stands_where_its_thing_stood() -> None:
    def read(number: int) -> int:
        return 6 // (3 - number)

    results = read_ahead(read, range(9), at_once=8)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("way", ["list_images", "ex_iterate_images"])
def test_a_warning_points_at_the_line_that_listed(driver: Driver, way: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in getattr(driver, way)(ex_path="examples", ex_recurse=True):
            pass
    (warning,) = caught
    assert warning.category is modules.SkippedWarning
    assert warning.filename == __file__


def endless_runs(number: int, zone: str = "UTC") -> Callable[..., Response]:
    """A server with so many runs, which it makes up page by page."""

    def send(request: Request, **_: object) -> Response:
        query = dict(request.query)
        offset, limit = int(query["offset"]), int(query["limit"])
        items = "".join(
            f'<item uuid="{place:08x}-0000-4000-8000-000000000000" status="Ready" tags="blog"'
            f' startTime="{2100 - place // 31536000:04}-01-01 00:00:00.{99999 - place} {zone}"'
            ' cloudServiceNames="exoscale-ch-gva" username="alice" abort=""/>'
            for place in range(offset, min(offset + limit, number))
        )
        body = f'<runs totalCount="{number}">{items}</runs>'.encode()
        return Response(status=200, headers={}, body=body, url="")

    return send


@pytest.fixture
def serve(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Put a server that makes its answers up in the place of the sandbox."""
    return lambda server: monkeypatch.setattr(driver._session.transport, "send", server)


@pytest.mark.parametrize("numbers", [(10_000, 100_000, "UTC"), (12_000, 30_000, "QQT")])
def test_a_hundred_thousand_nodes_are_no_more_in_memory_than_a_tenth_of_them(
    driver: Driver, serve: Callable[[Any], None], numbers: tuple[int, int, str]
) -> None:
    blocks = []
    *sizes, zone = numbers
    for many in sizes:
        serve(endless_runs(many, zone))
        listed, most = blocks_of(driver.ex_iterate_nodes(ex_addresses=False))
        assert listed == many
        blocks.append(most)
    assert blocks[1] < 2 * blocks[0]


def endless_machines(number: int) -> Callable[[Request], Response]:
    """A server with so many machines, or as many offers, made up page by page."""

    def send(request: Request, **_: object) -> Response:
        form = fields(request)
        behind = re.search(r"id>'[^/]*/(\d+)'", form.get("$filter", ""))
        first = int(behind[1]) + 1 if behind else 0
        places = range(first, min(first + int(form["$last"]), number))
        name = request.path.rpartition("/")[2]
        entries = [
            {
                "id": f"{name}/{place:08}",
                "state": "running",
                "ip": "203.0.113.7",
                "price:unitCost": 1,
            }
            for place in places
        ]
        key = {"virtual-machine": "virtualMachines", "service-offer": "serviceOffers"}[name]
        body = json.dumps({"count": number - first, key: entries}).encode()
        return Response(status=200, headers={}, body=body, url="")

    return send


@pytest.mark.parametrize(
    ("name", "options"),
    [("ex_iterate_virtual_machines", {}), ("ex_iterate_sizes", {"ex_all": True})],
)
def test_a_hundred_thousand_others_are_no_more_in_memory_than_ten_thousand(
    driver: Driver, serve: Callable[[Any], None], name: str, options: dict[str, bool]
) -> None:
    blocks = []
    for number in (10_000, 100_000):
        serve(endless_machines(number))
        listed, most = blocks_of(getattr(driver, name)(**options))
        assert listed == number
        blocks.append(most)
    assert blocks[1] < 2 * blocks[0]
