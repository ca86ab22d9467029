"""SlipStream's own client deploys, lists, waits and terminates."""

from __future__ import annotations

from uuid import UUID

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"
_STATES = ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"]
_LONG = 3600


def test_component_from_deployment_to_termination(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_WORDPRESS, "exoscale-ch-gva", {"wordpress_title": "Tea & <cakes>"})
    assert isinstance(uuid, UUID)
    begun = alice.get_deployment(uuid)
    assert (begun["id"], begun["module"]) == (uuid, f"{_WORDPRESS}/478")
    assert (begun["username"], begun["clouds"]) == ("alice", ["exoscale-ch-gva"])
    assert not begun["service_url"]

    statuses = []
    while (status := alice.get_deployment(uuid)["status"]) != "ready":
        statuses.append(status)
        sandbox.clock.advance(10)
    assert list(dict.fromkeys(statuses)) == [state.lower() for state in _STATES[:-1]]
    ready = alice.get_deployment(uuid)
    assert ready["service_url"].startswith(sandbox.url)
    assert ready["last_state_change"] != begun["last_state_change"]
    title = alice.get_deployment_parameter(uuid, "machine:wordpress_title")
    assert title == b"Tea & <cakes>"
    events = alice.get_deployment_events(uuid, types=["state", "alarm"])["resources"]
    assert [item["content"]["state"] for item in events] == _STATES[::-1]

    assert alice.terminate(uuid) is True
    assert alice.get_deployment(uuid)["status"] == "done"


def test_application_is_spread_over_clouds(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(
        _SYSTEM,
        {"apache": "exoscale-ch-gva", "testclient": "ec2-eu-west"},
        {"apache": {"port": "9090"}},
        multiplicity={"testclient": 2},
        tolerate_failures={"testclient": "1"},
        keep_running="always",
        tags="demo",
    )
    sandbox.clock.advance(_LONG)
    deployment = alice.get_deployment(uuid)
    assert (deployment["status"], deployment["scalable"]) == ("ready", "false")
    assert set(deployment["clouds"]) == {"exoscale-ch-gva", "ec2-eu-west"}
    for key, value in (
        ("testclient:ids", b"1,2"),
        ("testclient:multiplicity", b"2"),
        ("testclient.2:webserver.port", b"9090"),
    ):
        assert alice.get_deployment_parameter(uuid, key) == value
    listed = alice.list_deployments()
    assert [(item["id"], item["module"]) for item in listed] == [(uuid, f"{_SYSTEM}/540")]


def test_failure_raises_the_abort_flag(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy("examples/tutorials/failing")
    sandbox.clock.advance(_LONG)
    failed = alice.get_deployment(uuid)
    assert failed["status"] == "ready"
    assert failed["abort"].startswith("Failed running 'execute' target on 'machine'")
    with pytest.raises(ClientFailure) as caught:
        alice.get_deployment_parameter(uuid, "ss:state")
    assert caught.value.status == 409
    assert alice.get_deployment_parameter(uuid, "ss:state", ignore_abort=True) == b"Ready"


def test_deployments_are_listed_newest_first_in_pages(alice: Client, sandbox: Sandbox) -> None:
    uuids = [UUID(text) for text in reversed(sandbox.world.add_runs(25))]
    assert [item["id"] for item in alice.list_deployments()] == uuids[:20]
    page = alice.list_deployments(offset=20, limit=3)
    assert [item["id"] for item in page] == uuids[20:23]
    alice.terminate(uuids[0])
    assert alice.list_deployments(limit=1)[0]["id"] == uuids[1]
    [ended] = alice.list_deployments(limit=1, inactive=True)
    assert (ended["id"], ended["status"]) == (uuids[0], "done")
