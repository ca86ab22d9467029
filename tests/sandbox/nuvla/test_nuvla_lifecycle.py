from __future__ import annotations

import json

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

PULL = "edge-geneva swarm"
OFFLINE = "edge-zurich swarm"
MIXED = "edge-basel swarm"


class TestStarting:
    def test_pushed_it_starts_within_a_minute(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        answer = alice.post(f"{deployment}/start")
        job = answer.json()["location"]
        assert answer.json() == {
            "status": 202,
            "message": f"start_deployment {deployment} with async {job}",
            "resource-id": deployment,
            "location": job,
        }
        seen = []
        for _ in range(5):
            document = alice.read(job)
            seen.append((alice.state(deployment), document["state"], document["progress"]))
            sandbox.clock.advance(10)
        assert seen == [
            ("STARTING", "QUEUED", 0),
            ("STARTING", "RUNNING", 10),
            ("STARTING", "RUNNING", 50),
            ("STARTING", "RUNNING", 50),
            ("STARTED", "SUCCESS", 100),
        ]
        done = alice.read(job)
        assert (done["return-code"], done["duration"]) == (0, 35)
        assert alice.read(deployment)["api-credentials"]["api-secret"]

    def test_pulled_it_is_pending_until_it_is_started(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=PULL)
        alice.act(f"{deployment}/start")
        states = []
        for _ in range(7):
            states.append(alice.state(deployment))
            sandbox.clock.advance(10)
        assert set(states[:6]) == {"PENDING"}
        assert states[6] == "STARTED"

    def test_an_edge_that_is_offline_keeps_it_pending(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=OFFLINE)
        job = alice.act(f"{deployment}/start")
        sandbox.clock.advance(24 * 3600)
        assert (alice.state(deployment), alice.read(job)["state"]) == ("PENDING", "QUEUED")
        sandbox.world.set_edge_online("edge-zurich", online=True)
        sandbox.clock.advance(120)
        assert alice.state(deployment) == "STARTED"

    def test_mixed_the_first_failure_is_not_the_last_word(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=MIXED)
        job = alice.act(f"{deployment}/start")
        assert alice.read(job)["execution-mode"] == "mixed"
        sandbox.clock.advance(10)
        assert alice.read(job)["state"] == "RUNNING"
        sandbox.clock.advance(20)
        document = alice.read(job)
        assert (document["state"], document["execution-mode"]) == ("QUEUED", "pull")
        assert document["status-message"].startswith(
            "Re-running job in pull mode after failed first attempt"
        )
        assert alice.state(deployment) == "STARTING"
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_mixed_the_second_failure_is(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment("apps/trials/failing", MIXED)
        job = alice.act(f"{deployment}/start")
        sandbox.clock.advance(30)
        assert alice.read(job)["state"] == "QUEUED"
        sandbox.clock.advance(100)
        assert (alice.read(job)["state"], alice.state(deployment)) == ("FAILED", "ERROR")

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("apps/trials/failing", "RuntimeError: Error response from daemon: manifest for"),
            ("apps/trials/component", "ValueError: Unsupported deployment subtype"),
        ],
    )
    def test_a_failure_is_told_by_the_job(self, alice: Client, path: str, words: str) -> None:
        deployment = alice.started(path)
        assert alice.state(deployment) == "ERROR"
        (job,) = alice.find("job", f"target-resource/href='{deployment}'")
        assert (job["state"], job["progress"], job["return-code"]) == ("FAILED", 100, 1)
        message = job["status-message"]
        assert message.splitlines()[0].endswith("-Traceback (most recent call last):")
        assert message.splitlines()[-1].startswith(words)
        assert alice.find("job", "status-message!=null") == []


class TestEnding:
    def test_a_stop_that_deletes_leaves_parameters_behind(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.started()
        key = alice.read(deployment)["api-credentials"]["api-key"]
        job = alice.act(f"{deployment}/stop", delete=True, **{"remove-volumes": True})
        payload = json.loads(alice.read(job)["payload"])
        assert payload == {"delete": True, "remove-volumes": True}
        assert alice.state(deployment) == "STOPPING"
        sandbox.clock.advance(60)
        assert alice.refused("GET", deployment) == (404, f"{deployment} not found")
        assert key not in sandbox.world.store
        assert alice.parameters(deployment)["hostname"]

    def test_stopped_it_can_be_started_anew_without_its_parameters(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.started()
        alice.act(f"{deployment}/stop")
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STOPPED"
        assert alice.parameters(deployment)
        alice.act(f"{deployment}/start")
        assert alice.parameters(deployment) == {}
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_a_start_under_way_gives_way_to_a_stop(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        start = alice.act(f"{deployment}/start")
        alice.act(f"{deployment}/stop")
        assert alice.read(start)["state"] == "CANCELED"
        sandbox.clock.advance(300)
        assert alice.state(deployment) == "STOPPED"

    def test_an_unfinished_job_of_what_is_gone_fails(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment()
        job = alice.act(f"{deployment}/start")
        alice.post(f"{deployment}/force-delete")
        sandbox.clock.advance(60)
        assert alice.read(job)["state"] == "FAILED"
