"""Nuvla's own client deploys, starts, stops, deletes, and reads what a deployment tells."""

from __future__ import annotations

from datetime import datetime

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_LONG = 300


def test_created_deployment_is_started(
    alice: Client, sandbox: Sandbox, wordpress: str, place: str
) -> None:
    deployments = alice.of("Deployment")
    assert deployments.list() == []

    deployment = deployments.create(wordpress, infra_cred_id=place)

    data = deployment.data
    assert (data["state"], data["module"]["href"]) == ("CREATED", wordpress)
    assert (data["parent"], data["credential-name"]) == (place, "swarm-lausanne admin")
    started = deployments.start(deployment.id).data
    assert (started["status"], started["resource-id"]) == (202, deployment.id)
    assert deployments.get_state(deployment.id) == "STARTING"
    sandbox.clock.advance(_LONG)
    assert deployments.get(deployment.id).data["state"] == "STARTED"
    assert [item["id"] for item in deployments.list()] == [deployment.id]
    job = alice.get(started["location"]).data
    assert (job["action"], job["state"]) == ("start_deployment", "SUCCESS")


def test_place_can_be_set_before_the_start(alice: Client, wordpress: str, place: str) -> None:
    deployments = alice.of("Deployment")
    made = deployments.create(wordpress)
    assert "parent" not in made.data

    placed = deployments.set_infra_cred_id(made.id, place)

    assert placed["parent"] == place
    assert placed["infrastructure-service-name"] == "swarm-lausanne"


def test_stopped_deployment_is_deleted(alice: Client, sandbox: Sandbox, started: str) -> None:
    deployments = alice.of("Deployment")

    assert deployments.stop(started).data["status"] == 202
    assert deployments.get_state(started) == "STOPPING"
    sandbox.clock.advance(_LONG)
    assert deployments.get_state(started) == "STOPPED"

    assert deployments.delete(started, timeout=30).data["message"] == f"{started} deleted"
    with pytest.raises(ClientFailure, match="not found"):
        deployments.get(started)


def test_deployment_is_stopped_and_deleted_in_one_step(
    alice: Client, sandbox: Sandbox, started: str
) -> None:
    alice.operation(alice.get(started), "stop", {"delete": True})

    assert alice.get(started).data["state"] == "STOPPING"
    sandbox.clock.advance(_LONG)
    with pytest.raises(ClientFailure) as caught:
        alice.get(started)
    assert caught.value.status == 404


def test_terminate_does_not_wait_as_it_should(alice: Client, started: str) -> None:
    # It waits for the client of old to say that "delete" is not offered, which it no longer does.
    with pytest.raises(ClientFailure) as caught:
        alice.of("Deployment").terminate(started, timeout=30)

    assert caught.value.status == 409
    assert (
        caught.value.message == f"Action delete cannot be called on {started} in state STOPPING!"
    )


def test_running_deployment_is_updated(alice: Client, sandbox: Sandbox, started: str) -> None:
    variables = [{"name": "WORDPRESS_TITLE", "value": "Another title"}]
    alice.edit(started, {"module": {"content": {"environmental-variables": variables}}})

    alice.operation(alice.get(started), "update")

    assert alice.get(started).data["state"] == "UPDATING"
    sandbox.clock.advance(_LONG)
    assert alice.get(started).data["state"] == "STARTED"


def test_parameters_of_a_started_deployment(alice: Client, started: str) -> None:
    deployments = alice.of("Deployment")

    parameters = deployments.get_parameters(started)

    assert set(parameters) == {"global", "web", "db"}
    assert parameters["global"]["hostname"] == "127.0.0.1"
    assert parameters["web"]["web.node-id"] == "web"
    port = parameters["web"]["web.tcp.80"]
    assert int(port) > 0
    assert deployments.get_parameter(started, "web", "web.tcp.80") == port
    assert deployments.get_parameter(started, None, "hostname") == "127.0.0.1"
    assert deployments.get_parameter(started, None, "nothing") is None
    assert {"web.tcp.80": port} in deployments.get_parameters(started, "web")


def test_address_is_filled_in_once_everything_is_known(
    alice: Client, started: str, wordpress: str
) -> None:
    deployments = alice.of("Deployment")
    running, new = alice.get(started), deployments.create(wordpress)

    [(name, pattern)] = deployments.urls(running).items()
    url = deployments.get_url(running, name)

    values = deployments.get_parameters(started)
    assert "${hostname}" in pattern
    assert url.startswith(f"http://{values['global']['hostname']}:{values['web']['web.tcp.80']}/")
    assert deployments.get_url(new, name) is None
    assert deployments.get_url(running, "no-such-address") is None


def test_log_is_read_once_it_was_fetched(alice: Client, sandbox: Sandbox, started: str) -> None:
    deployments = alice.of("Deployment")
    request = {"components": ["web"], "since": "2020-01-01T00:00:00Z"}
    log = alice.get(alice.operation(alice.get(started), "create-log", request).data["resource-id"])

    assert deployments.logs(deployments.get_logs(log)) == []
    sandbox.clock.advance(_LONG)

    lines = deployments.logs(alice.get(log.id))["web"]
    timestamp, _, text = lines[0].partition(" ")
    assert (text, datetime.fromisoformat(timestamp).tzinfo is None) == ("web is up", False)


def test_fields_that_the_client_reads(
    alice: Client, sandbox: Sandbox, started: str, place: str
) -> None:
    deployments, deployment = alice.of("Deployment"), alice.get(started)

    assert deployments.uuid(deployment) == started.removeprefix("deployment/")
    assert deployments.state(deployment) == "STARTED"
    assert deployments.subtype(deployment) == "application"
    assert deployments.is_application(deployment) is True
    assert (
        deployments.is_component(deployment)
        is deployments.is_application_kubernetes(deployment)
        is False
    )
    assert deployments.module(deployment)["path"] == "apps/WordPress/wordpress"
    assert "services:" in deployments.module_content(deployment)["docker-compose"]
    assert deployments.owner(deployment) == sandbox.world.user_id("alice")
    assert deployments.owner(deployment) in deployments.acl(deployment)["owners"]
    assert deployments.credential_id(deployment) == place
    assert deployments.compatibility(deployment) == "docker-compose"
    assert deployments.is_compatibility_docker_compose(deployment) is True
