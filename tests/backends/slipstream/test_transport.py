from __future__ import annotations

import email.utils
import gzip
import time
from collections.abc import Iterator
from typing import Any

import pytest
from libcloud.common.types import LibcloudError

from slipstream.errors import MalformedAnswer as MalformedBelow
from slipstream.libcloud.errors import (
    NoAnswer,
    RateLimitReached,
    RequestFailed,
    ServiceUnavailable,
)
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint

from .support import Driver, Login, stub_server

READ = Request(method="GET", path="/x", repeatable=True)


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    shared_sandbox.journal.clear()
    yield shared_sandbox
    shared_sandbox.faults.clear()
    shared_sandbox.world.runs.clear()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_read_is_repeated_after_a_transient_status(
    driver: Driver, sandbox: Sandbox, pauses: list[float], status: int
) -> None:
    sandbox.faults.add("GET", "/run", status=status, times=3)
    assert driver.list_nodes() == []
    assert len(sandbox.journal) == 4
    assert len(pauses) == 3


@pytest.mark.parametrize("cut", ["before", "after", "body"])
def test_read_is_repeated_when_its_response_was_lost(
    driver: Driver, sandbox: Sandbox, pauses: list[float], cut: Any
) -> None:
    sandbox.faults.add("GET", "/run", cut=cut, times=2)
    assert driver.list_nodes() == []
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501])
def test_other_statuses_are_raised_at_once(
    driver: Driver, sandbox: Sandbox, pauses: list[float], status: int
) -> None:
    sandbox.faults.add("GET", "/run", status=status, times=None)
    with pytest.raises(RequestFailed) as caught:
        driver.list_nodes()
    assert (caught.value.http_code, len(sandbox.journal), pauses) == (status, 1, [])


def test_error_is_raised_after_four_attempts(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=503, times=None)
    with pytest.raises(ServiceUnavailable, match="HTTP 503"):
        driver.list_nodes()
    assert len(sandbox.journal) == 4


def test_pauses_grow_and_vary(login: Login, sandbox: Sandbox, pauses: list[float]) -> None:
    driver = login(retry_delay=10.0, backoff=1.5)
    seen = set()
    for _ in range(5):
        pauses.clear()
        sandbox.faults.add("GET", "/run", status=503, times=3)
        driver.list_nodes()
        assert 5 <= pauses[0] <= 10
        assert 7.5 <= pauses[1] <= 15
        assert 11.25 <= pauses[2] <= 22.5
        seen.add(tuple(pauses))
    assert len(seen) == 5


def test_pauses_are_at_most_half_a_minute(
    login: Login, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=503, times=3)
    login(retry_delay=10.0, backoff=100).list_nodes()
    assert 15 <= max(pauses) <= 30


@pytest.mark.parametrize(
    ("asked", "pause"),
    [("0", 0), ("7", 7), (" 7 ", 7), ("30", 30)],
)
def test_retry_after_in_seconds(
    driver: Driver, sandbox: Sandbox, pauses: list[float], asked: str, pause: float
) -> None:
    sandbox.faults.add("GET", "/run", status=429, retry_after=asked)
    driver.list_nodes()
    assert pauses == [pause]


def test_retry_after_as_date(driver: Driver, sandbox: Sandbox, pauses: list[float]) -> None:
    moment = email.utils.formatdate(time.time() + 20, usegmt=True)
    past = email.utils.formatdate(time.time() - 20, usegmt=True)
    sandbox.faults.add("GET", "/run", status=503, retry_after=moment)
    sandbox.faults.add("GET", "/run", status=503, retry_after=past)
    driver.list_nodes()
    assert 17 < pauses[0] <= 20
    assert pauses[1] == 0


@pytest.mark.parametrize(
    "garbage", ["soon", "-5", "1.5", "", "Mon, 99 Foo 2026", "²", "9" * 5000, "nan", "1e3"]
)
def test_retry_after_that_is_malformed(
    driver: Driver, sandbox: Sandbox, pauses: list[float], garbage: str
) -> None:
    sandbox.faults.add("GET", "/run", status=503, headers={"Retry-After": garbage})
    try:
        driver.list_nodes()
    except ServiceUnavailable:
        assert garbage.startswith("9")  # a pause so long is not made, but told
    assert all(pause <= 0.001 for pause in pauses)


def test_retry_after_that_is_too_long_is_raised(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=429, retry_after=3600, times=None)
    with pytest.raises(RateLimitReached) as caught:
        driver.list_nodes()
    assert caught.value.retry_after == 3600
    assert caught.value.headers == {"retry-after": "3600"}
    assert (len(sandbox.journal), pauses) == (1, [])


def test_requests_are_paced_after_a_429(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
    for _ in range(3):
        driver.list_key_pairs()
    assert pauses == []
    sandbox.faults.add("GET", "/run", status=429, headers={"RateLimit-Policy": "2;w=1"})
    driver.list_nodes()
    driver.list_nodes()
    driver.list_nodes()
    assert 0.5 < sum(pauses) <= 1.1


def test_timeout_is_raised(login: Login, sandbox: Sandbox) -> None:
    driver = login(timeout=0.05)
    sandbox.faults.add("GET", "/run", delay=0.2, times=None)
    with pytest.raises(NoAnswer, match="timed out") as caught:
        driver.list_nodes()
    assert caught.value.may_have_happened


def test_largest_body_is_the_limit() -> None:
    settings = TransportSettings(largest_body=1000)
    with stub_server(lambda *_: (200, {}, b"x" * 1001)) as stub:
        transport = Transport(Endpoint.parse(stub.url), settings)
        with pytest.raises(MalformedBelow, match="larger than 1000 bytes"):
            transport.send(READ)
        transport.close()
    with stub_server(lambda *_: (200, {}, b"x" * 1000)) as stub:
        transport = Transport(Endpoint.parse(stub.url), settings)
        assert len(transport.send(READ).body) == 1000
        transport.close()


def test_gzip_is_decompressed(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "GET",
        "/appstore",
        body=gzip.compress(b"<list/>"),
        headers={"Content-Type": "application/xml", "Content-Encoding": "gzip"},
    )
    assert driver.list_images() == []


def test_broken_gzip_is_an_error(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "GET",
        "/appstore",
        times=None,
        body=b"no gzip at all",
        headers={"Content-Type": "application/xml", "Content-Encoding": "gzip"},
    )
    with pytest.raises(LibcloudError, match="/appstore"):
        driver.list_images()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirections_are_not_followed(driver: Driver, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(
        "GET", "/run", status=status, headers={"Location": f"{sandbox.url}/appstore"}
    )
    with pytest.raises(NoAnswer, match="redirections are not followed") as caught:
        driver.list_nodes()
    assert len(sandbox.journal) == 1
    assert not caught.value.may_have_happened


def test_cookies_of_other_hosts_are_refused(login: Login, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run", headers={"Set-Cookie": "x=1; Domain=example.org"})
    driver = login()
    driver.list_nodes()
    driver.list_nodes()
    assert "x=1" not in sandbox.journal[-1].headers["cookie"]


def test_accept_header(driver: Driver, sandbox: Sandbox) -> None:
    driver.list_nodes()
    driver.list_images()
    driver.list_key_pairs()
    accepted = [entry.headers["accept"] for entry in sandbox.journal]
    assert set(accepted) == {"application/xml", "application/json"}
    for entry in sandbox.journal:
        assert entry.headers["accept"] == (
            "application/json" if entry.path.startswith("/api/") else "application/xml"
        )
