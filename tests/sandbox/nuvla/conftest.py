from __future__ import annotations

import pytest


@pytest.fixture
def family() -> str:
    return "nuvla"
