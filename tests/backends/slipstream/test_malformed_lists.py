"""Lists that lie: each ends after few requests, in one error that says what is wrong."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from slipstream.errors import BadInput, MalformedAnswer
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

RUN = "{:08x}-0000-4000-8000-000000000000"
Answer = Callable[[Request, int], str]


@pytest.fixture
def serve(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[Request]]:
    """Put a server in the sandbox's place, whose bodies a function makes up."""
    requests: list[Request] = []

    def arrange(answer: Answer) -> list[Request]:
        def send(request: Request, **_: object) -> Response:
            requests.append(request)
            assert len(requests) < 5000, "it does not end"
            body = answer(request, len(requests) - 1).encode()
            return Response(status=200, headers={}, body=body, url="")

        monkeypatch.setattr(driver._session.transport, "send", send)
        return requests

    return arrange


def runs(total: object, ids: list[int]) -> str:
    items = "".join(f'<item uuid="{RUN.format(number)}" status="Ready"/>' for number in ids)
    return f'<runs totalCount="{total}">{items}</runs>'


def offset(request: Request) -> int:
    return int(dict(request.query)["offset"])


RUN_LISTS: dict[str, tuple[Answer, int, str]] = {
    "far-too-many": (lambda _, __: runs(999_999_999, [1, 2]), 1, "counts 999999999"),
    "too-few": (lambda _, __: runs(900, [1, 2]), 3, "counts 900 and gave 2"),
    "none": (lambda _, __: runs(900, []), 3, "counts 900 and gave 0"),
    "no-count": (lambda _, __: runs("many", [1]), 1, "counts none and gave 1"),
    "same-page": (lambda _, __: runs(5000, list(range(500))), 2, "brought 500 of the 5000"),
    "one-run-for-each": (lambda _, __: runs(3, [7, 7, 7]), 1, "brought 1 of the 3"),
    "last-pages-again": (
        lambda request, _: runs(
            3000, [min(place, 2000 + place % 500)
                   for place in range(offset(request), min(offset(request) + 500, 3000))]
        ),
        40, r"brought \d+ of the 3000",
    ),
    "growing": (
        lambda request, _: runs(
            offset(request) + 1000, list(range(offset(request), offset(request) + 500))
        ),
        30, r"brought \d+ of the \d+",
    ),
    "without-id": (lambda _, __: '<runs totalCount="1"><item/></runs>', 1, "without an id"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "most", "reason"), RUN_LISTS.values(), ids=RUN_LISTS)
def test_list_of_runs_that_lies(
    driver: Driver, serve: Any, answer: Answer, most: int, reason: str
) -> None:
    requests = serve(answer)
    with pytest.raises(MalformedAnswer, match=f"Cannot list deployments.*{reason}"):
        driver.list_nodes(ex_addresses=False)
    assert len(requests) <= most


def offers(count: object, ids: list[object]) -> str:
    return json.dumps({"count": count, "serviceOffers": [{"id": entry} for entry in ids]})


def numbered(numbers: Iterable[int]) -> list[object]:
    return [f"service-offer/{number:08}" for number in numbers]


def pages() -> Answer:
    numbers = itertools.count()
    return lambda _, __: offers(1500, numbered(itertools.islice(numbers, 1000)))


SEARCHES: dict[str, tuple[Answer, int, str]] = {
    "far-too-many": (lambda _, __: offers(999_999_999, numbered([1])), 1, "counts 999999999"),
    "too-few": (lambda _, __: offers(5, numbered([1, 2])), 1, "counts 5 .* gave 2"),
    "too-many": (lambda _, __: offers(1, numbered([1, 2])), 1, "counts 1 .* gave 2"),
    "failed": (lambda _, __: offers(None, []), 1, "search in service-offer failed"),
    "twice": (lambda _, __: offers(2, numbered([1, 1])), 1, "gave entries of service-offer again"),
    "same-page": (lambda _, __: offers(1500, numbered(range(1000))), 2, "again"),
    "out-of-order": (
        lambda _, number: offers(1500, numbered(range(1000 * (2 - number), 1000 * (3 - number)))),
        2, "did not order",
    ),
    "for-ever": (pages(), 30, "has no end"),
    "without-id": (lambda _, __: json.dumps({"count": 1, "serviceOffers": [{}]}), 1, "with ids"),
    "empty-id": (lambda _, __: offers(1, [""]), 1, "with ids"),
    "number-as-id": (lambda _, __: offers(1, [7]), 1, "with ids"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "most", "reason"), SEARCHES.values(), ids=SEARCHES)
