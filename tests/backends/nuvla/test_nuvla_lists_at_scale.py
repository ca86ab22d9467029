"""Long lists on Nuvla: nothing lost or repeated, one page in memory, no request too many."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listing_models import START, Change, Listed, blocks_of, changes, fields, nuvla, peak_of

from slipstream.backends import Nuvla
from slipstream.backends.cimi import search
from slipstream.errors import MalformedAnswer
from slipstream.filters import attr
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

from .support import Driver

PAGE = 4
MOMENTS = st.sampled_from([None, 0, 1, 1, 1, 2, 3])


def things(moments: list[int | None]) -> Iterator[dict[str, Any]]:
    return (thing(place, moment) for place, moment in enumerate(moments))


def thing(number: int, second: int | None) -> dict[str, Any]:
    """A thing, created at some second; ids say nothing of the order."""
    identifier = f"thing/{number * 7919 % 10007:05}"
    if second is None:
        return {"id": identifier}
    return {"id": identifier, "created": created(second)}


def created(second: int) -> str:
    moment = START + timedelta(seconds=second)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create_thing(entries: list[Any], place: int, number: int) -> None:
    """Whatever the clocks of several servers say, it may come anywhere."""
    entries.append(thing(number, place % 5 or None))


def listed_of(listed: Listed, answer: Any = nuvla) -> list[str]:
    condition = attr("type").eq("VM") | attr("id").startswith("thing/")
    session = listed.session(answer, Nuvla)
    result = search(
        session, "thing", doing="list things", select="id,created", where=condition, page=PAGE
    )
    return [entry["id"] for entry in result]


@settings(max_examples=150, deadline=None)
@given(moments=st.lists(MOMENTS, max_size=30), script=changes)
def test_a_search_hands_over_all_that_stays_and_nothing_twice(
    moments: list[int | None], script: list[Change]
) -> None:
    listed = Listed(things(moments), create_thing, script)
    handed = listed_of(listed)
    assert len(handed) == len(set(handed))
    assert listed.always <= set(handed)


def test_the_newest_come_first_and_equals_by_their_ids() -> None:
    entries = list(things([3, 3, 3, 1, 1, 1, 1, 1, 1, 9, None, None, 2]))
    handed = listed_of(Listed(entries, create_thing, ()))
    entries.sort(key=lambda item: item["id"])
    entries.sort(key=lambda item: item.get("created", ""), reverse=True)
    assert handed == [item["id"] for item in entries]


@pytest.mark.parametrize(
    ("number", "requests"), [(0, 1), (1, 1), (PAGE - 1, 1), (PAGE, 1), (PAGE + 1, 2), (9, 3)]
)
def test_a_search_sends_one_request_a_page(number: int, requests: int) -> None:
    listed = Listed(things(list(range(number))), create_thing, ())
    assert len(listed_of(listed)) == number
    assert len(listed.requests) == requests
    assert all(fields(request)["first"] == "1" for request in listed.requests)


def test_a_server_that_forgets_the_filter_is_not_asked_for_ever() -> None:
    def forgetful(listed: Listed, request: Request) -> tuple[str, bytes]:
        form = fields(request)
        form.pop("filter", None)
        body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
        return nuvla(listed, Request(method="PUT", path="/", body=body))

    listed = Listed(things([1] * 9), create_thing, ())
    with pytest.raises(MalformedAnswer, match="gave entries of thing again"):
        listed_of(listed, forgetful)
    assert len(listed.requests) == 2


def test_a_time_that_no_filter_can_hold_is_a_malformed_response() -> None:
    entries = [{"id": f"thing/{number}", "created": """'" """} for number in range(PAGE)]
    with pytest.raises(MalformedAnswer, match="is no id, or has no time"):
        listed_of(Listed((), create_thing, ()), lambda *_: answer(entries))


@pytest.mark.parametrize(
    "identifier",
    ["", None, 5, """'" """, "thing", "thing/", "other/1", "thing/..", "thing/1/../2"],
)
def test_an_entry_without_an_id_is_a_malformed_response(identifier: Any) -> None:
    entries = [{"id": identifier, "created": created(1)}]
    with pytest.raises(MalformedAnswer, match="holds no list of thing"):
        listed_of(Listed((), create_thing, ()), lambda *_: answer(entries))


def answer(entries: list[dict[str, Any]], **more: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps({"resources": entries, **more}).encode()


def made_up(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"thing/{n:08}", "created": created(-n)} for n in numbers]


@pytest.mark.parametrize(
    ("entries", "count"), [((1, 2), 5), ((), 1), ((1, 2), 1), (tuple(range(PAGE - 1)), 10_000)]
)
def test_a_page_holds_what_it_announces(entries: tuple[int, ...], count: int) -> None:
    listed = Listed((), create_thing, ())
    with pytest.raises(MalformedAnswer, match=f"counts {count} .*gave {len(entries)}"):
        listed_of(listed, lambda *_: answer(made_up(*entries), count=count))
    assert len(listed.requests) == 1


@pytest.mark.parametrize("count", [None, "5", True, -1.5])
def test_a_count_that_is_none_is_not_held_against_the_page(count: Any) -> None:
    handed = listed_of(Listed((), create_thing, ()), lambda *_: answer(made_up(1, 2), count=count))
    assert len(handed) == 2


