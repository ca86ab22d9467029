from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.client import Client
from slipstream.sandbox import Clock, Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(speed=0)) as started:
        yield started


@pytest.fixture
def alice(sandbox: Sandbox) -> Client:
    return Client(sandbox, sandbox.users["alice"])


@pytest.fixture
def bob(sandbox: Sandbox) -> Client:
    return Client(sandbox, sandbox.users["bob"])


@pytest.fixture
def root(sandbox: Sandbox) -> Client:
    return Client(sandbox, sandbox.users["super"])


@pytest.fixture
def nobody(sandbox: Sandbox) -> Client:
    return Client(sandbox)
