"""The lists of runs and modules: nothing lost or repeated, and lists that lie end in an error."""

from __future__ import annotations

import functools
import itertools
import random
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listing_models import Change, Listed, changes, identity, run, runs, slow_changes

from backends.support import Driver, wait_for_readers
from slipstream.backends.slipstream import modules
from slipstream.backends.slipstream import runs as run_list
from slipstream.errors import BadInput, MalformedAnswer
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

THOROUGH = settings(max_examples=150, deadline=None)
PAGE = 4
OVERLAP = 2
RUN = "{:08x}-0000-4000-8000-000000000000"
Answer = str | Callable[[Request, int], str]
at_once = pytest.mark.parametrize("at_once", [1, 2])


def check(ids: list[str], listed: Listed) -> None:
    """Nothing is repeated, and nothing lost that was there all the time."""
    assert len(ids) == len(set(ids))
    assert listed.always <= set(ids)


def list_runs(
    listed: Listed, *, answer: Any = runs, page: int = PAGE, overlap: int = OVERLAP, **options: Any
) -> list[str]:
    with patch.object(run_list, "PAGE", page), patch.object(run_list, "OVERLAP", overlap):
        pages = run_list.iterate_pages(listed.session(answer), active_only=True, **options)
        return [element.get("uuid", "")[:8] for page in pages for element in page]


def newest(*, after: int = 0) -> Callable[[list[Any], int, int], None]:
    """A run that is created starts last, though maybe in the second of the last one before it."""

    def create(entries: list[Any], place: int, number: int) -> None:
        last = max((entry["second"] for entry in entries), default=0)
        entries.insert(place % (len(entries) + 1), run(number, last + after + place % 3))

    return create


def started(gaps: Iterable[int]) -> list[dict[str, Any]]:
    return [run(number, second) for number, second in enumerate(itertools.accumulate(gaps))]


@at_once
@THOROUGH
@given(gaps=st.lists(st.sampled_from([0, 0, 1, 5]), max_size=30), script=slow_changes)
def test_run_list_gives_all_that_stays_once(at_once: int, gaps: Any, script: Any) -> None:
    listed = Listed(started(gaps), newest(), script)
    check(list_runs(listed, page=12, overlap=8, at_once=at_once), listed)


@at_once
@THOROUGH
@given(gaps=st.lists(st.sampled_from([1, 5]), max_size=40), script=changes)
def test_run_list_changing_fast_is_whole_or_fails(at_once: int, gaps: Any, script: Any) -> None:
    listed = Listed(started(gaps), newest(after=1), script)
    with suppress(MalformedAnswer):
        check(list_runs(listed, at_once=at_once), listed)


def test_run_list_requests_two_pages_at_a_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def paired(listed: Listed, request: Request) -> tuple[str, bytes]:
        if dict(request.query)["offset"] != "0":
            both.wait()
        return runs(listed, request)

    listed = Listed(started([1] * 12), newest(), ())
    assert len(list_runs(listed, answer=paired, at_once=2)) == 12
    assert len(listed.requests) == 5


def test_run_list_while_many_runs_are_created() -> None:
    script = [Change(created=[0] * 30, deleted=[]) for _ in range(2)]
    listed = Listed(started([1] * 100), newest(after=1), script)
    check(list_runs(listed, page=40), listed)


def test_run_list_gives_the_newest_first() -> None:
    for number in (0, 1, PAGE, PAGE + 1, 40):
        listed = Listed(started([1] * number), newest(), ())
        assert list_runs(listed) == [f"{place:08}" for place in reversed(range(number))]


@THOROUGH
@given(groups=st.lists(st.integers(1, 4), max_size=12), seed=st.integers())
def test_run_list_of_equal_times_in_any_order(groups: list[int], seed: int) -> None:
    dice = random.Random(seed)

    def shuffled(listed: Listed, request: Request) -> tuple[str, bytes]:
        dice.shuffle(listed.entries)
        return runs(listed, request)

    gaps = [gap for size in groups for gap in (1, *[0] * (size - 1))]
    listed = Listed(started(gaps), newest(), ())
    check(list_runs(listed, answer=shuffled, page=6, overlap=4), listed)


