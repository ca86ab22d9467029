"""The sandbox agrees with recordings of real servers, but for a list that may only shrink."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

from fidelity.__main__ import RESULTS
from fidelity.results import DATA, reasons, unplayed
from fidelity.shapes import Response, closed, differences, form
from fidelity.slipstream import differences as slipstream_differences
from fidelity.slipstream import exchanges

_SECRET = re.compile(r'"[\w-]*(?:password|secret|private-key)[\w-]*"\s*:\s*"([^"]*)"')
# Secrets that requests of the recordings make up, and placeholders of those taken out.
_INVENTED = re.compile(
    r"SCRUBBED|password|secret|\{\w+\}|credential/[\w<>-]+|x|y|b|nope|weak|Passw0rd\.x|<\w+>|"
)
# How many exchanges are not played at most.
MOST_UNPLAYED = {"slipstream": 143, "nuvla": 158}


@pytest.mark.parametrize("family", RESULTS)
def test_recording_agrees_with_the_sandbox(family: str) -> None:
    results = RESULTS[family]()
    assert [result for result in results if result.outcome == "differs"] == []
    groups = unplayed(family, results)
    skipped = [exchange for group in groups.values() for exchange in group]
    assert not [exchange.name for exchange in skipped if exchange.is_core]
    # What is not played has a reason, and each reason is needed.
    assert set(groups) == set(reasons(family)["not played"].values())
    assert sum(map(len, groups.values())) <= MOST_UNPLAYED[family]


@pytest.mark.parametrize("path", sorted(DATA.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_recording_holds_no_secret(path: Path) -> None:
    text = path.read_text("utf-8").replace("\\", "")
    assert [value for value in _SECRET.findall(text) if not _INVENTED.fullmatch(value)] == []
    for word in ("eyJ", "BEGIN RSA PRIVATE KEY-----n", "BEGIN OPENSSH"):
        assert word not in text


def response(body: str, status: int = 200, *, is_cut: bool = False) -> Response:
    return Response(status, {"Content-Type": "application/json"}, body, is_cut)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ('{"a": 1}', '{"a": 2}', []),
        ('{"a": 1}', '{"a": "2"}', ["lacks $.a: number", "has $.a: string"]),
        ('{"a": 1}', '{"a": 1, "b": null}', ["has $.b: null"]),
        ('{"a": []}', '{"a": [1]}', []),
        ('{"a": [1]}', '{"a": ["x"]}', ["lacks $.a[]: number", "has $.a[]: string"]),
        ('{"message": "x"}', '{"message": "y"}', ["the message is 'y', not 'x'"]),
        ("{}", "<html>", ["the body is not JSON"]),
    ],
)
def test_what_is_different_is_found(was: str, now: str, words: list[str]) -> None:
    assert differences(response(was), response(now)) == words


def test_a_recording_that_was_cut_is_compared_as_far_as_it_goes() -> None:
    cut = response('{"a": 1, "b": {"c": "x", "d": "yy', is_cut=True)
    assert differences(cut, response('{"a": 1, "b": {"c": "z", "d": 1}, "e": 1}')) == []
    assert differences(cut, response('{"a": 1, "b": {"d": 1}}')) == ["lacks $.b.c: string"]
    assert closed('{"a": [1, {"b": "x,y", "c') == '{"a": [1, {"b": "x,y"}]}'


def test_status_and_headers_are_compared() -> None:
    was, now = (
        Response(201, {"Location": f"credential/3f2504e0-4f89-41d3-9a0c-0305e82c330{digit}"}, "")
        for digit in (1, 2)
    )
    assert differences(was, now) == []
    assert len(differences(was, Response(200, {}, ""))) == 2


def test_the_form_of_a_refused_document_leaves_out_the_specifications() -> None:
    text = "resource x does not satisfy defined schema:\n-- Spec failed ---\n\n  {:a 1}\n"
    assert form(text) == "resource x does not satisfy defined schema:\n-- Spec failed ---"


@pytest.mark.parametrize(
    ("name", "was", "now", "words"),
    [
        ("run_alice", ' groups="ec2-eu-west:machine"', "", "lacks /run@groups="),
        (
            "run_alice",
            'isSet="false" name=',
            'isSet="false" title=',
            "has /run/runtimeParameters/entry/runtimeParameter@title=",
        ),
        ("run_alice", "<recipe>", "<recept>", "lacks /run/module/recipe"),
        ("POST_unknown_module", "no/such", "such", "lacks /error: Coudn't find"),
        ("PUT_rp_unknown", "machine:nosuch", "", "not '404 - Not Found"),
        ("c_GET_rp_ss_state_alice", "Ready", "Done", "not 'Ready'"),
        ("coll_credential", '"quota" : 20', '"quota" : "20"', "has $.credentials[].quota: string"),
        ("login_bad_pw", '"resource-id" : "alice"', '"x" : 1', "lacks $.resource-id: string"),
    ],
)
def test_difference_in_the_body_is_noticed(name: str, was: str, now: str, words: str) -> None:
    exchange = next(item for item in exchanges() if item.name == name)
    assert list(slipstream_differences(exchange, exchange.response)) == []
    assert was in exchange.response.body
    spoilt = attrs.evolve(exchange.response, body=exchange.response.body.replace(was, now))
    if was == "<recipe>":
        spoilt = attrs.evolve(spoilt, body=spoilt.body.replace("</recipe>", "</recept>"))
    assert words in "\n".join(slipstream_differences(exchange, spoilt))


def test_difference_in_status_and_headers_is_noticed() -> None:
    exchange = next(item for item in exchanges() if item.name == "DELETE_run")
    recorded = exchange.response
    without = Response(405, {"Content-Type": recorded.headers["Content-Type"]}, recorded.body)
    assert list(slipstream_differences(exchange, without)) == ["Allow is '', not 'GET, POST'"]
    assert list(slipstream_differences(exchange, attrs.evolve(recorded, status=404))) == [
        "the status is 404, not 405"
    ]
