from __future__ import annotations

from typing import Any

import pytest

from sandbox.client import Client
from slipstream.sandbox import Clock, Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
FAILING = "examples/tutorials/failing"


def value(client: Client, uuid: str, key: str) -> str:
    return client.text(f"/run/{uuid}/{key}?ignoreabort=true").text


def state(client: Client, uuid: str) -> str:
    return value(client, uuid, "ss:state")


def machines(client: Client) -> list[dict[str, Any]]:
    return list(client.json("/api/virtual-machine")["virtualMachines"])


def states_of(client: Client, uuid: str) -> list[str]:
    """The states of a deployment by its events, oldest first."""
    found = client.json(
        "/api/event", filter=f'content/resource/href="run/{uuid}" and type="state"'
    )
    return [one["content"]["state"] for one in reversed(found["events"])]


def test_a_deployment_walks_from_state_to_state(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    seen = []
    for seconds in (0, 10, 90, 120, 20, 100_00):
        sandbox.clock.advance(seconds)
        seen.append(state(alice, uuid))
    expected = ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"]
    assert seen == [*expected, "Ready"]
    assert states_of(alice, uuid) == expected


def test_a_machine_appears_boots_and_vanishes(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    assert machines(alice) == []
    sandbox.clock.advance(35)
    (pending,) = machines(alice)
    assert pending["state"] == "pending"
    assert "ip" not in pending
    sandbox.clock.advance(60)
    (running,) = machines(alice)
    assert running["id"] == pending["id"]
    assert running["ip"].startswith("203.0.113.")
    assert running["credentials"][0]["href"].startswith("credential/")
    assert running["serviceOffer"]["href"].startswith("service-offer/")
    assert (
        running
        | {
            "state": "running",
            "ip": value(alice, uuid, "machine:hostname"),
            "instanceID": value(alice, uuid, "machine:instanceid"),
            "connector": {"href": "connector/exoscale-ch-gva"},
            "deployment": {"href": f"run/{uuid}", "user": {"href": "user/alice"}},
            "currency": "EUR",
            "billable": True,
        }
        == running
    )
    assert value(alice, uuid, "machine:vmstate") == "running"
    alice.delete(f"/run/{uuid}")
    assert machines(alice) == []
    assert value(alice, uuid, "machine:vmstate") == "Unknown"


def test_the_blog_answers_with_its_title_while_it_is_up(
    sandbox: Sandbox, alice: Client, nobody: Client
) -> None:
    title = "Fish & <Chips>"
    uuid = alice.deploy(BLOG, **{"parameter--wordpress_title": title})
    path = f"/sites/{uuid}/"
    assert nobody.get(path).status_code == 503
    sandbox.clock.advance(300)
    assert value(alice, uuid, "ss:url.service") == f"{sandbox.url}{path}"
    page = nobody.get(path)
    assert page.status_code == 200
    assert "<h1>Fish &amp; &lt;Chips&gt;</h1>" in page.text
    assert len(value(alice, uuid, "machine:admin_password")) == 34
    alice.delete(f"/run/{uuid}")
    assert nobody.get(path).status_code == 404
    assert nobody.get("/sites/unknown/").status_code == 404


def test_an_application_passes_values_between_its_nodes(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(SYSTEM)
    sandbox.clock.advance(300)
    address = value(alice, uuid, "apache.1:hostname")
    assert value(alice, uuid, "testclient.1:webserver.hostname") == address
    assert value(alice, uuid, "testclient.1:webserver.ready") == "true"
    assert value(alice, uuid, "ss:url.service") == f"http://{address}:8080"
    assert len(machines(alice)) == 3
    assert alice.xml("/run")[0].get("activeVm") == "3"


@pytest.mark.parametrize("seconds", [0, 50, 150, 230])
def test_a_deployment_stopped_before_it_is_up_is_cancelled(
    sandbox: Sandbox, alice: Client, seconds: float
) -> None:
    uuid = alice.deploy(BLOG)
    sandbox.clock.advance(seconds)
    answer = alice.delete(f"/run/{uuid}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert state(alice, uuid) == "Cancelled"
    sandbox.clock.advance(1000)
    assert state(alice, uuid) == "Cancelled"
    assert alice.xml(f"/run/{uuid}").get("endTime")


def test_a_deployment_that_is_up_is_finalised_and_done(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    sandbox.clock.advance(300)
    alice.delete(f"/run/{uuid}")
    assert state(alice, uuid) == "Done"
    assert states_of(alice, uuid)[-3:] == ["Ready", "Finalizing", "Done"]
    assert alice.delete(f"/run/{uuid}").status_code == 204
    assert state(alice, uuid) == "Done"


def test_a_failure_shows_as_an_abort_and_ends_in_ready(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(FAILING)
    sandbox.clock.advance(300)
    assert state(alice, uuid) == "Ready"
    reason = "Failed running 'execute' target on 'machine'"
    assert value(alice, uuid, "ss:abort") == value(alice, uuid, "machine:abort") == reason
    found = states_of(alice, uuid)
    aborted = f"Abort from 'machine', message:{reason}"
    assert found.index(aborted) == found.index("Executing") + 1
    assert found[-2:] == ["SendingReports", "Ready"]
    alice.delete(f"/run/{uuid}")
    assert state(alice, uuid) == "Aborted"


@pytest.mark.parametrize(
    ("keep", "ends"),
    [
        ("always", ["Ready", "Ready"]),
        ("on-success", ["Ready", "Aborted"]),
        ("on-error", ["Done", "Ready"]),
        ("never", ["Done", "Aborted"]),
    ],
)
def test_keep_running_decides_how_an_application_ends(
    sandbox: Sandbox, alice: Client, keep: str, ends: list[str]
) -> None:
    uuids = [alice.deploy(SYSTEM, **{"keep-running": keep}) for _ in range(2)]
    sandbox.clock.advance(150)
    sandbox.world.abort_run(uuids[1], "broken")
    sandbox.clock.advance(300)
    assert [state(alice, uuid) for uuid in uuids] == ends


@pytest.mark.parametrize("module", [BLOG, SYSTEM])
def test_components_and_scalable_applications_keep_running(
    sandbox: Sandbox, alice: Client, module: str
) -> None:
    uuid = alice.deploy(module, **{"keep-running": "never", "mutable": "true"})
    sandbox.clock.advance(1000)
    assert state(alice, uuid) == "Ready"


def test_a_held_run_stays_in_its_state(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    sandbox.world.hold_run(uuid)
    sandbox.clock.advance(600)
    assert state(alice, uuid) == "Initializing"


def test_terminating_before_a_machine_exists_leaves_one_behind(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.world.refuses_early_termination = True
    uuid = alice.deploy(BLOG)
    refusal = (409, "There are no instances to terminate.")
    assert alice.refused("DELETE", f"/run/{uuid}") == refusal
    assert state(alice, uuid) == "Cancelled"
    assert machines(alice) == []
    sandbox.clock.advance(60)
    assert len(machines(alice)) == 1
    assert value(alice, uuid, "machine:instanceid")
    assert alice.delete(f"/run/{uuid}").status_code == 204
    assert machines(alice) == []
    sandbox.clock.advance(600)
    assert machines(alice) == []


def test_early_termination_is_refused_while_the_clock_runs() -> None:
    with Sandbox(clock=Clock(speed=0.001)) as sandbox:
        alice = Client(sandbox, sandbox.users["alice"])
        assert alice.delete(f"/run/{alice.deploy(BLOG)}").status_code == 409
