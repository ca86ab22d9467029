"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import libcloud.security
import pytest
from endpoints_under_test import KINDS, Driver, LiveEndpoint, Login, serve
from fake_time import FakeTime, StoppedTime
from hypothesis import settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from slipstream.sandbox import Sandbox

# How long an example takes says more of the machine than of the code; each run tries others.
settings.register_profile("of-the-project", deadline=None, max_examples=40)
settings.load_profile("of-the-project")

pytest_plugins = ["slipstream.testing.pytest_plugin", "slipstream.testing.plugins"]


@pytest.fixture(params=KINDS)
def endpoint(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LiveEndpoint]:
    """An endpoint of each kind in turn: of both families, and of a kind that a plugin adds."""
    with serve(request.param, tmp_path_factory.mktemp("installed"), monkeypatch) as endpoint:
        yield endpoint


@pytest.fixture
def sandbox(endpoint: LiveEndpoint) -> Sandbox:
    """The server of the endpoint, whose clock moves when a test moves it."""
    return endpoint.sandbox


@pytest.fixture
def login(endpoint: LiveEndpoint) -> Login:
    """Make drivers: for the main user, a user of the sandbox, or with a key and secret."""
    return endpoint.login


@pytest.fixture
def driver(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for the main user; the journal starts after its login."""
    driver = login()
    sandbox.journal.clear()
    return driver


@pytest.fixture
def bob(login: Login, sandbox: Sandbox) -> Driver:
    """A driver for another user; the journal starts after its login."""
    driver = login("bob")
    sandbox.journal.clear()
    return driver


@pytest.fixture
def waiting(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let pauses move the sandbox's clock and take no time."""
    fake = StoppedTime(sandbox.clock.advance)
    monkeypatch.setattr("slipstream.transport.calls.time", fake)
    return fake


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the variables by which requests and libcloud are configured."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC")
    for name in (*names, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE", raising=False)
    # SSL_CERT_FILE would make each driver read a file of certificates, which takes 20 ms.
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", DEFAULT_CA_BUNDLE_PATH)


@pytest.fixture
def pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the pauses before requests that are repeated, and take none."""
    if "waiting" in request.fixturenames:
        waiting: FakeTime = request.getfixturevalue("waiting")
        return waiting.slept
    fake = FakeTime()
    monkeypatch.setattr("slipstream.transport.calls.time", fake)
    return fake.slept
