"""The client of the last SlipStream release, and sandboxes for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import Client, Connect, Official, interpreter

from slipstream.sandbox import Sandbox

_DRIVE = Path(__file__).with_name("drive.py")
_PYTHON = Path(__file__).parents[2] / ".venv-official-client" / "bin" / "python"


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Official]:
    python = interpreter(_PYTHON, os.environ)
    process = Official(python, _DRIVE, tmp_path_factory.mktemp("official-client"))
    yield process
    process.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=0) as running:
        yield running


@pytest.fixture
def connect(official: Official, sandbox: Sandbox, tmp_path: Path) -> Connect:
    """Make clients of the sandbox; their cookie is for https, so that http needs "insecure"."""

    def make(cookies: str = "cookies.txt") -> Client:
        return official.open(
            endpoint=sandbox.url, cookie_file=str(tmp_path / cookies), insecure=True
        )

    return make


@pytest.fixture
def alice(connect: Connect, sandbox: Sandbox) -> Client:
    client = connect()
    client.login_internal(sandbox.username, sandbox.password)
    return client
