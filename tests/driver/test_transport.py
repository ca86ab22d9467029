from __future__ import annotations

import email.utils
import gzip
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcloud.security
import pytest
from libcloud.common.types import LibcloudError

from slipstream.errors import MalformedAnswer as MalformedBelow
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

from .support import Driver, Login, stub_server

READ = Request(method="GET", path="/x", repeatable=True)


@pytest.fixture
def sandbox(kept_sandbox: Sandbox) -> Iterator[Sandbox]:
    kept_sandbox.journal.clear()
    yield kept_sandbox
    kept_sandbox.faults.clear()
    kept_sandbox.world.runs.clear()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_question_is_asked_again_when_the_server_is_in_a_passing_difficulty(
    driver: Driver, sandbox: Sandbox, pauses: list[float], status: int
) -> None:
    sandbox.faults.add("GET", "/run", status=status, times=3)
    assert driver.list_nodes() == []
    assert len(sandbox.journal) == 4
    assert len(pauses) == 3


@pytest.mark.parametrize("cut", ["before", "after", "body"])
def test_a_question_is_asked_again_when_its_answer_was_lost(
    driver: Driver, sandbox: Sandbox, pauses: list[float], cut: Any
) -> None:
    sandbox.faults.add("GET", "/run", cut=cut, times=2)
    assert driver.list_nodes() == []
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501])
def test_other_errors_are_told_at_once(
    driver: Driver, sandbox: Sandbox, pauses: list[float], status: int
) -> None:
    sandbox.faults.add("GET", "/run", status=status, times=None)
    with pytest.raises(RequestFailed) as caught:
        driver.list_nodes()
    assert (caught.value.http_code, len(sandbox.journal), pauses) == (status, 1, [])


def test_a_difficulty_that_does_not_pass_is_told_after_four_attempts(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=503, times=None)
    with pytest.raises(ServiceUnavailable, match="HTTP 503"):
        driver.list_nodes()
    assert len(sandbox.journal) == 4


def test_pauses_grow_and_are_never_the_same(
    login: Login, sandbox: Sandbox, pauses: list[float]
) -> None:
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


def test_no_pause_is_longer_than_half_a_minute(
    login: Login, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=503, times=3)
    login(retry_delay=10.0, backoff=100).list_nodes()
    assert 15 <= max(pauses) <= 30


@pytest.mark.parametrize(
    ("asked", "pause"),
    [("0", 0), ("7", 7), (" 7 ", 7), ("30", 30)],
)
def test_the_pause_that_the_server_asks_for_is_made(
    driver: Driver, sandbox: Sandbox, pauses: list[float], asked: str, pause: float
) -> None:
    sandbox.faults.add("GET", "/run", status=429, retry_after=asked)
    driver.list_nodes()
    assert pauses == [pause]


