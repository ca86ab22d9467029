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
    query = f'content/resource/href="run/{uuid}" and type="state"'
    events = client.json("/api/event", filter=query)["events"]
    return [event["content"]["state"] for event in reversed(events)]


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
    assert running["ip"] == value(alice, uuid, "machine:hostname")
    assert running["instanceID"] == value(alice, uuid, "machine:instanceid")
    assert running["deployment"] == {"href": f"run/{uuid}", "user": {"href": "user/alice"}}
    assert (running["state"], running["billable"]) == ("running", True)
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
    assert value(alice, uuid, "ss:url.service") == f"http://{address}:8080"
    assert len(machines(alice)) == 3
    assert alice.xml("/run")[0].get("activeVm") == "3"


@pytest.mark.parametrize(
    ("module", "seconds", "states"),
    [
        (BLOG, 0, ["Cancelled"]),
        (BLOG, 230, ["Cancelled"]),
        (BLOG, 300, ["Ready", "Finalizing", "Done"]),
        (FAILING, 300, ["Ready", "Finalizing", "Aborted"]),
    ],
)
def test_a_deployment_that_is_terminated_ends_in_a_state(
    sandbox: Sandbox, alice: Client, module: str, seconds: float, states: list[str]
) -> None:
    uuid = alice.deploy(module)
    sandbox.clock.advance(seconds)
    for _ in range(2):
        answer = alice.delete(f"/run/{uuid}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert states_of(alice, uuid)[-len(states) :] == states
    sandbox.clock.advance(1000)
    assert state(alice, uuid) == states[-1]
    assert alice.xml(f"/run/{uuid}").get("endTime")


def test_a_failure_shows_as_an_abort_and_in_the_events(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(FAILING)
    sandbox.clock.advance(300)
    reason = "Failed running 'execute' target on 'machine'"
    assert value(alice, uuid, "ss:abort") == value(alice, uuid, "machine:abort") == reason
    aborted = f"Abort from 'machine', message:{reason}"
    assert states_of(alice, uuid)[-4:] == ["Executing", aborted, "SendingReports", "Ready"]


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
