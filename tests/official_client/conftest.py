"""The client of the last SlipStream release, and sandboxes for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import Client, Connect, Official, held_to_marks, interpreter

from slipstream.sandbox import Sandbox

_DRIVE = Path(__file__).with_name("drive.py")
_PYTHON = Path(__file__).parents[2] / ".venv-official-client" / "bin" / "python"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proves(*names): calls of the client shown to work")


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Official]:
    python = interpreter(_PYTHON, os.environ)
    process = Official(python, _DRIVE, tmp_path_factory.mktemp("official-client"))
    yield process
    process.close()


@pytest.fixture(autouse=True)
def _proofs_are_made(request: pytest.FixtureRequest) -> Iterator[None]:
    with held_to_marks(request, "official"):
        yield


@pytest.fixture
def connect(official: Official, sandbox: Sandbox, tmp_path: Path) -> Connect:
    """Make clients of the sandbox; the cookie is for https, so "insecure" is wanted on http."""

    def make(**kwargs: object) -> Client:
        options = {
            "endpoint": sandbox.url,
            "cookie_file": str(tmp_path / "cookies.txt"),
            "insecure": True,
        }
        return official.open(**(options | kwargs))

    return make


@pytest.fixture
def alice(connect: Connect, sandbox: Sandbox) -> Client:
    client = connect()
    client.login_internal(sandbox.username, sandbox.password)
    return client


@pytest.fixture
def root(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> Client:
    """Log the privileged user in, beside the other one."""
    client = connect(cookie_file=str(tmp_path / "root.txt"))
    client.login_internal("super", sandbox.users["super"].password)
    return client