def test_the_moment_that_the_server_asks_to_wait_for_is_waited_for(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
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
def test_a_pause_that_makes_no_sense_is_not_made(
    driver: Driver, sandbox: Sandbox, pauses: list[float], garbage: str
) -> None:
    sandbox.faults.add("GET", "/run", status=503, headers={"Retry-After": garbage})
    try:
        driver.list_nodes()
    except ServiceUnavailable:
        assert garbage.startswith("9")  # a pause so long is not made, but told
    assert all(pause <= 0.001 for pause in pauses)


def test_a_pause_that_is_too_long_is_told_and_not_made(
    driver: Driver, sandbox: Sandbox, pauses: list[float]
) -> None:
    sandbox.faults.add("GET", "/run", status=429, retry_after=3600, times=None)
    with pytest.raises(RateLimitReached) as caught:
        driver.list_nodes()
    assert caught.value.retry_after == 3600
    assert caught.value.headers == {"retry-after": "3600"}
    assert (len(sandbox.journal), pauses) == (1, [])


def test_a_server_that_does_not_answer_in_time_is_told(login: Login, sandbox: Sandbox) -> None:
    driver = login(timeout=0.05)
    sandbox.faults.add("GET", "/run", delay=0.2, times=None)
    with pytest.raises(NoAnswer, match="timed out") as caught:
        driver.list_nodes()
    assert caught.value.may_have_happened


def test_an_answer_larger_than_allowed_is_refused() -> None:
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


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    settings = TransportSettings(largest_body=1_000_000)
    with stub_server(lambda *_: (200, {"Content-Encoding": "gzip"}, bomb)) as stub:
        transport = Transport(Endpoint.parse(stub.url), settings)
        with pytest.raises(MalformedBelow, match="larger than 1000000 bytes"):
            transport.send(READ)
        transport.close()


def test_packed_answers_are_understood(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "GET",
        "/appstore",
        body=gzip.compress(b"<list/>"),
        headers={"Content-Type": "application/xml", "Content-Encoding": "gzip"},
    )
    assert driver.list_images() == []


def test_a_broken_packing_is_one_clear_error(driver: Driver, sandbox: Sandbox) -> None:
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
def test_redirections_are_never_followed(driver: Driver, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(
        "GET", "/run", status=status, headers={"Location": f"{sandbox.url}/appstore"}
    )
    with pytest.raises(NoAnswer, match="redirections are not followed") as caught:
        driver.list_nodes()
    assert len(sandbox.journal) == 1
    assert not caught.value.may_have_happened


def test_cookies_of_other_hosts_are_not_accepted(login: Login, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run", headers={"Set-Cookie": "x=1; Domain=example.org"})
    driver = login()
    driver.list_nodes()
    driver.list_nodes()
    assert "x=1" not in sandbox.journal[-1].headers["cookie"]


def test_the_program_gives_its_name(driver: Driver, sandbox: Sandbox) -> None:
    driver.list_nodes()
    assert sandbox.journal[0].headers["user-agent"].startswith("slipstream-libcloud-driver")


def test_the_xml_half_is_always_asked_for_xml(driver: Driver, sandbox: Sandbox) -> None:
    driver.list_nodes()
    driver.list_images()
    driver.list_key_pairs()
    accepted = [entry.headers["accept"] for entry in sandbox.journal]
    assert set(accepted) == {"application/xml", "application/json"}
    for entry in sandbox.journal:
        assert entry.headers["accept"] == (
            "application/json" if entry.path.startswith("/api/") else "application/xml"
        )


def test_a_proxy_is_used_when_it_is_given(sandbox: Sandbox) -> None:
    def proxy(_: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return 418, {"Content-Type": "text/plain"}, f"I am a proxy for {path}".encode()

    with stub_server(proxy) as stub, pytest.raises(LibcloudError, match="HTTP 418"):
        Driver("a", "b", ex_endpoint="http://slipstream.invalid", proxy_url=stub.url)
    assert stub.seen[0] == ("GET", "http://slipstream.invalid/api/cloud-entry-point")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that nobody vouches for, as a fresh server has one, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def teapot(_: str, __: str) -> tuple[int, dict[str, str], bytes]:
    return 418, {"Content-Type": "text/plain"}, b""


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_way_out(
    certificate: tuple[Path, Path],
) -> None:
    with (
        stub_server(teapot, tls=tls(certificate)) as stub,
        pytest.raises(
            NoAnswer, match=r"is not trusted.*libcloud.security.CA_CERTS_PATH"
        ) as caught,
    ):
        Driver("alice", "secret", ex_endpoint=stub.url, retry_delay=0.001)
    assert stub.seen == []
    assert not caught.value.may_have_happened


@pytest.mark.filterwarnings("ignore:Providing a list of CA trusts")
@pytest.mark.parametrize("as_list", [False, True])
def test_a_certificate_that_the_user_vouches_for_is_accepted(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, as_list: bool
) -> None:
    path = str(certificate[0])
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", [path] if as_list else path)
    with (
        stub_server(teapot, tls=tls(certificate)) as stub,
        pytest.raises(MalformedAnswer, match="HTTP 418"),
    ):
        Driver("alice", "secret", ex_endpoint=stub.url)
    assert len(stub.seen) == 1


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_check_of_certificates_can_be_switched_off_as_libcloud_does_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libcloud.security, "VERIFY_SSL_CERT", False)
    with (
        stub_server(teapot, tls=tls(certificate)) as stub,
        pytest.raises(MalformedAnswer, match="HTTP 418"),
    ):
        Driver("alice", "secret", ex_endpoint=stub.url)
    assert len(stub.seen) == 1


def test_http_is_no_way_to_switch_off_the_check_of_certificates(
    certificate: tuple[Path, Path],
) -> None:
    with (
        stub_server(teapot, tls=tls(certificate)) as stub,
        pytest.raises(NoAnswer, match="is not trusted"),
    ):
        Driver("alice", "secret", secure=False, ex_endpoint=stub.url, retry_delay=0.001)
