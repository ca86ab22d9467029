from __future__ import annotations

from typing import ClassVar

import pytest

from sandbox.nuvla.client import Client
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

    def test_components_have_to_be_named(self, alice: Client) -> None:
        deployment = alice.started()
        status, message = alice.refused(
            "POST", f"{deployment}/create-log", json={"service": "Service/web"}
        )
        assert status == 400
        assert "components" in message

    def test_a_log_belongs_to_its_session(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        body = {"components": ["web"]}
        log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
        again = Client(sandbox, sandbox.users["alice"])
        assert again.get(log).status_code == 403

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
            made = alice.post(path, json={"components": ["web"]})
            logs.append(made.json()["resource-id"])
        parent = alice.read(logs[0])["parent"]
        assert alice.act(f"{logs[0]}/fetch") != alice.act(f"{logs[1]}/fetch")
        alice.post(f"{parent}/force-delete")
        assert alice.get(logs[0]).status_code == 404
        assert alice.get(logs[1]).status_code == 200


class TestManyAtOnce:
    BULK: ClassVar = {"bulk": "true"}

    def test_a_filter_stops_many(self, sandbox: Sandbox, alice: Client) -> None:
        many = [alice.started() for _ in range(2)]
        sandbox.world.add_deployments(1)
        body = {"filter": "state!='X'"}
        answer = alice.patch("deployment/bulk-stop", json=body, headers=self.BULK)
        job = answer.json()["location"]
        assert answer.json()["message"] == f"starting bulk_stop_deployment with async {job}"
        sandbox.clock.advance(60)
        assert {alice.state(one) for one in many} == {"STOPPED"}
        assert alice.read(job)["state"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("action", "left"), [("bulk-delete", ["STARTED"]), ("bulk-force-delete", [])]
    )
    def test_a_filter_deletes_many(self, alice: Client, action: str, left: list[str]) -> None:
        alice.world.add_deployments(2, state="STOPPED")
        alice.started()
        body = {"filter": "state!='X'"}
        assert alice.patch(f"deployment/{action}", json=body, headers=self.BULK).ok
        found = alice.search("deployment", select="state")["resources"]
        assert [one["state"] for one in found] == left

    def test_tags_are_changed_for_many(self, alice: Client) -> None:
        alice.world.add_deployments(2)
        for action, tags, wanted in (
            ("set-tags", ["a", "b"], ["a", "b"]),
            ("add-tags", ["b", "c"], ["a", "b", "c"]),
            ("remove-tags", ["a"], ["b", "c"]),
        ):
            body = {"filter": "state='STOPPED'", "doc": {"tags": tags}}
            answer = alice.patch(f"deployment/{action}", json=body, headers=self.BULK)
            assert answer.json()["updated"] == 2
            found = alice.search("deployment", select="tags")["resources"]
            assert [one["tags"] for one in found] == [wanted, wanted]

    def test_the_header_and_the_filter_are_insisted_on(
        self, alice: Client, nobody: Client
    ) -> None:
        path = "deployment/bulk-stop"
        refused = alice.refused("PATCH", path, json={"filter": "id!=null"})
        assert refused == (400, "Bulk request should contain bulk http header.")
        refused = alice.refused("PATCH", path, json={}, headers=self.BULK)
        assert refused == (400, "Bulk request should contain a non empty cimi filter.")
        assert nobody.refused("PATCH", path)[0] == 403

    def test_parameters_are_deleted_by_a_filter(self, alice: Client, nobody: Client) -> None:
        deployment = alice.started()
        form = {"filter": f"parent='{deployment}' and name^='web.'"}
        answer = alice.delete("deployment-parameter", data=form, headers=self.BULK)
        assert answer.json()["deleted"] == 4
        alice.added("deployment-parameter", {"parent": deployment, "name": "web.x"})
        assert alice.refused("DELETE", "deployment-parameter", headers=self.BULK)[0] == 400
        assert nobody.delete("deployment-parameter", headers=self.BULK).status_code == 403
