"""Deployments from their creation to their end, where the recordings do not show it."""

from __future__ import annotations

import json

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

BLOG, FAILING = "apps/WordPress/wordpress", "apps/trials/failing"
SWARM, PULL, MIXED = "swarm-lausanne admin", "edge-geneva swarm", "edge-basel swarm"
Step = tuple[int, str, str, int, str]


@pytest.mark.parametrize(
    ("path", "credential", "steps"),
    [
        pytest.param(
            BLOG,
            SWARM,
            [
                (0, "STARTING", "QUEUED", 0, "push"),
                (10, "STARTING", "RUNNING", 10, "push"),
                (10, "STARTING", "RUNNING", 50, "push"),
                (10, "STARTING", "RUNNING", 50, "push"),
                (10, "STARTED", "SUCCESS", 100, "push"),
            ],
            id="push",
        ),
        pytest.param(
            BLOG,
            PULL,
            [(50, "PENDING", "RUNNING", 50, "pull"), (10, "STARTED", "SUCCESS", 100, "pull")],
            id="pull",
        ),
        pytest.param(
            BLOG,
            MIXED,
            [
                (10, "STARTING", "RUNNING", 10, "mixed"),
                (20, "STARTING", "QUEUED", 0, "pull"),
                (60, "STARTED", "SUCCESS", 100, "pull"),
            ],
            id="mixed",
        ),
        pytest.param(
            FAILING,
            MIXED,
            [(30, "STARTING", "QUEUED", 0, "pull"), (100, "ERROR", "FAILED", 100, "pull")],
            id="mixed-failing",
        ),
    ],
)
def test_start_takes_a_minute_and_its_job_tells_the_progress(
    sandbox: Sandbox, alice: Client, path: str, credential: str, steps: list[Step]
) -> None:
    deployment = alice.deployment(path, credential)
    job = alice.act(f"{deployment}/start")
    seconds = 0
    for step in steps:
        sandbox.clock.advance(step[0])
        seconds += step[0]
        document = alice.read(job)
        fields = (document["state"], document["progress"], document["execution-mode"])
        assert (step[0], alice.state(deployment), *fields) == step, seconds


def test_start_on_an_edge_that_is_offline_is_pending(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.deployment(credential="edge-zurich swarm")
    job = alice.act(f"{deployment}/start")
    sandbox.clock.advance(24 * 3600)
    assert (alice.state(deployment), alice.read(job)["state"]) == ("PENDING", "QUEUED")
    sandbox.world.set_edge_online("edge-zurich", online=True)
    sandbox.clock.advance(120)
    assert alice.state(deployment) == "STARTED"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (FAILING, "RuntimeError: Error response from daemon: manifest for"),
        ("apps/trials/component", "ValueError: Unsupported deployment subtype"),
    ],
)
def test_start_that_fails_has_its_reason_in_the_job(alice: Client, path: str, words: str) -> None:
    deployment = alice.started(path)
    assert alice.state(deployment) == "ERROR"
    (job,) = alice.find("job", f"target-resource/href='{deployment}'")
    assert (job["state"], job["progress"], job["return-code"]) == ("FAILED", 100, 1)
    first, *_, last = job["status-message"].splitlines()
    assert first.endswith("-Traceback (most recent call last):")
    assert last.startswith(words)
    assert alice.find("job", "status-message!=null") == []


@pytest.mark.parametrize("seconds", [0, 10])
def test_start_that_is_cancelled_is_an_error(
    sandbox: Sandbox, alice: Client, seconds: int
) -> None:
    deployment = alice.deployment()
    job = alice.act(f"{deployment}/start")
    sandbox.clock.advance(seconds)
    answer = alice.post(f"{job}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELED")
    sandbox.clock.advance(600)
    assert (alice.read(job)["progress"], alice.state(deployment)) == (100, "ERROR")


def test_start_gives_way_to_a_stop_and_may_follow_it_without_the_old_parameters(
    sandbox: Sandbox, alice: Client
) -> None:
    deployment = alice.deployment()
    start = alice.act(f"{deployment}/start")
    alice.act(f"{deployment}/stop")
    assert alice.read(start)["state"] == "CANCELED"
    sandbox.clock.advance(300)
    assert alice.state(deployment) == "STOPPED"
    alice.act(f"{deployment}/start")
    assert alice.parameters(deployment) == {}
    sandbox.clock.advance(60)
    assert alice.state(deployment) == "STARTED"