def test_search_that_lies(
    driver: Driver, serve: Any, answer: Answer, most: int, reason: str
) -> None:
    requests = serve(answer)
    connector = "exoscale-ch-gva"
    with pytest.raises(MalformedAnswer, match=reason):
        list(driver._backend.list_service_offers(connector, usable_only=True))
    assert len(requests) <= most


def project(path: str, children: str) -> str:
    parent, _, name = path.rpartition("/")
    return (
        f'<projectModule category="Project" shortName="{name}" parentUri="module/{parent}">'
        f"<children>{children}</children></projectModule>"
    )


def test_project_that_contains_itself_is_read_once(driver: Driver, serve: Any) -> None:
    children = "".join(
        f'<item category="{kind}" resourceUri="module/{path}" name="x"/>'
        for kind, path in (("Project", "apps/1"), ("Project", "apps/in"), ("Image", "apps/x/3"))
    )
    requests = serve(lambda _, __: project("apps", children))
    images = driver.list_images(ex_path="apps", ex_recurse=True)
    assert {image.id for image in images} == {"apps/x/3"}
    assert len(requests) == 2


def test_projects_that_never_end_are_given_up(driver: Driver, serve: Any) -> None:
    def answer(request: Request, _: int) -> str:
        path = request.path.removeprefix("/module/")
        return project(path, '<item category="Project" name="deeper"/>')

    requests = serve(answer)
    with pytest.raises(MalformedAnswer, match="there are more, such as"):
        driver.list_images(ex_path="apps", ex_recurse=True)
    assert len(requests) <= 60


@pytest.mark.parametrize(
    "item", ["<item/>", '<item resourceUri=""/>', '<item resourceUri="module/"/>',
             '<item resourceUri="module/../user/alice"/>', '<item version="3"/>']
)  # fmt: skip
@pytest.mark.parametrize("path", [None, "", "apps"])
def test_listed_image_without_an_id_is_refused(
    driver: Driver, serve: Any, item: str, path: str | None
) -> None:
    serve(lambda _, __: project("apps", item) if path else f"<list>{item}</list>")
    with pytest.raises(MalformedAnswer, match="what is no module"):
        driver.list_images(ex_path=path)


def test_app_store_lists_each_image_once(driver: Driver, serve: Any) -> None:
    item = '<item resourceUri="module/apps/x/3" category="Image" name="x" version="3"/>'
    serve(lambda _, __: f"<list>{item}{item}</list>")
    assert len(driver.list_images()) == 1


@pytest.mark.parametrize(
    "parents", [["apps/b", "apps/a"], ["apps/a"], ["apps/b", "apps/b/7"]], ids=str
)
def test_parents_that_go_round_are_read_once(
    driver: Driver, serve: Any, parents: list[str]
) -> None:
    def answer(request: Request, number: int) -> str:
        name = request.path.rpartition("/")[2]
        parent = parents[min(number, len(parents) - 1)]
        return (
            f'<imageModule category="Image" shortName="{name}" parentUri="module/apps"'
            f' moduleReferenceUri="module/{parent}"/>'
        )

    requests = serve(answer)
    with pytest.raises(BadInput, match="Unknown parameter 'color'"):
        driver.create_node(image="apps/a", ex_parameters={"color": "red"})
    assert len(requests) <= 2


def test_parents_without_end_are_given_up(driver: Driver, serve: Any) -> None:
    def answer(_: Request, number: int) -> str:
        return (
            f'<imageModule category="Image" shortName="c{number}" parentUri="module/apps"'
            f' moduleReferenceUri="module/apps/c{number + 1}"/>'
        )

    requests = serve(answer)
    with pytest.raises(MalformedAnswer, match="built on more than 50 others"):
        driver.create_node(image="apps/c0", ex_parameters={"color": "red"})
    assert len(requests) <= 60


@pytest.mark.parametrize("body", ["<run/>", '<run uuid=""/>', f'<run uuid="{RUN.format(2)}"/>'])
def test_run_document_about_another_run_is_refused(
    driver: Driver, serve: Any, sandbox: Sandbox, body: str
) -> None:
    serve(lambda _, __: body)
    with pytest.raises(MalformedAnswer, match="is about another one"):
        driver.ex_get_node(RUN.format(1))
