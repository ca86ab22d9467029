from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

STORE = "published=true and subtype!='project' and parent-path!='apps-sets'"


def test_an_unbalanced_filter_is_a_filter_within_the_servers_parentheses(
    alice: Client,
) -> None:
    assert alice.search("module", filter="path='x') or (path!='x'", last=0)["count"] > 5


@pytest.mark.parametrize(
    "fields", [{"filter": "location within 'POINT (6 46)'"}, {"aggregation": "terms:state"}]
)
def test_searches_by_place_and_aggregations_are_not_played(
    alice: Client, fields: dict[str, str]
) -> None:
    assert alice.refused("PUT", "nuvlabox", data=fields)[0] == 501


def test_dates_may_be_reckoned_from_now(sandbox: Sandbox, alice: Client) -> None:
    sandbox.clock.advance(3600)
    deployment = alice.deployment()
    sandbox.clock.advance(100)
    for text, expected in (
        ("created>'now-120s'", [deployment]),
        ("created>='now-1h'", [deployment]),
        ("created>'now-90s'", []),
        ("created<='now'", [deployment]),
    ):
        assert [item["id"] for item in alice.find("deployment", text)] == expected


def test_meta_data_is_all_that_some_may_see(alice: Client, bob: Client) -> None:
    rights = {"owners": [alice.world.user_id("alice")], "view-meta": ["group/acme"]}
    own = alice.deployment()
    stored = alice.edit(own, {"name": "blog", "acl": rights})
    assert stored["acl"] == rights
    assert "group/nuvla-admin" in alice.read(own)["acl"]["manage"]
    session = bob.search("session")["resources"][0]["id"]
    bob.post(f"{session}/switch-group", json={"claim": "group/acme"})
    (seen,) = bob.search("deployment")["resources"]
    assert seen["name"] == "blog"
    assert "state" not in seen
    assert "acl" not in seen
