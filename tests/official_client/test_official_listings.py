"""SlipStream's own client lists deployments, their events and machines."""

from __future__ import annotations

from uuid import UUID

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_LONG = 3600


@pytest.mark.proves("list_deployments")
def test_deployments_are_listed_newest_first_in_pages(alice: Client, sandbox: Sandbox) -> None:
    uuids = [UUID(text) for text in reversed(sandbox.world.add_runs(25))]

    assert [one["id"] for one in alice.list_deployments()] == uuids[:20]
    page = alice.list_deployments(offset=20, limit=3)
    assert [one["id"] for one in page] == uuids[20:23]
    assert {one["status"] for one in page} == {"ready"}
    assert {one["username"] for one in page} == {"alice"}
    # The client looks for these, and the entries of the list have neither.
    assert {(one["last_state_change"], one["scalable"]) for one in page} == {(None, None)}


@pytest.mark.proves("list_deployments")
def test_ended_deployments_are_listed_where_asked_for(alice: Client, sandbox: Sandbox) -> None:
    old, new = sandbox.world.add_runs(2)
    alice.terminate(old)

    assert [str(one["id"]) for one in alice.list_deployments()] == [new]
    every = alice.list_deployments(inactive=True)
    assert [(str(one["id"]), one["status"]) for one in every] == [(new, "ready"), (old, "done")]


@pytest.mark.proves("get_deployment_events")
def test_events_tell_the_story_newest_first(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_WORDPRESS)
    alice.deploy(_WORDPRESS)
    sandbox.clock.advance(_LONG)

    events = alice.get_deployment_events(uuid, types=["state", "alarm"])["resources"]

    assert [one["content"]["state"] for one in events] == [
        "Ready",
        "SendingReports",
        "Executing",
        "Provisioning",
        "Initializing",
    ]
    assert {one["content"]["resource"]["href"] for one in events} == {f"run/{uuid}"}
    every = alice.get_deployment_events(uuid)["resources"]
    assert {one["type"] for one in every} == {"state", "action"}


def test_list_of_machines_is_gone(alice: Client) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.list_virtualmachines()

    assert caught.value.status == 404
