from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Clock, Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
FAILING = "examples/tutorials/failing"


def state(client: Client, uuid: str) -> str:
    return client.text(f"/run/{uuid}/ss:state?ignoreabort=true").text


def value(client: Client, uuid: str, key: str) -> str:
    return client.text(f"/run/{uuid}/{key}?ignoreabort=true").text


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
    query = {"filter": f'deployment/href="run/{uuid}"'}
    assert alice.json("/api/virtual-machine", **query)["count"] == 0
    sandbox.clock.advance(35)
    pending = alice.json("/api/virtual-machine", **query)["virtualMachines"][0]
    assert pending["state"] == "pending"
    assert "ip" not in pending
    sandbox.clock.advance(60)
    running = alice.json("/api/virtual-machine", **query)["virtualMachines"][0]
    assert running["id"] == pending["id"]
    assert running["state"] == "running"
    assert running["ip"].startswith("203.0.113.")
    assert running["ip"] == value(alice, uuid, "machine:hostname")
    assert running["instanceID"] == value(alice, uuid, "machine:instanceid")
    assert running["connector"] == {"href": "connector/exoscale-ch-gva"}
    assert running["credentials"][0]["href"].startswith("credential/")
    assert running["deployment"]["user"] == {"href": "user/alice"}
    assert running["serviceOffer"]["href"].startswith("service-offer/")
    assert (running["currency"], running["billable"]) == ("EUR", True)
    assert value(alice, uuid, "machine:vmstate") == "running"
    alice.delete(f"/run/{uuid}")
    assert alice.json("/api/virtual-machine", **query)["count"] == 0
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
    machines = alice.json("/api/virtual-machine")["virtualMachines"]
    assert len(machines) == 3
    item = alice.xml("/run").find("item")
    assert item is not None
    assert item.get("activeVm") == "3"


@pytest.mark.parametrize("moment", [0, 50, 150, 230])
def test_a_deployment_stopped_before_it_is_up_is_cancelled(
    sandbox: Sandbox, alice: Client, moment: float
) -> None:
    uuid = alice.deploy(BLOG)
    sandbox.clock.advance(moment)
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
    ("keep", "fails", "end"),
    [
        ("always", False, "Ready"),
        ("on-success", False, "Ready"),
        ("on-error", False, "Done"),
        ("never", False, "Done"),
        ("always", True, "Ready"),
        ("on-success", True, "Aborted"),
        ("on-error", True, "Ready"),
        ("never", True, "Aborted"),
    ],
)
def test_an_application_is_kept_as_it_was_asked(
    sandbox: Sandbox, alice: Client, keep: str, fails: bool, end: str
) -> None:
    uuid = alice.deploy(SYSTEM, **{"keep-running": keep})
    sandbox.clock.advance(150)
    if fails:
        sandbox.world.abort_run(uuid, "broken")
    sandbox.clock.advance(300)
    assert state(alice, uuid) == end


@pytest.mark.parametrize("module", [BLOG, SYSTEM])
def test_components_and_scalable_applications_are_always_kept(
    sandbox: Sandbox, alice: Client, module: str
) -> None:
    uuid = alice.deploy(module, **{"keep-running": "never", "mutable": "true"})
    sandbox.clock.advance(1000)
    assert state(alice, uuid) == "Ready"


def test_a_machine_from_elsewhere_can_be_arranged(sandbox: Sandbox, alice: Client) -> None:
    sandbox.world.add_machine(cloud="ec2-eu-west", state="stopped")
    machine = alice.json("/api/virtual-machine")["virtualMachines"][0]
    assert machine["state"] == "stopped"
    assert "deployment" not in machine


def test_a_held_run_can_be_released(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    sandbox.world.hold_run(uuid)
    sandbox.clock.advance(600)
    assert state(alice, uuid) == "Initializing"
    sandbox.world.release_run(uuid)
    assert state(alice, uuid) == "Initializing"
    sandbox.clock.advance(11)
    assert state(alice, uuid) == "Provisioning"


def test_terminating_before_a_machine_exists_leaves_one_behind(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.world.refuses_early_termination = True
    uuid = alice.deploy(BLOG)
    refusal = (409, "There are no instances to terminate.")
    assert alice.refused("DELETE", f"/run/{uuid}") == refusal
    assert state(alice, uuid) == "Cancelled"
    assert alice.json("/api/virtual-machine")["count"] == 0
    sandbox.clock.advance(60)
    assert alice.json("/api/virtual-machine")["count"] == 1
    assert value(alice, uuid, "machine:instanceid")
    assert alice.delete(f"/run/{uuid}").status_code == 204
    assert alice.json("/api/virtual-machine")["count"] == 0
    sandbox.clock.advance(600)
    assert alice.json("/api/virtual-machine")["count"] == 0


def test_early_termination_is_refused_while_the_clock_runs() -> None:
    with Sandbox(clock=Clock(speed=0.001)) as sandbox:
        alice = Client(sandbox, sandbox.users["alice"])
        assert alice.delete(f"/run/{alice.deploy(BLOG)}").status_code == 409
