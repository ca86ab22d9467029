from __future__ import annotations

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

PULL = "edge-geneva swarm"


class TestLogs:
    def test_each_fetch_brings_what_is_new(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        body = {"components": ["web", "db"], "lines": 10}
        answer = alice.post(f"{deployment}/create-log", json=body)
        log = answer.json()["resource-id"]
        assert answer.status_code == 201
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

    def test_an_edge_fetches_its_own(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started(credential=PULL)
        sandbox.clock.advance(60)
        body = {"components": ["web"]}
        log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
        assert alice.read(alice.act(f"{log}/fetch"))["execution-mode"] == "pull"
        sandbox.world.set_edge_online("edge-geneva", online=False)
        sandbox.clock.advance(600)
        assert "log" not in alice.read(log)

    def test_a_log_goes_with_its_deployment(self, sandbox: Sandbox, alice: Client) -> None:
        logs = []
        for _ in range(2):
            path = f"{alice.started()}/create-log"
            response = alice.post(path, json={"components": ["web"]})
            logs.append(response.json()["resource-id"])
        parent = alice.read(logs[0])["parent"]
        assert alice.act(f"{logs[0]}/fetch") != alice.act(f"{logs[1]}/fetch")
        alice.post(f"{parent}/force-delete")
        assert alice.get(logs[0]).status_code == 404
        assert alice.get(logs[1]).status_code == 200
