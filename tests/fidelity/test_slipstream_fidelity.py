"""What is compared of SlipStream's responses, and what the sandbox does not play."""

from __future__ import annotations

import attrs
import pytest

from fidelity.shapes import Response
from fidelity.slipstream import differences, exchanges


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
    exchange = next(one for one in exchanges() if one.name == name)
    assert list(differences(exchange, exchange.response)) == []
    assert was in exchange.response.body
    spoilt = attrs.evolve(exchange.response, body=exchange.response.body.replace(was, now))
    if was == "<recipe>":
        spoilt = attrs.evolve(spoilt, body=spoilt.body.replace("</recipe>", "</recept>"))
    assert words in "\n".join(differences(exchange, spoilt))


def test_difference_in_status_and_headers_is_noticed() -> None:
    exchange = next(one for one in exchanges() if one.name == "DELETE_run")
    recorded = exchange.response
    without = Response(405, {"Content-Type": recorded.headers["Content-Type"]}, recorded.body)
    assert list(differences(exchange, without)) == ["Allow is '', not 'GET, POST'"]
    assert list(differences(exchange, attrs.evolve(recorded, status=404))) == [
        "the status is 404, not 405"
    ]
