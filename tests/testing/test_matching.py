"""A request matches the recorded one where the server cannot tell them apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from vcr.request import Request

from slipstream.testing import cassettes
from slipstream.testing.cassettes import Replay

FORM = "application/x-www-form-urlencoded"


def request(method: str = "GET", path: str = "/run", kind: str = "", body: str = "") -> Request:
    return Request(method, f"https://server.example{path}", body.encode(), {"Content-Type": kind})


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        ("/run?a=1&_=abc", "/run?a=1"),
        ("/run?_=abc", "/run?_=def"),
        ("/run?a=1&b=2", "/run?b=2&a=1"),
    ],
)
def test_queries_match_without_nonces_and_in_any_order(asked: str, recorded: str) -> None:
    cassettes.query(request(path=asked), request(path=recorded))


@pytest.mark.parametrize(
    ("method", "asked", "recorded"),
    [
        ("GET", "/run?a=1", "/run?a=2"),
        ("GET", "/run?a=", "/run"),
        ("GET", "/run?__=1", "/run"),
        ("DELETE", "/run?_=1", "/run"),
        ("POST", "/run?_=1", "/run?_=2"),
    ],
)
def test_queries_that_a_server_could_tell_apart_differ(
    method: str, asked: str, recorded: str
) -> None:
    with pytest.raises(AssertionError):
        cassettes.query(request(method, asked), request(method, recorded))


@pytest.mark.parametrize(
    ("kind", "asked", "recorded"),
    [
        ("application/json", '{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        (FORM, "a=1&b=%20", "b=+&a=1"),
        (FORM, "%24last=10000", "%24last=1000"),
        ("application/xml", "<a x='1' y='2'/>", '<a y="2" x="1"></a>'),
        ("text/plain", "a", "a"),
    ],
)
def test_bodies_match_by_meaning(kind: str, asked: str, recorded: str) -> None:
    cassettes.body(request(kind=kind, body=asked), request(kind=kind, body=recorded))


@pytest.mark.parametrize(
    ("kind", "asked", "recorded"),
    [
        ("application/json", '{"a": 1}', '{"a": "1"}'),
        (FORM, "a=1&_=1", "a=1&_=2"),
        (FORM, "%24last=1000", "%24last=999"),
        (FORM, "last=10000", "last=1000"),
        ("application/xml", "<a>x</a>", "<a>y</a>"),
        ("text/plain", "a", "b"),
    ],
)
def test_bodies_that_mean_something_else_differ(kind: str, asked: str, recorded: str) -> None:
    with pytest.raises(AssertionError):
        cassettes.body(request(kind=kind, body=asked), request(kind=kind, body=recorded))


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "https://server.example/run"),
        ("GET", "https://server.example/run/1"),
        ("GET", "https://other.example/run"),
        ("GET", "http://server.example/run"),
        ("GET", "https://server.example:8443/run"),
    ],
)
def test_addresses_differ_in_method_and_each_part_of_the_url(method: str, url: str) -> None:
    with pytest.raises(AssertionError):
        cassettes.address(Request(method, url, b"", {}), request())


def test_addresses_match_without_the_query() -> None:
    cassettes.address(request(path="/run?a=1"), request(path="/run?b=2"))


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
def test_negotiations_differ_in_the_media_types(header: str) -> None:
    other = Request("GET", "https://server.example/run", b"", {header: "application/json"})
    with pytest.raises(AssertionError):
        cassettes.negotiation(other, request())


def test_a_read_with_the_same_answer_need_not_be_sent_as_often() -> None:
    paths = [("GET", "/a", "1"), ("GET", "/a", "1"), ("GET", "/a", "2"), ("PUT", "/a", "1")]
    session = Replay(header=None, endpoint="", interactions=[])  # type: ignore[arg-type]
    session._cassette = SimpleNamespace(
        requests=[request(method, path) for method, path, _ in paths],
        responses=[{"body": {"string": body}} for _, _, body in paths],
        play_counts={0: 1, 1: 0, 2: 0, 3: 0},
    )
    address = "https://server.example/a"
    assert session.unused() == [f"GET {address}", f"PUT {address}"]
