from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from libcloud.utils.loggingconnection import LoggingConnection

from slipstream.sandbox import Sandbox

from .support import Driver, Login, Seen


@pytest.fixture(params=["slipstream", "nuvla"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sandbox(family: str) -> Iterator[Sandbox]:
    """A sandbox of each family in turn, whose clock moves when it is told to."""
    with Sandbox(family=family, speed=0) as running:
        yield running


@pytest.fixture
def login(sandbox: Sandbox) -> Iterator[Login]:
    with ExitStack() as stack:

        def make(key: str | None, secret: str | None = None, **options: object) -> Driver:
            options = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **options}
            driver = Driver(key, secret, **options)  # type: ignore[arg-type]
            stack.callback(driver.close)
            return driver

        yield make


@pytest.fixture
def driver(login: Login, sandbox: Sandbox) -> Driver:
    return login(sandbox.username, sandbox.password)


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
