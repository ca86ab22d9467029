from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.client import CLIENTS
from slipstream.sandbox import Clock, Sandbox


@pytest.fixture
def family() -> str:
    return "slipstream"


@pytest.fixture
def sandbox(family: str) -> Iterator[Sandbox]:
    with Sandbox(family=family, clock=Clock(speed=0)) as started:
        yield started


@pytest.fixture
def alice(sandbox: Sandbox) -> Any:
    return CLIENTS[sandbox.family](sandbox, sandbox.users["alice"])


@pytest.fixture
def bob(sandbox: Sandbox) -> Any:
    return CLIENTS[sandbox.family](sandbox, sandbox.users["bob"])


@pytest.fixture
def root(sandbox: Sandbox) -> Any:
    return CLIENTS[sandbox.family](sandbox, sandbox.users["super"])


@pytest.fixture
def nobody(sandbox: Sandbox) -> Any:
    return CLIENTS[sandbox.family](sandbox)
