"""Searches of both families: nothing lost or repeated, and lists that lie end in one error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listing_models import START, Answer, Listed, changes, cimi, fields

from slipstream.backends import Nuvla, SlipStream3
from slipstream.backends.cimi import CimiBackend, search
from slipstream.errors import MalformedAnswer
from slipstream.filters import attr
from slipstream.transport.messages import Request

PAGE = 4


@attrs.frozen
class Family:
    """How the searches of a family differ."""

    backend: type[CimiBackend]
    list_key: str
    prefix: str
    newest_first: bool

    def answer(self, listed: Listed, request: Request) -> tuple[str, bytes]:
        return cimi(listed, request, self.prefix, self.list_key, self.newest_first)

    def search(self, listed: Listed, answer: Answer | None = None) -> list[str]:
        session = listed.session(answer or self.answer, self.backend)
        where = attr("type").eq("VM") | attr("id").startswith("thing/")
        select = "id,created" if self.newest_first else None
        options: dict[str, Any] = {"doing": "list things", "where": where, "page": PAGE}
        return [entry["id"] for entry in search(session, "thing", select=select, **options)]

    def page(self, ids: Iterable[object], count: object) -> tuple[str, bytes]:
        """A page of things with these ids, or these numbers, in the order of the family."""
        entries = [
            {"id": f"thing/{item:08}", "created": created(-item)}
            if type(item) is int
            else {"id": item, "created": created(1)}
            for item in ids
        ]
        return "application/json", json.dumps({"count": count, self.list_key: entries}).encode()


class Things(SlipStream3):
    list_keys: ClassVar = {"thing": "things"}


SLIPSTREAM = Family(Things, "things", "$", newest_first=False)
NUVLA = Family(Nuvla, "resources", "", newest_first=True)
families = pytest.mark.parametrize("family", [SLIPSTREAM, NUVLA], ids=["slipstream", "nuvla"])


def created(second: int) -> str:
    timestamp = START + timedelta(seconds=second)
    return timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def thing(number: int, second: int | None) -> dict[str, Any]:
    """A thing, created at some second; ids say nothing of the order."""
    document = {"id": f"thing/{number * 7919 % 10007:05}"}
    return document if second is None else {**document, "created": created(second)}


def things(seconds: Iterable[int | None]) -> Iterator[dict[str, Any]]:
    return (thing(number, second) for number, second in enumerate(seconds))


def create_thing(entries: list[Any], place: int, number: int) -> None:
    """It may come anywhere, whatever the clocks of several servers say."""
    entries.append(thing(number, place % 5 or None))


@families
@settings(max_examples=150, deadline=None)
@given(
    seconds=st.lists(st.sampled_from([None, 0, 1, 1, 1, 2, 3]), max_size=30),
    script=changes,
)
def test_search_gives_all_that_stays_once(family: Family, seconds: Any, script: Any) -> None:
    listed = Listed(things(seconds), create_thing, script)
    try:
        ids = family.search(listed)
    except MalformedAnswer as error:
        if "were to come, and then 0" in str(error):
            return  # all that was still to come has been deleted
        raise
    assert len(ids) == len(set(ids))
    assert listed.always <= set(ids)


def test_search_of_nuvla_gives_the_newest_first_and_equals_by_id() -> None:
    entries = list(things([3, 3, 3, 1, 1, 1, 1, 1, 1, 9, None, None, 2]))
    ids = NUVLA.search(Listed(entries, create_thing, ()))
    entries.sort(key=lambda item: item["id"])
    entries.sort(key=lambda item: item.get("created", ""), reverse=True)
    assert ids == [item["id"] for item in entries]


@families
def test_search_on_a_server_that_ignores_the_filter(family: Family) -> None:
    def unfiltered(listed: Listed, request: Request) -> tuple[str, bytes]:
        form = {name: text for name, text in fields(request).items() if "filter" not in name}
        return family.answer(listed, attrs.evolve(request, body=urlencode(form).encode()))

    listed = Listed(things([1] * 9), create_thing, ())
    with pytest.raises(MalformedAnswer, match="returned entries of thing twice"):
        family.search(listed, unfiltered)
    assert len(listed.requests) == 2


def endless() -> Iterator[list[int]]:
    start = 0
    while True:
        yield list(range(start, start + PAGE))
        start += PAGE


LIES: dict[str, tuple[Iterable[Iterable[object]], Any, str, int]] = {
    "fewer": ([(1, 2)], 5, "counts 5 .*returned 2", 1),
    "none": ([()], 1, "counts 1 .*returned 0", 1),
    "more": ([(1, 2)], 1, "counts 1 .*returned 2", 1),
    "far fewer": ([(1,)], 9_999, "counts 9999 .*returned 1", 1),
    "twice": ([(1, 1)], 2, "returned entries of thing twice", 1),
    "repeated": ([range(PAGE)] * 2, 9, "returned entries of thing twice", 2),
    "overlapping": ([range(PAGE), range(1, PAGE + 1)], 9, "returned entries of thing twice", 2),
    "last again": ([range(PAGE), range(PAGE - 1, 2 * PAGE - 1)], 9, "of thing twice", 2),
    "one again": ([range(PAGE), [PAGE] * PAGE], 9, "returned entries of thing twice", 2),
    "alternating": ([range(PAGE), range(PAGE, 2 * PAGE), range(PAGE)], 99, "did not order", 3),
    "backwards": ([range(PAGE, 2 * PAGE), range(PAGE)], 9, "did not order thing", 2),
    "without end": (endless(), 3 * PAGE, "has no end", 27),
    **{
        f"id {identifier!r}": ([[identifier]], 1, "holds no list of thing", 1)
        for identifier in (
            *("", None, 7.0, """'" """, "thing", "thing/", "other/1", "thing/..", "thing/1/../2"),
        )
    },
}


