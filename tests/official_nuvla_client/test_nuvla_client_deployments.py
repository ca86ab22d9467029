"""Nuvla's own client deploys, starts, stops, deletes, and reads a deployment's documents."""

from __future__ import annotations

from datetime import datetime

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_LONG = 300


def test_deployment_from_creation_to_deletion(
    alice: Client, sandbox: Sandbox, wordpress: str, place: str
) -> None:
    deployments = alice.of("Deployment")
    created = deployments.create(wordpress)
    assert (created.data["state"], created.data["module"]["href"]) == ("CREATED", wordpress)
    placed = deployments.set_infra_cred_id(created.id, place)
    assert (placed["parent"], placed["credential-name"]) == (place, "swarm-lausanne admin")

    start = deployments.start(created.id).data
    assert (start["status"], start["resource-id"]) == (202, created.id)
    assert deployments.get_state(created.id) == "STARTING"
    sandbox.clock.advance(_LONG)
    assert [item["state"] for item in deployments.list()] == ["STARTED"]
    job = alice.get(start["location"]).data
    assert (job["action"], job["state"]) == ("start_deployment", "SUCCESS")

    alice.operation(alice.get(created.id), "update")
    assert deployments.get_state(created.id) == "UPDATING"
    sandbox.clock.advance(_LONG)
    assert deployments.get_state(created.id) == "STARTED"

    assert deployments.stop(created.id).data["status"] == 202
    assert deployments.get_state(created.id) == "STOPPING"
    sandbox.clock.advance(_LONG)
    assert deployments.get_state(created.id) == "STOPPED"
    deployments.delete(created.id, timeout=30)
    with pytest.raises(ClientFailure, match="not found") as caught:
        deployments.get(created.id)
    assert caught.value.status == 404


def test_terminate_does_not_wait_as_it_should(alice: Client, started: str) -> None:
    # The client waits until "delete" is offered, which this server offers in every state.
    expected = f"Action delete cannot be called on {started} in state STOPPING!"
    with pytest.raises(ClientFailure, match=expected) as caught:
        alice.of("Deployment").terminate(started, timeout=30)
    assert caught.value.status == 409


def test_parameters_and_address_of_a_started_deployment(
    alice: Client, started: str, wordpress: str
) -> None:
    deployments = alice.of("Deployment")
    parameters = deployments.get_parameters(started)
    assert set(parameters) == {"global", "web", "db"}
    assert parameters["global"]["hostname"] == "127.0.0.1"
    port = parameters["web"]["web.tcp.80"]
    assert deployments.get_parameter(started, "web", "web.tcp.80") == port
    assert deployments.get_parameter(started, None, "nothing") is None
    running, new = alice.get(started), deployments.create(wordpress)
    [(name, _)] = deployments.urls(running).items()
    assert deployments.get_url(running, name).startswith(f"http://127.0.0.1:{port}/")
    assert deployments.get_url(new, name) is None


def test_log_is_read_once_it_was_fetched(alice: Client, sandbox: Sandbox, started: str) -> None:
    deployments = alice.of("Deployment")
    request = {"components": ["web"], "since": "2020-01-01T00:00:00Z"}
    log = alice.get(alice.operation(alice.get(started), "create-log", request).data["resource-id"])
    assert deployments.logs(deployments.get_logs(log)) == []
    sandbox.clock.advance(_LONG)
    lines = deployments.logs(alice.get(log.id))["web"]
    timestamp, _, text = lines[0].partition(" ")
    assert (text, datetime.fromisoformat(timestamp).tzinfo is None) == ("web is up", False)
