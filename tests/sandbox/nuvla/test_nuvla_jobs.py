from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox


@pytest.mark.parametrize("seconds", [0, 10])
def test_a_cancelled_start_is_an_error(sandbox: Sandbox, alice: Client, seconds: int) -> None:
    deployment = alice.deployment()
    job = alice.act(f"{deployment}/start")
    sandbox.clock.advance(seconds)
    answer = alice.post(f"{job}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELED")
    sandbox.clock.advance(600)
    assert alice.read(job)["progress"] == 100
    assert alice.state(deployment) == "ERROR"


def test_a_started_deployment_is_refreshed_by_jobs_of_another_kind(alice: Client) -> None:
    deployment = alice.started()
    matches = alice.find("job", f"target-resource/href='{deployment}'", orderby="created:desc")
    assert {item["action"] for item in matches} == {"start_deployment", "deployment_state_10"}


class TestEvents:
    def test_what_was_done_is_written_down(self, alice: Client) -> None:
        deployment = alice.started()
        text = f"content/resource/href='{deployment}'"
        matches = alice.find("event", text, orderby="timestamp:desc")
        assert [item["name"] for item in matches] == ["deployment.start", "deployment.add"]
        assert [item["category"] for item in matches] == ["action", "add"]
        assert all(item["success"] for item in matches)
        assert matches[0]["authn-info"]["user-id"] == alice.world.user_id("alice")

    def test_failures_are_written_down_too(self, alice: Client) -> None:
        deployment = alice.started()
        alice.post(f"{deployment}/start")
        alice.sandbox.clock.advance(1)
        (failed,) = alice.find("event", "success=false")
        assert failed["name"] == "deployment.start"
