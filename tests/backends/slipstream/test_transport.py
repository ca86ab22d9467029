"""Requests that are repeated, paused for, or not: what a user of the driver meets."""

from __future__ import annotations

import email.utils
import gzip
import time
from contextlib import nullcontext
from typing import Any

import pytest
from libcloud.common.types import LibcloudError

from slipstream.libcloud.errors import (
    MalformedAnswer,
    NoAnswer,
    RateLimitReached,
    RequestFailed,
    ServiceUnavailable,
)
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint

from .support import XML, Driver, Login, stub_server

PASSING: list[dict[str, Any]] = [{"status": status} for status in (429, 502, 503, 504)]
PASSING += [{"cut": cut} for cut in ("before", "after", "body")]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_read_is_repeated_three_times(driver: Any, sandbox: Any, pauses: Any, fault: Any) -> None:
    sandbox.faults.add("GET", "/run", times=3, **fault)
    assert driver.list_nodes() == []
    assert (len(sandbox.journal), len(pauses)) == (4, 3)


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501, 502, 503])
def test_read_that_fails(driver: Driver, sandbox: Sandbox, pauses: Any, status: int) -> None:
    sandbox.faults.add("GET", "/run", status=status, times=None)
    with pytest.raises(RequestFailed, match=f"HTTP {status}") as caught:
        driver.list_nodes()
    repeated = status in {502, 503}
    assert caught.value.http_code == status
    assert (len(sandbox.journal), len(pauses)) == ((4, 3) if repeated else (1, 0))
    assert isinstance(caught.value, ServiceUnavailable) is repeated


def test_pauses_grow_and_vary(login: Login, sandbox: Sandbox, pauses: list[float]) -> None:
    driver = login(retry_delay=10.0, backoff=1.5)
    sequences = set()
    for _ in range(5):
        pauses.clear()
        sandbox.faults.add("GET", "/run", status=503, times=3)
        driver.list_nodes()
        assert 5 <= pauses[0] <= 10
        assert 7.5 <= pauses[1] <= 15
        assert 11.25 <= pauses[2] <= 22.5
        sequences.add(tuple(pauses))
    assert len(sequences) == 5
    pauses.clear()
    sandbox.faults.add("GET", "/run", status=503, times=3)
    login(retry_delay=10.0, backoff=100).list_nodes()
    assert 15 <= max(pauses) <= 30


def test_retry_after(driver: Driver, sandbox: Sandbox, pauses: list[float]) -> None:
    for garbage in ("soon", "-5", "1.5", "", "Mon, 99 Foo 2026", "²", "9" * 5000, "nan", "1e3"):
        sandbox.faults.add("GET", "/run", status=503, headers={"Retry-After": garbage})
        # A pause so long is not made, but raised.
        with pytest.raises(ServiceUnavailable) if garbage[:1] == "9" else nullcontext():
            driver.list_nodes()
    assert all(pause <= 0.001 for pause in pauses)
    pauses.clear()
    dates = [email.utils.formatdate(time.time() + s, usegmt=True) for s in (20, -20)]
    for text in ("0", "30", " 7 "):
        sandbox.faults.add("GET", "/run", status=503, retry_after=text)
    driver.list_nodes()
    assert pauses == [0, 30, 7]
    pauses.clear()
    for text in dates:
        sandbox.faults.add("GET", "/run", status=503, retry_after=text)
    driver.list_nodes()
    assert 10 < pauses[0] <= 20
    assert pauses[1] == 0
    pauses.clear()
    sandbox.journal.clear()
    sandbox.faults.add("GET", "/run", status=429, retry_after=3600, times=None)
    with pytest.raises(RateLimitReached) as caught:
        driver.list_nodes()
    assert caught.value.retry_after == 3600
    assert caught.value.headers == {"retry-after": "3600"}
    assert (len(sandbox.journal), pauses) == (1, [])


def test_requests_are_paced_after_a_429(driver: Any, sandbox: Any, waiting: Any) -> None:
    driver.list_nodes()
    assert waiting.slept == []
    sandbox.faults.add("GET", "/run", status=429, headers={"RateLimit-Policy": "2;w=1"})
    for _ in range(3):
        driver.list_nodes()
    assert 0.5 < sum(waiting.slept) <= 1.6


@pytest.mark.parametrize("size", [1000, 1001])
def test_body_of_the_largest_size(size: int) -> None:
    refused = pytest.raises(MalformedAnswer, match="larger than 1000 bytes")
    with stub_server(lambda *_: (200, {}, b"x" * size)) as (url, _):
        transport = Transport(Endpoint.parse(url), TransportSettings(largest_body=1000))
        with nullcontext() if size == 1000 else refused:
            assert len(transport.send(Request(method="GET", path="/x")).body) == size
        transport.close()


def test_gzip(driver: Driver, sandbox: Sandbox) -> None:
    headers = {**XML, "Content-Encoding": "gzip"}
    sandbox.faults.add("GET", "/appstore", body=gzip.compress(b"<list/>"), headers=headers)
    assert driver.list_images() == []
    sandbox.faults.add("GET", "/appstore", body=b"no gzip", headers=headers, times=None)
    with pytest.raises(LibcloudError, match="/appstore"):
        driver.list_images()


def test_redirection_is_not_followed(driver: Driver, sandbox: Sandbox) -> None:
    location = {"Location": f"{sandbox.url}/appstore"}
    for number, status in enumerate((301, 302, 303, 307, 308), 1):
        sandbox.faults.add("GET", "/run", status=status, headers=location)
        with pytest.raises(NoAnswer, match="redirections are not followed") as caught:
            driver.list_nodes()
        assert len(sandbox.journal) == number
        assert not caught.value.may_have_happened


def test_accept_header(driver: Driver, sandbox: Sandbox) -> None:
    driver.list_nodes()
    driver.list_key_pairs()
    kinds = {entry.path.startswith("/api/"): entry.headers["accept"] for entry in sandbox.journal}
    assert kinds == {True: "application/json", False: "application/xml"}