def test_run_list_that_is_another_each_time() -> None:
    numbers = itertools.count(10**6)

    def other_each_time(listed: Listed, request: Request) -> tuple[str, bytes]:
        listed.entries = [run(next(numbers), 0) for _ in range(50)]
        return runs(listed, request)

    listed = Listed((), newest(), ())
    with pytest.raises(MalformedAnswer, match=r"pages brought \d+ of the"):
        list_runs(listed, answer=other_each_time)
    assert len(listed.requests) < 60


def test_run_list_of_which_most_end_between_two_pages() -> None:
    def ending(listed: Listed, request: Request) -> tuple[str, bytes]:
        answer = runs(listed, request)
        if len(listed.requests) == 5:
            listed.entries = listed.entries[:6]
            listed.always = set(map(identity, listed.entries))
        return answer

    listed = Listed(started([1] * 40), newest(), ())
    check(list_runs(listed, answer=ending), listed)


def test_iterate_images_that_is_closed_reads_no_more(driver: Driver, sandbox: Sandbox) -> None:
    images: Any = driver.ex_iterate_images(ex_path="examples", ex_recurse=True)
    next(images)
    started_with = len(sandbox.journal)
    images.close()
    wait_for_readers()
    assert len(sandbox.journal) <= started_with + modules.AT_ONCE


def test_warning_of_a_listing_points_at_the_line_that_listed(driver: Driver) -> None:
    for method in (driver.list_images, driver.ex_iterate_images):
        with pytest.warns(modules.SkippedWarning) as caught:
            list(method(ex_path="examples", ex_recurse=True))
        (warning,) = caught
        assert warning.filename == __file__


@pytest.fixture
def serve(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[Request]]:
    """Put a server in the sandbox's place, with one body or those that a function makes up."""

    def arrange(answer: Answer) -> list[Request]:
        requests: list[Request] = []

        def send(request: Request, **_: object) -> Response:
            assert len(requests) < 5000, "it does not end"
            body = answer if isinstance(answer, str) else answer(request, len(requests))
            requests.append(request)
            return Response(status=200, headers={}, body=body.encode(), url="")

        monkeypatch.setattr(driver._session.transport, "send", send)
        return requests

    return arrange


def listed_runs(total: object, numbers: Iterable[int]) -> str:
    items = "".join(f'<item uuid="{RUN.format(number)}" status="Ready"/>' for number in numbers)
    return f'<runs totalCount="{total}">{items}</runs>'


def last_pages_again(request: Request, _: int, total: int = 3000) -> str:
    offset = int(dict(request.query)["offset"])
    places = range(offset, min(offset + 500, total))
    return listed_runs(total, [min(place, 2000 + place % 500) for place in places])


def growing(request: Request, _: int) -> str:
    offset = int(dict(request.query)["offset"])
    return listed_runs(offset + 1000, range(offset, offset + 500))


RUN_LISTS: dict[str, tuple[Answer, int, str]] = {
    "far-too-many": (listed_runs(999_999_999, [1, 2]), 1, "counts 999999999"),
    "too-few": (listed_runs(900, [1, 2]), 3, "counts 900 and returned 2"),
    "none": (listed_runs(900, []), 3, "counts 900 and returned 0"),
    "no-count": (listed_runs("many", [1]), 1, "counts none and returned 1"),
    "same-page": (listed_runs(5000, range(500)), 20, "counts 5000 and ret"),
    "one-twice": (listed_runs(4, [7, 8, 9, 7]), 1, "returned one twice"),
    "last-pages-again": (last_pages_again, 40, r"brought \d+ of the 3000"),
    "last-pages-of-many-again": (
        functools.partial(last_pages_again, total=900_000),
        40,
        r"brought \d+ of the 900000",
    ),
    "growing": (growing, 30, r"brought \d+ of the \d+"),
    "without-id": ('<runs totalCount="1"><item/></runs>', 1, "without a UUID"),
    "empty": ("<runs/>", 3, "counts none"),
    **{
        f"count-{count[:9]}": (listed_runs(count, []), 3, "counts")
        for count in ("-1", '3" count="0', "²", "9" * 5000)
    },
}


