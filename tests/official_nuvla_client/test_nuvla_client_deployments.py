"""Nuvla's own client deploys, starts, stops, deletes, and reads what a deployment tells."""

from __future__ import annotations

from datetime import datetime

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_LONG = 300


@pytest.mark.proves("Deployment.create", "Deployment.start", "Deployment.get_state")
def test_created_deployment_is_started(
    alice: Client, sandbox: Sandbox, wordpress: str, place: str
) -> None:
    deployments = alice.of("Deployment")

    made = deployments.create(wordpress, infra_cred_id=place)

    assert made.data["state"] == "CREATED"
    assert made.data["module"]["href"] == wordpress
    assert (made.data["parent"], made.data["credential-name"]) == (place, "swarm-lausanne admin")
    answer = deployments.start(made.id).data
    assert (answer["status"], answer["resource-id"]) == (202, made.id)
    assert deployments.get_state(made.id) == "STARTING"
    sandbox.clock.advance(_LONG)
    assert deployments.get_state(made.id) == "STARTED"
    job = alice.get(answer["location"]).data
    assert (job["action"], job["state"]) == ("start_deployment", "SUCCESS")


@pytest.mark.proves("Deployment.launch", "Deployment.get", "Deployment.list")
def test_launch_creates_and_starts(
    alice: Client, sandbox: Sandbox, wordpress: str, place: str
) -> None:
    deployments = alice.of("Deployment")
    assert deployments.list() == []

    launched = deployments.launch(wordpress, infra_cred_id=place)

    assert launched.data["state"] == "STARTING"
    assert [one["id"] for one in deployments.list()] == [launched.id]
    sandbox.clock.advance(_LONG)
    assert deployments.get(launched.id).data["state"] == "STARTED"


@pytest.mark.proves("Deployment.set_infra_cred_id")
def test_place_can_be_set_before_the_start(alice: Client, wordpress: str, place: str) -> None:
    deployments = alice.of("Deployment")
    made = deployments.create(wordpress)
    assert "parent" not in made.data

    placed = deployments.set_infra_cred_id(made.id, place)

    assert placed["parent"] == place
    assert placed["infrastructure-service-name"] == "swarm-lausanne"


@pytest.mark.proves("Deployment.stop", "Deployment.delete")
def test_stopped_deployment_is_deleted(alice: Client, sandbox: Sandbox, started: str) -> None:
    deployments = alice.of("Deployment")

    assert deployments.stop(started).data["status"] == 202
    assert deployments.get_state(started) == "STOPPING"
    sandbox.clock.advance(_LONG)
    assert deployments.get_state(started) == "STOPPED"

    assert deployments.delete(started, timeout=30).data["message"] == f"{started} deleted"
    with pytest.raises(ClientFailure, match="not found"):
        deployments.get(started)


@pytest.mark.proves("operation")
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


@pytest.mark.proves("operation")
def test_running_deployment_is_updated(alice: Client, sandbox: Sandbox, started: str) -> None:
    variables = [{"name": "WORDPRESS_TITLE", "value": "Another title"}]
    alice.edit(started, {"module": {"content": {"environmental-variables": variables}}})

    alice.operation(alice.get(started), "update")

    assert alice.get(started).data["state"] == "UPDATING"
    sandbox.clock.advance(_LONG)
    assert alice.get(started).data["state"] == "STARTED"


@pytest.mark.proves("Deployment.get_parameter", "Deployment.get_parameters")
def test_started_deployment_tells_parameters(alice: Client, started: str) -> None:
    deployments = alice.of("Deployment")

    every = deployments.get_parameters(started)

    assert set(every) == {"global", "web", "db"}
    assert every["global"]["hostname"] == "127.0.0.1"
    assert every["web"]["web.node-id"] == "web"
    port = every["web"]["web.tcp.80"]
    assert int(port) > 0
    assert deployments.get_parameter(started, "web", "web.tcp.80") == port
    assert deployments.get_parameter(started, None, "hostname") == "127.0.0.1"
    assert deployments.get_parameter(started, None, "nothing") is None
    assert {"web.tcp.80": port} in deployments.get_parameters(started, "web")


@pytest.mark.proves("Deployment.get_url", "Deployment.urls")
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


@pytest.mark.proves("Deployment.get_logs", "Deployment.logs")
def test_log_is_read_once_it_was_fetched(alice: Client, sandbox: Sandbox, started: str) -> None:
    deployments = alice.of("Deployment")
    request = {"components": ["web"], "since": "2020-01-01T00:00:00Z"}
    log = alice.get(alice.operation(alice.get(started), "create-log", request).data["resource-id"])

    assert deployments.logs(deployments.get_logs(log)) == []
    sandbox.clock.advance(_LONG)

    lines = deployments.logs(alice.get(log.id))["web"]
    moment, _, text = lines[0].partition(" ")
    assert (text, datetime.fromisoformat(moment).tzinfo is None) == ("web is up", False)


@pytest.mark.proves(
    "Deployment.uuid",
    "Deployment.subtype",
    "Deployment.is_component",
    "Deployment.is_application",
    "Deployment.is_application_kubernetes",
    "Deployment.module",
    "Deployment.module_content",
    "Deployment.acl",
    "Deployment.owner",
    "Deployment.state",
    "Deployment.credential_id",
    "Deployment.compatibility",
    "Deployment.is_compatibility_docker_compose",
)
def test_document_says_what_the_client_reads_in_it(
    alice: Client, sandbox: Sandbox, started: str, place: str
) -> None:
    deployments, found = alice.of("Deployment"), alice.get(started)

    assert deployments.uuid(found) == started.removeprefix("deployment/")
    assert deployments.state(found) == "STARTED"
    assert deployments.subtype(found) == "application"
    assert deployments.is_application(found) is True
    assert deployments.is_component(found) is deployments.is_application_kubernetes(found) is False
    assert deployments.module(found)["path"] == "apps/WordPress/wordpress"
    assert "services:" in deployments.module_content(found)["docker-compose"]
    assert deployments.owner(found) == sandbox.world.user_id("alice")
    assert deployments.owner(found) in deployments.acl(found)["owners"]
    assert deployments.credential_id(found) == place
    assert deployments.compatibility(found) == "docker-compose"
    assert deployments.is_compatibility_docker_compose(found) is True
