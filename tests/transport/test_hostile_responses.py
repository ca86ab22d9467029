"""Whatever bytes a server sends, a transport returns a response or raises one of its errors."""

from __future__ import annotations

import gzip
import math
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from servers import listening

from slipstream.errors import BadInput, DriverError, MalformedAnswer, RedirectRefused
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.calls import named_rate
from slipstream.transport.messages import EndpointCookieJar, Request, Response
from slipstream.values.endpoint import Endpoint
from slipstream.values.plain import parse_timestamp, safe_text

READ = Request(method="GET", path="/x")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
INTERIM = [
    b"HTTP/1.1 %d Wait\r\nLink: </x>; rel=preload\r\nContent-Length: 5\r\n\r\n" % status
    for status in (100, 102, 103, 199)
]


@attrs.define
class Scripted:
    """A server that sends the same bytes to everybody."""

    port: int = 0
    sent: bytes = b""

    def serve(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(self.sent)


@contextmanager
def scripted(sent: bytes = b"") -> Iterator[Scripted]:
    server = Scripted(sent=sent)
    with listening(server.serve) as server.port:
        yield server


def exchange(server: Scripted, request: Request = READ, **options: Any) -> Response:
    limits = {"connect_timeout": 5, "read_timeout": 5, "largest_body": 100_000, **options}
    endpoint = Endpoint.parse(f"http://127.0.0.1:{server.port}")
    transport = Transport(endpoint, TransportSettings(**limits))
    try:
        return transport.send(request)
    finally:
        transport.close()


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the driver's error that it raises, safe to be shown."""
    try:
        return call()
    except DriverError as error:
        text = str(error)
        assert safe_text(text, 10_000) == text
        return error


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


NAMES = st.sampled_from([
    *(b"Location", b"Date", b"Retry-After", b"Set-Cookie", b"Content-Length", b"Content-Type"),
    *(b"Content-Encoding", b"Transfer-Encoding", b"Connection", b"X-Request-Id", b"Keep-Alive"),
    b"RateLimit-Policy",
])  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([
        *(b"99999999999", b"-1", b"9" * 5000, b"chunked", b"gzip", b"deflate", b"gzip, gzip"),
        *(b"http://[", b"//[::1", b"http://\xff\xfe/", b"\x00", b"a=b; Expires=\xff; Secure"),
        *(b"a=b; expires=Wed, 99-Jan-9999 99:99:99 GMT", b"Mon, 01 Jan 0001 00:00:00 +9999"),
        *(b"Fri, 31 Dec 99999 23:59:59 GMT", b"close", b"application/xml; charset=\xff"),
    ]),
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([
        *(b"-5\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"zz\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5;"),
        *(gzip.compress(b"{}"), gzip.compress(gzip.compress(b"x" * 99)), b"\x1f\x8b\x08\xff"),
    ]),
)  # fmt: skip
STATUSES = st.one_of(
    st.integers(0, 1000).map(lambda status: b"HTTP/1.1 %d x" % status),
    st.sampled_from([b"HTTP/1.1 301 \xff", b"HTTP/2 200", b"HTTP/1.1 -1 x", b"ICY 200 OK", b""]),
)
RESPONSES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda status, fields, body: b"\r\n".join(
            [status, *(b"%b: %b" % field for field in fields), b"", body]
        ),
        STATUSES,
        st.lists(st.tuples(NAMES, VALUES), max_size=5),
        BODIES,
    ),
)


