from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient


@pytest.fixture
def family() -> str:
    return "nuvla"


@pytest.fixture
def root(root: NuvlaClient) -> NuvlaClient:
    session = root.search("session")["resources"][0]["id"]
    assert root.post(f"{session}/switch-group", json={"claim": "group/nuvla-admin"}).ok
    return root
