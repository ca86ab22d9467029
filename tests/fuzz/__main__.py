"""Feed what atheris makes up to whatever reads a server's responses: ``make fuzz``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

import atheris  # type: ignore[import-untyped,unused-ignore]

with atheris.instrument_imports(include=["slipstream"]):
    import requests
    from requests.structures import CaseInsensitiveDict

    from slipstream.errors import DriverError
    from slipstream.filters import FilterSyntaxError, parse
    from slipstream.transport.calls import named_rate
    from slipstream.transport.messages import EndpointCookieJar, Response
    from slipstream.values.endpoint import Endpoint
    from slipstream.values.plain import parse_timestamp, safe_text
    from slipstream.values.ssh_key import SSHKey

_HEADERS = ("Content-Type", "Date", "Retry-After", "RateLimit-Policy", "X-Request-Id")


def _body(data: bytes) -> None:
    response = Response(status=200, headers={}, body=data, url="http://x", max_elements=1000)
    for read in (response.json, response.xml):
        with contextlib.suppress(DriverError):
            read()


def _headers(data: bytes) -> None:
    text = data.decode("latin-1")
    headers = CaseInsensitiveDict(dict.fromkeys(_HEADERS, text))
    response = Response(status=429, headers=headers, body=b"", url="http://x")
    assert safe_text(response.kind) == response.kind
    assert (response.request_id or "x").isprintable()
    for number in (response.retry_after, response.date, named_rate(response.headers)):
        assert number is None or abs(number) < 1e12
    request = requests.Request("GET", "http://example.org/").prepare()
    EndpointCookieJar().extract(request, [text], date=float(len(data) * 10))


def _text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert len(safe_text(text)) <= 500
    time = parse_timestamp(text)
    assert time is None or time.tzinfo is not None
    readers: tuple[Callable[[str], object], ...] = (SSHKey.parse, Endpoint.parse, parse)
    for read in readers:
        with contextlib.suppress(DriverError, FilterSyntaxError):
            read(text)


_READERS = (_body, _headers, _text)


def read_input(data: bytes) -> None:
    """Give an input to the reader that its first byte names."""
    if data:
        _READERS[data[0] % len(_READERS)](data[1:])


if __name__ == "__main__":
    atheris.Setup([*sys.argv, "-rss_limit_mb=2048"], read_input)
    atheris.Fuzz()
