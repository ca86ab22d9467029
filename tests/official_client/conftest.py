"""The client of the last SlipStream release, and sandboxes for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import Client, Official, process_of

from slipstream.sandbox import Sandbox

official = process_of(".venv-official-client")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=0) as running:
        yield running


@pytest.fixture
def client(official: Official, sandbox: Sandbox, tmp_path: Path) -> Client:
    """A client without a login; its cookie is for https, so that http needs "insecure"."""
    cookies = str(tmp_path / "cookies.txt")
    return official.open(endpoint=sandbox.url, cookie_file=cookies, insecure=True)


@pytest.fixture
def alice(client: Client, sandbox: Sandbox) -> Client:
    client.login_internal(sandbox.username, sandbox.password)
    return client
