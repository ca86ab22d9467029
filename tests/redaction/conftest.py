from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint, serve
from libcloud.utils.loggingconnection import LoggingConnection

from .support import Seen


@pytest.fixture(params=["slipstream", "nuvla"])
def endpoint(request: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[LiveEndpoint]:
    """An endpoint of each family in turn."""
    with serve(request.param, tmp_path, monkeypatch) as endpoint:
        yield endpoint


@pytest.fixture
def debug_file(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What libcloud.enable_debug() sets, undone after the test."""
    file = io.StringIO()
    monkeypatch.setattr(LoggingConnection, "log", file)
    return file


@pytest.fixture
def seen(debug_file: io.StringIO, caplog: pytest.LogCaptureFixture) -> Seen:
    """All that is written by way of logging and to libcloud's debug file."""
    caplog.set_level(logging.DEBUG)
    return Seen(caplog, debug_file)