@pytest.mark.parametrize(
    "second",
    [range(PAGE), range(1, PAGE + 1), range(PAGE - 1, 2 * PAGE - 1), [PAGE] * PAGE],
    ids=["repeated", "overlapping by all but one", "overlapping by one", "one entry again"],
)
def test_pages_that_repeat_or_overlap_are_a_malformed_response(second: Any) -> None:
    pages = iter([answer(made_up(*range(PAGE))), answer(made_up(*second))])
    with pytest.raises(MalformedAnswer, match="gave entries of thing again"):
        listed_of(Listed((), create_thing, ()), lambda *_: next(pages))


def test_pages_that_alternate_are_a_malformed_response() -> None:
    pages = [answer(made_up(*range(start, start + PAGE))) for start in (0, PAGE)]
    listed = Listed((), create_thing, ())
    with pytest.raises(MalformedAnswer, match="did not order thing"):
        listed_of(listed, lambda *_: pages[(len(listed.requests) - 1) % 2])
    assert len(listed.requests) == 3


@pytest.mark.parametrize(("count", "most"), [(3 * PAGE, 27), (10_000, 2_001), (None, 2_001)])
def test_a_list_without_end_is_given_up(count: int | None, most: int) -> None:
    listed = Listed((), create_thing, ())

    def page(*_: Any) -> tuple[str, bytes]:
        start = (len(listed.requests) - 1) * PAGE
        return answer(made_up(*range(start, start + PAGE)), count=count)

    with pytest.raises(MalformedAnswer, match="has no end"):
        listed_of(listed, page)
    assert len(listed.requests) <= most


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (1, 1), (499, 1), (500, 1), (501, 2)])
def test_nodes_cost_one_request_a_page(
    driver: Driver, sandbox: Sandbox, number: int, requests: int
) -> None:
    ids = sandbox.world.add_deployments(number)
    assert [node.id for node in driver.ex_iterate_nodes(ex_addresses=False)] == ids[::-1]
    assert len(sandbox.journal) == requests


def test_more_deployments_than_a_page_may_share_a_moment(driver: Driver, sandbox: Sandbox) -> None:
    ids = sandbox.world.add_deployments(1100)
    for identifier in ids[:1050]:
        sandbox.world.store[identifier]["created"] = created(0)
    listed = [node.id for node in driver.ex_iterate_nodes()]
    assert len(listed) == 1100
    assert set(listed) == set(ids)


def test_edges_and_their_reports_are_asked_for_a_page_at_a_time(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {item.id: (item.name, item.public_ips) for item in driver.ex_list_virtual_machines()}
    assert len(whole) > 1
    assert any(addresses for _, addresses in whole.values())
    monkeypatch.setattr("slipstream.backends.nuvla.locations.EDGES_AT_ONCE", 1)
    sandbox.journal.clear()
    machines = driver.ex_iterate_virtual_machines()
    first = next(machines)
    assert len(sandbox.journal) == 2
    rest = {item.id: (item.name, item.public_ips) for item in (first, *machines)}
    assert rest == whole
    assert len(sandbox.journal) == 1 + len(whole)


def test_without_edges_there_is_nothing_to_ask_for_their_reports(
    driver: Driver, sandbox: Sandbox
) -> None:
    for edge in list(sandbox.world.store.collection("nuvlabox")):
        sandbox.world.store.remove(edge["id"])
    assert driver.ex_list_virtual_machines() == []
    assert len(sandbox.journal) == 1


@pytest.fixture
def serve(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Put a server that makes its answers up in the place of the sandbox."""
    return lambda server: monkeypatch.setattr(driver._session.transport, "send", server)


def endless(number: int) -> Callable[[Request], Response]:
    """A server with so many entries, which it makes up page by page; none for a parent."""

    def send(request: Request, **_: object) -> Response:
        form = fields(request)
        name = request.path.rpartition("/")[2]
        behind = re.search(r"created='[^']*' and id>'[^/]*/(\d+)[^']*'", form.get("filter", ""))
        first = int(behind[1]) + 1 if behind else 0
        last = 0 if "parent=" in form.get("filter", "") else first + int(form["last"])
        entries = [
            {
                "id": f"{name}/{place:08}-0000-4000-8000-000000000000",
                "created": created(-place),
                "state": "STARTED",
            }
            for place in range(first, min(last, number))
        ]
        body = json.dumps({"count": number - first if last else 0, "resources": entries}).encode()
        return Response(status=200, headers={}, body=body, url="")

    return send


WAYS: dict[str, Callable[[Driver], Iterator[Any]]] = {
    "nodes": lambda driver: driver.ex_iterate_nodes(),
    "nodes with addresses": lambda driver: driver.ex_iterate_nodes(ex_addresses=True),
    "images": lambda driver: driver.ex_iterate_images(),
    "machines": lambda driver: driver.ex_iterate_virtual_machines(),
}


def test_ten_times_the_nodes_take_no_more_memory(
    driver: Driver, serve: Callable[[Any], None]
) -> None:
    peaks = []
    for number in (2_000, 20_000):
        serve(endless(number))
        peaks.append(peak_of(driver.ex_iterate_nodes()))
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_long_list_is_no_more_in_memory_than_a_tenth_of_it(
    driver: Driver, serve: Callable[[Any], None], way: str
) -> None:
    number = 100_000 if way == "nodes" else 30_000
    blocks = []
    for many in (number // 10, number):
        serve(endless(many))
        listed, most = blocks_of(WAYS[way](driver))
        assert listed == many
        blocks.append(most)
    assert blocks[1] < 2 * blocks[0]
