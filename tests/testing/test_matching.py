"""A request matches the recorded one where the server cannot tell them apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from vcr.request import Request

from slipstream.testing.cassettes import MATCHERS, Replay

FORM = "application/x-www-form-urlencoded"
SERVER = "https://server.example"


def request(
    method: str = "GET",
    path: str = "/run",
    kind: str = "",
    body: str = "",
    *,
    server: str = SERVER,
    accept: str = "",
) -> Request:
    headers = {"Content-Type": kind, "Accept": accept}
    return Request(method, f"{server}{path}", body.encode(), headers)


def matches(part: str, sent: Request, recorded: Request) -> bool:
    try:
        MATCHERS[part](sent, recorded)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("method", "sent", "recorded", "expected"),
    [
        ("GET", "/run?a=1&_=abc", "/run?a=1", True),
        ("GET", "/run?_=abc", "/run?_=def", True),
        ("GET", "/run?a=1&b=2", "/run?b=2&a=1", True),
        ("GET", "/run?a=1", "/run?a=2", False),
        ("GET", "/run?a=", "/run", False),
        ("GET", "/run?__=1", "/run", False),
        ("DELETE", "/run?_=1", "/run", False),
        ("POST", "/run?_=1", "/run?_=2", False),
    ],
)
def test_queries_match_without_nonces_and_in_any_order(
    method: str, sent: str, recorded: str, expected: bool
) -> None:
    pair = request(method, sent), request(method, recorded)
    assert matches("query", *pair) is expected


@pytest.mark.parametrize(
    ("kind", "sent", "recorded", "expected"),
    [
        ("application/json", '{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        (FORM, "a=1&b=%20", "b=+&a=1", True),
        (FORM, "%24last=10000", "%24last=1000", True),
        ("application/xml", "<a x='1' y='2'/>", '<a y="2" x="1"></a>', True),
        ("text/plain", "a", "a", True),
        ("application/json", '{"a": 1}', '{"a": "1"}', False),
        (FORM, "a=1&_=1", "a=1&_=2", False),
        (FORM, "%24last=1000", "%24last=999", False),
        (FORM, "last=10000", "last=1000", False),
        ("application/xml", "<a>x</a>", "<a>y</a>", False),
        ("text/plain", "a", "b", False),
    ],
)
def test_bodies_match_by_meaning(kind: str, sent: str, recorded: str, expected: bool) -> None:
    pair = request(kind=kind, body=sent), request(kind=kind, body=recorded)
    assert matches("body", *pair) is expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (request(path="/run?a=1"), True),
        (request("POST"), False),
        (request(path="/run/1"), False),
        (request(server="https://other.example"), False),
        (request(server="http://server.example"), False),
        (request(server=f"{SERVER}:8443"), False),
    ],
    ids=["query", "method", "path", "host", "scheme", "port"],
)
def test_addresses_match_in_method_and_each_part_of_the_url_but_the_query(
    sent: Request, expected: bool
) -> None:
    assert matches("address", sent, request(path="/run?b=2")) is expected


def test_negotiations_match_in_the_media_types() -> None:
    for other in (request(accept="application/json"), request(kind="application/json")):
        assert not matches("negotiation", other, request())


def test_a_read_with_the_same_answer_need_not_be_sent_as_often() -> None:
    paths = [("GET", "/a", "1"), ("GET", "/a", "1"), ("GET", "/a", "2"), ("PUT", "/a", "1")]
    session = Replay(header=None, endpoint="", interactions=[])  # type: ignore[arg-type]
    session._cassette = SimpleNamespace(
        requests=[request(method, path) for method, path, _ in paths],
        responses=[{"body": {"string": body}} for _, _, body in paths],
        play_counts={0: 1, 1: 0, 2: 0, 3: 0},
    )
    assert session.unused() == [f"GET {SERVER}/a", f"PUT {SERVER}/a"]