@given(sent=RESPONSES)
@example(sent=b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: http://[\r\n\r\n")
@example(sent=b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: http://\xff\xfe/\r\n\r\n")
@example(sent=b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: http://a b/\r\n\r\n")
@example(sent=b"HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n")
@example(sent=b"HTTP/1.1 503 x\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n")
@example(sent=b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_arbitrary_bytes_are_a_response_or_an_error_of_the_driver(
    server: Scripted, sent: bytes
) -> None:
    server.sent = sent
    response = outcome(lambda: exchange(server))
    if not isinstance(response, Response):
        if sent.startswith(b"HTTP/1.1 302 x\r\nContent-Length: 0"):
            assert isinstance(response, RedirectRefused)
        return
    for text in (response.kind, response.request_id or ""):
        assert safe_text(text) == text
    for number in (response.retry_after, response.date):
        assert number is None or math.isfinite(number)
    assert (named_rate(response.headers) or 1) > 0
    outcome(response.json)
    outcome(response.xml)


@given(body=st.one_of(st.binary(), st.text(alphabet="<a>/&;='\" ![]{}\\ud8:,1").map(str.encode)))
def test_arbitrary_bodies_are_documents_or_malformed(body: bytes) -> None:
    response = Response(status=200, headers={}, body=body, url="")
    outcome(response.json)
    outcome(response.xml)


@given(text=st.text() | st.text(alphabet="0123456789-: TZ+.GMTEDCSU,MonJan"))
def test_arbitrary_text_is_a_timestamp_with_a_zone_or_none(text: str) -> None:
    timestamp = parse_timestamp(text)
    assert timestamp is None or timestamp.utcoffset() is not None


@pytest.mark.parametrize(
    ("hours", "zones"),
    [
        (0, [" UTC", "Z", " GMT"]),
        (-3, [" GMT-3", " GMT\u221203:00", "-03:00"]),
        (2, [" +0200", " CEST", " SAST"]),
        *(
            (7, [" NOVT"]),
            (3.5, [" IRST"]),
            (3, [" GMT+03:00", " OESZ", " MSK"]),
            (-4, [" EDT"]),
            (-5, [" America/Lima"]),
            (-5.5, ["-05:30"]),
        ),
        *((-11, [" GMT-11"]), (9.5, [" ACST"]), (10, [" ChST"])),
        (None, [" NOWHERE", " IST", " AST", " AMT", " +01:75", " America/", ""]),
    ],
)
def test_timestamps_are_read_in_a_known_zone(hours: float | None, zones: list[str]) -> None:
    utc = datetime(2017, 10, 13, 17, 7, 26, 79_000, tzinfo=UTC)
    expected = None if hours is None else utc - timedelta(hours=hours)
    for zone in zones:
        assert parse_timestamp(f"2017-10-13 17:07:26.79{zone}") == expected, zone
        assert parse_timestamp(f"2017-10-13T17:07:26.079{zone}") == expected, zone


@pytest.mark.parametrize(
    ("zone", "hours"),
    [(" CET", 1), (" NOVT", 6), (" +0100", 1), ("", 0), (" -0000", 0), (" IST", None)],
)
def test_timestamps_of_headers_are_read(zone: str, hours: float | None) -> None:
    utc = datetime(2016, 3, 1, 12, tzinfo=UTC)
    expected = None if hours is None else utc - timedelta(hours=hours)
    assert parse_timestamp(f"Tue, 01 Mar 2016 12:00:00{zone}") == expected
    assert parse_timestamp("") is parse_timestamp(None) is None


@pytest.mark.parametrize("interim", [*INTERIM, b"".join(INTERIM)], ids=lambda sent: sent[9:12])
@pytest.mark.parametrize("status", [200, 409])
def test_interim_responses_are_skipped(interim: bytes, status: int) -> None:
    final = b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nok" % status
    with scripted(interim + final) as server:
        response = exchange(server)
    assert (response.status, response.body) == (status, b"ok")


LARGE = b"\0" * 50_000_000


@pytest.mark.parametrize("status", [200, 302, 404, 500])
@pytest.mark.parametrize(
    ("coding", "body", "message"),
    [
        ("gzip", gzip.compress(LARGE), "larger than 100000 bytes"),
        ("deflate", zlib.compress(LARGE), "larger than 100000 bytes"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), "not requested"),
    ],
    ids=["gzip", "deflate", "twice"],
)
def test_bomb_is_refused(status: int, coding: str, body: bytes, message: str) -> None:
    head = f"HTTP/1.1 {status} x\r\nLocation: /y\r\nContent-Encoding: {coding}\r\n"
    sent = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with scripted(sent) as server, pytest.raises(MalformedAnswer, match=message):
        exchange(server)


@pytest.mark.parametrize(
    "request_",
    [
        Request(method="GET", path="/\ud800"),
        Request(method="GET", path="/", headers={"X": "\ud800"}),
        Request(method="GET", path="/", headers={"X": "a\r\nb"}),
        Request(method="GET", path="/", headers={"X": "\u20ac"}),
        Request(method="GET", path="/", query=(("a", "\udfff"),)),
    ],
)
def test_what_http_cannot_carry_is_refused_before_it_is_sent(request_: Request) -> None:
    with scripted(OK) as server, pytest.raises(BadInput, match="cannot be sent"):
        exchange(server, request_)


JSON, XML = Response.json, Response.xml


@pytest.mark.parametrize(
    ("read", "body", "message"),
    [
        (JSON, b"[" + b"1," * 60 + b"1]", "more than 50 values"),
        (JSON, b"[" * 30 + b"]" * 30, "deeper than 20 levels"),
        (JSON, b"[" * 100_000, "more than 50 values"),
        (XML, b"<a>" + b"<b/>" * 60 + b"</a>", "more than 50 elements"),
        (XML, b"<a>" * 30 + b"</a>" * 30, "deeper than 20 levels"),
        (
            XML,
            b"<a " + b" ".join(b"b%d=''" % n for n in range(600)) + b"/>",
            "too many attributes",
        ),
        (XML, b"<a>" + b"&amp;" * 600 + b"</a>", "too many attributes or entities"),
        # A parser would keep all elements until it comes to the end: 813 MB for 9 MB.
        (XML, b"<a>" * 200, "more than 50 elements"),
        (XML, b"<a><" + b"b><" * 200, "more than 50 elements"),
        (XML, b"<a>" + b"<b c='>'>" * 100 + b"</b>" * 9, "more than 50 elements"),
        *(
            (XML, start + b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "not safe to read")
            for start in (b"", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- > -->", b" <?a b?>\t")
        ),
        (XML, "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"), "not in UTF-8"),
        (XML, b"<?xml version='1.0' encoding='utf-7'?><a/>", "not in UTF-8"),
    ],
)
def test_documents_are_bounded(read: Callable[[Response], Any], body: bytes, message: str) -> None:
    response = Response(status=200, headers={}, body=body, url="", max_elements=50, max_depth=20)
    with pytest.raises(MalformedAnswer, match=message):
        read(response)


def test_the_bounds_of_the_settings_count_for_the_responses() -> None:
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,[2],3]"
    with scripted(sent) as server:
        assert exchange(server).json() == [1, [2], 3]
        limits: list[dict[str, Any]] = [{"max_elements": 3}, {"max_depth": 1}]
        for limit in limits:
            with pytest.raises(MalformedAnswer):
                exchange(server, **limit).json()


def test_documents_are_read() -> None:
    body = b'["\\ud800x", "\\ud83d\\ude00"]'
    assert Response(status=200, headers={}, body=body, url="").json() == ["?x", "\U0001f600"]
    body = b"<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE]]></a>"
    assert Response(status=200, headers={}, body=body, url="").xml().text == "<!DOCTYPE"


@pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(0), timedelta(days=-2)])
def test_the_servers_times_are_compared_with_the_servers_clock(
    ahead: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (datetime.now(UTC) - ahead).timestamp()
    date, later = (formatdate(there + seconds, usegmt=True) for seconds in (0, 600))
    sent = (
        f"HTTP/1.1 503 x\r\nDate: {date}\r\nRetry-After: {later}\r\nContent-Length: 0\r\n"
        f"Set-Cookie: token=x; Expires={later}; Path=/; Secure\r\n\r\n"
    )
    with scripted(sent.encode()) as server:
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{server.port}"))
        jar = EndpointCookieJar(secure=False)
        response = transport.send(READ, cookies=jar)
        transport.close()
    assert response.date == pytest.approx(there, abs=2)
    assert response.retry_after == pytest.approx(600, abs=2)
    cookies: list[Any] = list(jar)
    (cookie,) = cookies
    assert cookie.expires == pytest.approx(datetime.now(UTC).timestamp() + 600, abs=5)