def test_stop_that_deletes_leaves_parameters_behind(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.started()
    key = alice.read(deployment)["api-credentials"]["api-key"]
    job = alice.act(f"{deployment}/stop", delete=True, **{"remove-volumes": True})
    payload = json.loads(alice.read(job)["payload"])
    assert payload == {"delete": True, "remove-volumes": True}
    sandbox.clock.advance(60)
    assert alice.refused("GET", deployment) == (404, f"{deployment} not found")
    assert key not in sandbox.world.store
    assert alice.parameters(deployment)["hostname"]


def test_job_of_a_deployment_that_is_gone_fails(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.deployment()
    job = alice.act(f"{deployment}/start")
    alice.post(f"{deployment}/force-delete")
    sandbox.clock.advance(60)
    assert alice.read(job)["state"] == "FAILED"


def test_started_deployment_is_refreshed_by_jobs_of_another_kind(alice: Client) -> None:
    deployment = alice.started()
    jobs = alice.find("job", f"target-resource/href='{deployment}'", orderby="created:desc")
    assert {item["action"] for item in jobs} == {"start_deployment", "deployment_state_10"}


def test_another_credential_moves_a_deployment_to_an_edge(alice: Client) -> None:
    deployment = alice.deployment()
    document = alice.edit(deployment, {"parent": alice.credential(PULL)})
    assert document["nuvlabox-name"] == "edge-geneva"
    assert document["execution-mode"] == "pull"
    assert document["nuvlabox"] in document["acl"]["edit-data"]


@pytest.fixture
def lost(sandbox: Sandbox, alice: Client) -> str:
    """Start a deployment, then delete its credential."""
    (service,) = alice.find("infrastructure-service", "name='swarm-lausanne'")
    key = sandbox.world.add_credential(service["id"], name="short-lived")
    deployment = alice.started(credential="short-lived")
    assert alice.delete(key["id"]).ok
    return deployment


def test_deployment_that_lost_its_credential_stops_with_another_one(
    sandbox: Sandbox, alice: Client, lost: str
) -> None:
    for action in ("stop", "update"):
        assert alice.refused("POST", f"{lost}/{action}") == (403, "credentials required")
    assert alice.put(lost, json={"name": "x"}).status_code == 404
    assert alice.state(lost) == "STARTED"
    alice.edit(lost, {"parent": alice.credential()})
    alice.act(f"{lost}/stop", delete=True)
    sandbox.clock.advance(60)
    assert alice.get(lost).status_code == 404


def test_deployment_that_lost_its_credential_can_be_deleted_by_force(
    alice: Client, lost: str
) -> None:
    assert alice.post(f"{lost}/force-delete").ok


def test_events_of_a_deployment_are_its_actions(alice: Client) -> None:
    deployment = alice.started()
    alice.post(f"{deployment}/start")
    alice.sandbox.clock.advance(1)
    text = f"content/resource/href='{deployment}'"
    events = alice.find("event", text, orderby="timestamp:desc")
    assert [(item["name"], item["category"], item["success"]) for item in events] == [
        ("deployment.start", "action", False),
        ("deployment.start", "action", True),
        ("deployment.add", "add", True),
    ]
    assert events[0]["authn-info"]["user-id"] == alice.world.user_id("alice")


def test_log_has_at_each_fetch_what_is_new(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.started()
    body = {"components": ["web", "db"], "lines": 10}
    log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
    job = alice.act(f"{log}/fetch")
    assert alice.act(f"{log}/fetch") == job
    sandbox.clock.advance(60)
    first = alice.read(log)
    assert set(first["log"]) == {"web", "db"}
    alice.act(f"{log}/fetch")
    sandbox.clock.advance(60)
    second = alice.read(log)
    assert second["log"]["web"][0] > first["log"]["web"][0]
    assert second["last-timestamp"] > first["last-timestamp"]


def test_log_of_an_edge_is_fetched_by_the_edge(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.started(credential=PULL)
    sandbox.clock.advance(60)
    body = {"components": ["web"]}
    log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
    assert alice.read(alice.act(f"{log}/fetch"))["execution-mode"] == "pull"
    sandbox.world.set_edge_online("edge-geneva", online=False)
    sandbox.clock.advance(600)
    assert "log" not in alice.read(log)


def test_log_goes_with_its_deployment(alice: Client) -> None:
    parents = [alice.started() for _ in range(2)]
    logs = [
        alice.post(f"{parent}/create-log", json={"components": ["web"]}).json()["resource-id"]
        for parent in parents
    ]
    assert alice.act(f"{logs[0]}/fetch") != alice.act(f"{logs[1]}/fetch")
    alice.post(f"{parents[0]}/force-delete")
    assert [alice.get(log).status_code for log in logs] == [404, 200]
