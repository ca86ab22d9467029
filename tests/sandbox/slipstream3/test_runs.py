from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"


def uuids(client: Client, query: str = "") -> list[str | None]:
    return [one.get("uuid") for one in client.xml(f"/run{query}").findall("item")]


def test_the_list_shows_ones_own_runs_newest_first(
    sandbox: Sandbox, alice: Client, bob: Client
) -> None:
    older = alice.deploy(BLOG, tags="a,b")
    sandbox.clock.advance(5)
    newer = alice.deploy(SYSTEM)
    bob.deploy(BLOG)
    assert uuids(alice) == [newer, older]
    items = {one.get("uuid"): one for one in alice.xml("/run").findall("item")}
    assert items[older].attrib == {
        "resourceUri": f"run/{older}",
        "uuid": older,
        "moduleResourceUri": f"module/{BLOG}/478",
        "status": "Initializing",
        "abort": "",
        "startTime": items[older].attrib["startTime"],
        "cloudServiceNames": "exoscale-ch-gva",
        "username": "alice",
        "type": "Run",
        "tags": "a,b",
        "serviceUrl": "",
        "activeVm": "0",
    }


def test_the_list_is_paged(sandbox: Sandbox, alice: Client) -> None:
    every = sandbox.world.add_runs(7)
    root = alice.xml("/run?offset=5&limit=5")
    assert root.attrib == {
        "offset": "5",
        "limit": "5",
        "count": "2",
        "totalCount": "7",
    }
    assert alice.xml("/run?cloud=ec2").get("cloud") == "ec2"
    assert uuids(alice, "?offset=5&limit=5") == [every[1], every[0]]
    assert uuids(alice, "?offset=9") == []


@pytest.mark.parametrize("query", ["limit=501", "limit=0", "limit=-1"])
def test_a_page_beyond_the_limits_is_refused(alice: Client, query: str) -> None:
    assert alice.refused("GET", f"/run?{query}") == (
        400,
        "The value for the limit attribute should be between 1 and 500",
    )


def test_a_negative_offset_is_refused(alice: Client) -> None:
    assert alice.refused("GET", "/run?offset=-1")[0] == 400


@pytest.mark.parametrize("flag", ["true", "True", "yes", "on", "1", "YES"])
def test_ended_runs_are_left_out_when_asked(sandbox: Sandbox, alice: Client, flag: str) -> None:
    ended, active = alice.deploy(BLOG), alice.deploy(BLOG)
    alice.delete(f"/run/{ended}")
    assert uuids(alice, f"?activeOnly={flag}") == [active]
    assert set(uuids(alice, "?activeOnly=false")) == {ended, active}
    assert set(uuids(alice)) == {ended, active}


def test_the_cloud_matches_a_part_of_a_name(alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    assert uuids(alice, "?cloud=exoscale") == [uuid]
    assert uuids(alice, "?cloud=ec2-eu-west") == []
    assert uuids(alice, f"?moduleResourceUri=module/{BLOG}/478") == [uuid]
    assert uuids(alice, f"?moduleResourceUri=module/{BLOG}/412") == []


def test_privileged_users_see_everyones_and_may_choose(
    alice: Client, bob: Client, root: Client
) -> None:
    mine, theirs = alice.deploy(BLOG), bob.deploy(BLOG)
    assert set(uuids(root)) == {mine, theirs}
    assert uuids(root, "?user=bob") == uuids(root, "?runOwner=bob") == [theirs]
    assert alice.refused("GET", "/run?user=bob")[0] == 403
    assert uuids(alice, "?runOwner=bob") == [mine]


def test_the_json_of_a_list_changes_shape(alice: Client) -> None:
    def items() -> object:
        runs = alice.get("/run?media=json").json()["runs"]
        return type(runs.get("item"))

    assert items() is type(None)
    alice.deploy(BLOG)
    assert items() is dict
    alice.deploy(BLOG)
    assert items() is list


def test_one_run_is_shown_to_its_owner_and_the_privileged(
    alice: Client, bob: Client, root: Client
) -> None:
    uuid = alice.deploy(BLOG)
    shown = alice.xml(f"/run/{uuid}")
    assert shown.get("user") == "alice"
    assert shown.get("state") == "Initializing"
    assert shown.get("mutable") == "false"
    assert not {"serviceUrl", "abort", "tags", "status", "username"} & set(shown.attrib)
    module = shown.find("module")
    assert module is not None
    assert module.get("class") == "com.sixsq.slipstream.persistence.ImageModule"
    assert module.get("resourceUri") == f"module/{BLOG}/478"
    assert module.get("name") == BLOG
    names = [one.text for one in shown.findall("cloudServiceNamesList/string")]
    assert names == ["exoscale-ch-gva"]
    assert root.xml(f"/run/{uuid}").get("uuid") == uuid
    assert bob.refused("GET", f"/run/{uuid}")[0] == 403
    assert bob.refused("DELETE", f"/run/{uuid}")[0] == 403
    assert alice.refused("GET", "/run/no-such")[0] == 404
    assert alice.refused("DELETE", "/run/no-such")[0] == 404


def test_a_run_has_no_declaration_and_keys_in_cdata(alice: Client) -> None:
    text = alice.get(f"/run/{alice.deploy(BLOG)}").text
    assert text.startswith("<run category=")
    assert "<string><![CDATA[ss:state]]></string>" in text
    assert '<runtimeParameters class="' in text


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("limit=x", 400, "Invalid format for the limit attribute"),
        ("offset=2.5", 400, "Invalid format for the offset attribute"),
        ("offset=-1", 400, "The value for the offset attribute should be positive"),
        ("user=bob", 403, "You don't have the permission to use the query parameter 'user'"),
    ],
)
def test_query_is_refused(alice: Client, query: str, status: int, detail: str) -> None:
    assert alice.refused("GET", f"/run?{query}") == (status, detail)