@pytest.mark.parametrize(("answer", "most", "reason"), RUN_LISTS.values(), ids=RUN_LISTS)
def test_run_list_lies(driver: Driver, serve: Any, answer: Answer, most: int, reason: str) -> None:
    requests = serve(answer)
    with pytest.raises(MalformedAnswer, match=f"Cannot list deployments.*{reason}"):
        driver.list_nodes(ex_addresses=False)
    assert len(requests) <= most


def project(path: str, children: str) -> str:
    parent, _, name = path.rpartition("/")
    return (
        f'<projectModule category="Project" shortName="{name}" parentUri="module/{parent}">'
        f"<children>{children}</children></projectModule>"
    )


def test_project_that_contains_itself_or_others_without_end(driver: Driver, serve: Any) -> None:
    children = "".join(
        f'<item category="{kind}" resourceUri="module/{path}" name="x"/>'
        for kind, path in (("Project", "apps/1"), ("Project", "apps/in"), ("Image", "apps/x/3"))
    )
    requests = serve(project("apps", children))
    images = driver.list_images(ex_path="apps", ex_recurse=True)
    assert ({image.id for image in images}, len(requests)) == ({"apps/x/3"}, 2)
    deeper = '<item category="Project" name="deeper"/>'
    requests = serve(lambda request, _: project(request.path[len("/module/") :], deeper))
    with pytest.raises(MalformedAnswer, match="there are more, such as"):
        driver.list_images(ex_path="apps", ex_recurse=True)
    assert len(requests) == 51


@pytest.mark.parametrize("path", [None, "", "apps"])
def test_images_whose_id_no_call_takes(driver: Driver, serve: Any, path: str | None) -> None:
    uris = ("", "module/", "module/../user/alice")
    for item in ("<item/>", '<item version="3"/>', *(f'<item resourceUri="{u}"/>' for u in uris)):
        serve(project("apps", item) if path else f"<list>{item}</list>")
        with pytest.raises(MalformedAnswer, match="is not the id of a module"):
            driver.list_images(ex_path=path)
    for name in ("..", "a%2Fb", "a//b", " ", "a&#10;b"):
        serve(f'<imageModule category="Image" shortName="{name}" parentUri="module/a"/>')
        with pytest.raises(MalformedAnswer):
            driver.get_image("apps/x")


def test_list_images_of_an_app_store_that_repeats(driver: Driver, serve: Any) -> None:
    item = '<item resourceUri="module/apps/x/3" category="Image" name="x" version="3"/>'
    serve(f"<list>{item}{item}</list>")
    assert len(driver.list_images()) == 1
    other = item.replace('name="x"', 'name="y"')
    serve(f"<list>{item}{other}</list>")
    with pytest.raises(MalformedAnswer, match="lists two modules as apps/x/3"):
        driver.list_images()


ELSEWHERE = ["../user/alice", "a/../b", "a/%2e%2e/b", "/", "a&#10;b"]
PARENTS: list[tuple[list[str], str, int]] = [
    (["apps/b", "apps/a"], "Unknown parameter 'color'", 2),
    (["apps/a"], "Unknown parameter 'color'", 1),
    (["apps/b", "apps/b/7"], "Unknown parameter 'color'", 2),
    ([f"apps/c{number}" for number in range(99)], "built on more than 50 others", 51),
    *(([parent], "an unusable value", 1) for parent in ELSEWHERE),
]


@pytest.mark.parametrize(("parents", "message", "number"), PARENTS)
def test_odd_parents(driver: Driver, serve: Any, parents: Any, message: str, number: int) -> None:
    def answer(request: Request, number: int) -> str:
        name, parent = request.path.rpartition("/")[2], parents[number]
        return (
            f'<imageModule category="Image" shortName="{name}" parentUri="module/apps"'
            f' moduleReferenceUri="module/{parent}"/>'
        )

    requests = serve(answer)
    error = BadInput if "parameter" in message else MalformedAnswer
    with pytest.raises(error, match=message):
        driver.create_node(image="apps/a", ex_parameters={"color": "red"})
    assert len(requests) == number


@pytest.mark.parametrize("run", ["<run/>", '<run uuid=""/>', f'<run uuid="{RUN.format(2)}"/>'])
def test_run_document_about_another_run(driver: Driver, serve: Any, run: str) -> None:
    serve(run)
    with pytest.raises(MalformedAnswer, match="is about another one"):
        driver.ex_get_node(RUN.format(1))
