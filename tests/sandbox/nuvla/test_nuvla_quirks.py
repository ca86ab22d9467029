"""What the real server does and no source leads to expect."""

from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox


def test_a_search_lags_behind_an_edit_and_a_read_does_not(sandbox: Sandbox, alice: Client) -> None:
    deployment = alice.started("apps/trials/failing")
    (job,) = sandbox.world.store.collection("job")
    own = f"id='{job['id']}'"
    sandbox.clock.advance(60)
    assert alice.find("job", own)[0]["state"] == "FAILED"
    hostname = alice.find("deployment-parameter", f"parent='{deployment}'")[0]
    alice.edit(hostname["id"], {"value": "elsewhere"})
    same = f"id='{hostname['id']}'"
    assert alice.read(hostname["id"])["value"] == "elsewhere"
    assert alice.find("deployment-parameter", same)[0]["value"] == hostname["value"]
    sandbox.clock.advance(1)
    assert alice.find("deployment-parameter", same)[0]["value"] == "elsewhere"


def test_the_reason_of_a_failure_is_in_the_job_before_a_search_finds_it(
    sandbox: Sandbox, alice: Client
) -> None:
    deployment = alice.deployment("apps/trials/failing")
    job = alice.act(f"{deployment}/start")
    # The job ends after 40 seconds; the search knows it as it was.
    sandbox.clock.advance(40)
    assert alice.state(deployment) == "ERROR"
    assert "manifest" in alice.read(job)["status-message"]
    (match,) = alice.find("job", f"id='{job}'")
    assert "status-message" not in match
    sandbox.clock.advance(1)
    assert "manifest" in alice.find("job", f"id='{job}'")[0]["status-message"]


class TestAnotherCredential:
    @pytest.fixture
    def lost(self, sandbox: Sandbox, alice: Client) -> str:
        """Start a deployment, then delete its credential."""
        (service,) = alice.find("infrastructure-service", "name='swarm-lausanne'")
        key = sandbox.world.add_credential(service["id"], name="short-lived")
        deployment = alice.started(credential="short-lived")
        assert alice.delete(key["id"]).ok
        return deployment

    @pytest.mark.parametrize("action", ["stop", "update"])
    def test_a_deployment_that_lost_its_own_cannot_be_changed(
        self, alice: Client, lost: str, action: str
    ) -> None:
        answer = alice.post(f"{lost}/{action}")
        assert (answer.status_code, answer.json()["message"]) == (403, "credentials required")
        assert "resource-id" not in answer.json()
        assert alice.state(lost) == "STARTED"
        assert alice.put(lost, json={"name": "x"}).status_code == 404

    def test_another_one_makes_it_stop(self, sandbox: Sandbox, alice: Client, lost: str) -> None:
        alice.edit(lost, {"parent": alice.credential()})
        alice.act(f"{lost}/stop", delete=True)
        sandbox.clock.advance(60)
        assert alice.get(lost).status_code == 404

    def test_it_can_be_deleted_by_force(self, alice: Client, lost: str) -> None:
        assert alice.post(f"{lost}/force-delete").ok
