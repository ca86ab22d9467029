"""Nuvla's own client, and sandboxes that speak Nuvla."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from driving import Client, Connect, Official, process_of

from slipstream.sandbox import Sandbox

official = process_of(".venv-official-nuvla-client")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(family="nuvla", speed=0) as running:
        yield running


@pytest.fixture
def connect(official: Official, sandbox: Sandbox) -> Connect:
    """Make clients of the sandbox, each with cookies of its own."""
    return partial(official.open, endpoint=sandbox.url, insecure=True, persist_cookie=False)


@pytest.fixture
def alice(connect: Connect, sandbox: Sandbox) -> Client:
    client = connect()
    client.login_password(sandbox.username, sandbox.password)
    return client


@pytest.fixture
def wordpress(alice: Client) -> str:
    """Name the newest version of the seeded application."""
    module = alice.of("Module").get_by_path("apps/WordPress/wordpress")
    return f"{module['id']}_{len(module['versions']) - 1}"


@pytest.fixture
def place(alice: Client) -> str:
    """Name the credential of the seeded Swarm."""
    swarm = alice.of("Credential", subtype="infrastructure-service-swarm")
    [credential] = swarm.id_by_name("swarm-lausanne admin")
    return str(credential)


@pytest.fixture
def started(alice: Client, sandbox: Sandbox, wordpress: str, place: str) -> str:
    """Deploy the application, and let it come up."""
    deployment = alice.of("Deployment").launch(wordpress, infra_cred_id=place)
    sandbox.clock.advance(300)
    return str(deployment.id)
