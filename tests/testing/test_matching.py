"""A request matches the recorded one where the server cannot tell them apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from vcr.request import Request  # type: ignore[import-untyped]

from slipstream.testing.cassettes import MATCHERS, Replay

FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/xml"
SERVER = "https://server.example"


def request(method: str, url: str, kind: str = "", body: str = "", accept: str = "") -> Request:
    return Request(method, url, body.encode(), {"Content-Type": kind, "Accept": accept})


def query(text: str, method: str = "GET") -> Request:
    return request(method, f"{SERVER}/run?{text}")


def body(kind: str, text: str) -> Request:
    return request("POST", SERVER, kind, text)


RUN = request("GET", f"{SERVER}/run?b=2")
CASES: list[tuple[str, Request, Request, bool]] = [
    ("query", query("a=1&_=abc"), query("a=1"), True),
    ("query", query("_=abc"), query("_=def"), True),
    ("query", query("a=1&b=2"), query("b=2&a=1"), True),
    ("query", query("a=1"), query("a=2"), False),
    ("query", query("a="), query(""), False),
    ("query", query("__=1"), query(""), False),
    ("query", query("_=1", "DELETE"), query("", "DELETE"), False),
    ("query", query("_=1", "POST"), query("_=2", "POST"), False),
    ("body", body(JSON, '{"a": 1, "b": 2}'), body(JSON, '{"b":2,"a":1}'), True),
    ("body", body(FORM, "a=1&b=%20"), body(FORM, "b=+&a=1"), True),
    ("body", body(FORM, "%24last=10000"), body(FORM, "%24last=1000"), True),
    ("body", body(XML, "<a x='1' y='2'/>"), body(XML, '<a y="2" x="1"></a>'), True),
    ("body", body("text/plain", "a"), body("text/plain", "a"), True),
    ("body", body(JSON, '{"a": 1}'), body(JSON, '{"a": "1"}'), False),
    ("body", body(FORM, "a=1&_=1"), body(FORM, "a=1&_=2"), False),
    ("body", body(FORM, "%24last=1000"), body(FORM, "%24last=999"), False),
    ("body", body(FORM, "last=10000"), body(FORM, "last=1000"), False),
    ("body", body(XML, "<a>x</a>"), body(XML, "<a>y</a>"), False),
    ("body", body("text/plain", "a"), body("text/plain", "b"), False),
    ("address", request("GET", f"{SERVER}/run?a=1"), RUN, True),
    ("address", request("POST", f"{SERVER}/run"), RUN, False),
    ("address", request("GET", f"{SERVER}/run/1"), RUN, False),
    ("address", request("GET", "https://other.example/run"), RUN, False),
    ("address", request("GET", "http://server.example/run"), RUN, False),
    ("address", request("GET", f"{SERVER}:8443/run"), RUN, False),
    ("negotiation", RUN, RUN, True),
    ("negotiation", request("GET", SERVER, accept=JSON), RUN, False),
    ("negotiation", request("GET", SERVER, JSON), RUN, False),
]


@pytest.mark.parametrize(("part", "sent", "recorded", "expected"), CASES)
def test_part_of_a_request_matches(
    part: str, sent: Request, recorded: Request, expected: bool
) -> None:
    if expected:
        MATCHERS[part](sent, recorded)
        return
    with pytest.raises(AssertionError, match=r"^--- recorded\n\+\+\+ sent\n"):
        MATCHERS[part](sent, recorded)


def test_read_with_the_same_response_need_not_be_sent_as_often() -> None:
    paths = [("GET", "/a", "1"), ("GET", "/a", "1"), ("GET", "/a", "2"), ("PUT", "/a", "1")]
    session = Replay(header=None, endpoint="", interactions=[])  # type: ignore[arg-type]
    session._cassette = SimpleNamespace(
        requests=[request(method, path) for method, path, _ in paths],
        responses=[{"body": {"string": content}} for _, _, content in paths],
        play_counts={0: 1, 1: 0, 2: 0, 3: 0},
    )
    assert session.unused() == ["GET /a", "PUT /a"]
