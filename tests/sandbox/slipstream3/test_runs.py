from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"


def uuids(client: Client, query: str = "") -> list[str | None]:
    return [item.get("uuid") for item in client.xml(f"/run{query}").findall("item")]


def test_the_list_shows_ones_own_runs_newest_first(
    sandbox: Sandbox, alice: Client, bob: Client
) -> None:
    older = alice.deploy(BLOG, tags="a,b")
    sandbox.clock.advance(5)
    newer = alice.deploy(SYSTEM)
    bob.deploy(BLOG)
    assert uuids(alice) == [newer, older]
    item = alice.xml("/run").findall("item")[1].attrib
    assert item["moduleResourceUri"] == f"module/{BLOG}/478"
    assert (item["status"], item["tags"], item["activeVm"]) == ("Initializing", "a,b", "0")


def test_the_list_is_paged(sandbox: Sandbox, alice: Client) -> None:
    ids = sandbox.world.add_runs(7)
    page = {"offset": "5", "limit": "5", "count": "2", "totalCount": "7"}
    assert alice.xml("/run?offset=5&limit=5").attrib == page
    assert alice.xml("/run?cloud=ec2").get("cloud") == "ec2"
    assert uuids(alice, "?offset=5&limit=5") == [ids[1], ids[0]]
    assert uuids(alice, "?offset=9") == []


@pytest.mark.parametrize("flag", ["true", "True", "yes", "on", "1", "YES"])
def test_active_only_leaves_ended_runs_out(sandbox: Sandbox, alice: Client, flag: str) -> None:
    ended, active = alice.deploy(BLOG), alice.deploy(BLOG)
    alice.delete(f"/run/{ended}")
    assert uuids(alice, f"?activeOnly={flag}") == [active]
    for query in ("", "?activeOnly=false"):
        assert set(uuids(alice, query)) == {ended, active}


def test_the_cloud_matches_a_part_of_a_name(alice: Client) -> None:
    uuid, module = alice.deploy(BLOG), f"moduleResourceUri=module/{BLOG}"
    for query, expected in (
        ("cloud=exoscale", [uuid]),
        ("cloud=ec2-eu-west", []),
        (f"{module}/478", [uuid]),
        (f"{module}/412", []),
    ):
        assert uuids(alice, f"?{query}") == expected


def test_privileged_users_see_everyones_and_may_choose(
    alice: Client, bob: Client, root: Client
) -> None:
    mine, theirs = alice.deploy(BLOG), bob.deploy(BLOG)
    assert set(uuids(root)) == {mine, theirs}
    assert uuids(root, "?user=bob") == uuids(root, "?runOwner=bob") == [theirs]
    assert alice.refused("GET", "/run?user=bob")[0] == 403
    assert uuids(alice, "?runOwner=bob") == [mine]