@families
@pytest.mark.parametrize("lie", LIES)
def test_search_on_a_server_that_lies(family: Family, lie: str) -> None:
    pages, count, message, most = LIES[lie]
    # Some answers are shared by the families: an endless one is begun anew.
    answers = endless() if lie == "without end" else iter(pages)
    listed = Listed((), create_thing, ())
    with pytest.raises(MalformedAnswer, match=message):
        family.search(listed, lambda *_: family.page(next(answers), count))
    assert len(listed.requests) <= most


@families
def test_search_with_a_wrong_count_or_too_little_on_a_page(family: Family) -> None:
    listed = Listed((), create_thing, ())
    for count in (None, "2", True, 2.0, -1.5, [2], {"value": 2}, 1e999):
        answer = family.page((1, 2), count)
        with pytest.raises(MalformedAnswer, match="does not count the entries of thing"):
            family.search(listed, lambda *_, answer=answer: answer)
    for ids in ((), (PAGE,), range(PAGE, 2 * PAGE)):
        answers = iter([family.page(range(PAGE), 99), family.page(ids, len(ids))])
        with pytest.raises(MalformedAnswer, match="95 entries of thing were to come"):
            family.search(listed, lambda *_, answers=answers: next(answers))


def test_search_of_nuvla_beyond_what_it_counts_and_without_end() -> None:
    listed, pages = Listed((), create_thing, ()), endless()
    with pytest.raises(MalformedAnswer, match="has no end"):
        NUVLA.search(listed, lambda *_: NUVLA.page(next(pages), 10_000))
    assert len(listed.requests) <= 2_001


@pytest.mark.parametrize(
    ("created", "message"),
    [(created(1), "did not order thing"), ("""'" """, "is no id, or has no time")],
)
def test_search_of_nuvla_with_one_time_for_all(created: str, message: str) -> None:
    pages = iter([(12, (1, 2, 3, 4)), (8, (5, 6, 7, 8)), (4, (1, 2, 3, 4))])

    def answer(*_: object) -> tuple[str, bytes]:
        count, ids = next(pages)
        entries = [{"id": f"thing/{item}", "created": created} for item in ids]
        return "application/json", json.dumps({"count": count, "resources": entries}).encode()

    with pytest.raises(MalformedAnswer, match=message):
        NUVLA.search(Listed((), create_thing, ()), answer)
