from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox


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
    assert alice.edit(own, {"name": "blog", "acl": rights})["acl"] == rights
    assert "group/nuvla-admin" in alice.read(own)["acl"]["manage"]
    session = bob.search("session")["resources"][0]["id"]
    bob.post(f"{session}/switch-group", json={"claim": "group/acme"})
    (match,) = bob.search("deployment")["resources"]
    assert match["name"] == "blog"
    assert not {"state", "acl"} & match.keys()


def test_a_search_lags_behind_an_edit_and_a_read_does_not(sandbox: Sandbox, alice: Client) -> None:
    hostname = alice.find("deployment-parameter", f"parent='{alice.started()}'")[0]
    alice.edit(hostname["id"], {"value": "elsewhere"})
    same = f"id='{hostname['id']}'"
    assert alice.read(hostname["id"])["value"] == "elsewhere"
    assert alice.find("deployment-parameter", same)[0]["value"] == hostname["value"]
    sandbox.clock.advance(1)
    assert alice.find("deployment-parameter", same)[0]["value"] == "elsewhere"


def test_the_reason_of_a_failure_is_in_the_job_before_a_search_finds_it(
    sandbox: Sandbox, alice: Client
) -> None:
    deployment = alice.deployment("apps/trials/failing")
    job = alice.act(f"{deployment}/start")
    # The job ends after 40 seconds; the search knows it as it was.
    sandbox.clock.advance(40)
    assert alice.state(deployment) == "ERROR"
    assert "manifest" in alice.read(job)["status-message"]
    (match,) = alice.find("job", f"id='{job}'")
    assert "status-message" not in match
    sandbox.clock.advance(1)
    assert "manifest" in alice.find("job", f"id='{job}'")[0]["status-message"]
