"""The faults that the proxy can respond with: those of responses, and of the connection."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import attrs

from slipstream.testing import faults
from slipstream.testing.faults import HTML, RESPONSE_FAULTS
from slipstream.values.plain import NOT_IN_XML

from .proxy import Exchange, Respond, end_to_end

_JSON = ("Content-Type", "application/json")
_XML = ("Content-Type", "application/xml")


@attrs.frozen
class Fault:
    """One way in which a response can be wrong."""

    name: str
    respond: Respond
    refusal: bool = False
    """Whether it says that the server refuses, and is believed to have done nothing."""
    slow: bool = False
    """Whether it makes the driver wait for as long as its timeout."""


FAULTS: list[Fault] = []


def _add(name: str, respond: Respond, **marks: bool) -> None:
    FAULTS.append(Fault(name, respond, **marks))


def _send(fault: faults.Fault, exchange: Exchange) -> None:
    """Send what a fault makes of the response; the server has done its part unless it refuses."""
    reply = faults.Reply(0, (), b"")
    if not fault.replaces or (exchange.forwards and not fault.refusal):
        reply = exchange.reply()
    reply = fault.change(reply)
    headers, framed = end_to_end(reply.headers), reply.status not in {204, 304}
    exchange.send(reply.status, headers, reply.body, framed=framed)


def _interim(status: int) -> Respond:
    def respond(exchange: Exchange) -> None:
        exchange.raw(f"HTTP/1.1 {status} Wait\r\nLink: </x>\r\n\r\n".encode())
        exchange.pass_on()

    return respond


def _unanswered(respond: Respond) -> Respond:
    """Respond with something else once the server has done its part, and hang up."""

    def after_reply(exchange: Exchange) -> None:
        if exchange.forwards:
            exchange.reply()
        exchange.close_connection = True
        respond(exchange)

    return after_reply


def _pause(seconds: float, exchange: Exchange) -> None:
    exchange.connection.settimeout(seconds)
    exchange.connection.recv(1)


def _trickle(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        exchange.raw(b"<")
        with suppress(TimeoutError):
            return _pause(0.02, exchange)
    return None


def _with_length(length: Callable[[int], int], part: float, exchange: Exchange) -> None:
    """Send a part of a response with another Content-Length, and hang up."""
    reply = exchange.reply()
    size = len(reply.body)
    headers = [*end_to_end(reply.headers), ("Content-Length", str(length(size)))]
    exchange.send(reply.status, headers, reply.body[: int(size * part)], framed=False)
    exchange.hang_up()


def _bytes(data: bytes) -> Respond:
    return _unanswered(lambda exchange: exchange.raw(data))


def _refusal(message: str, *, status: int = 409) -> Respond:
    """A refusal in the server's own form, XML or JSON as the request accepts."""

    def respond(exchange: Exchange) -> None:
        if "json" in exchange.headers.get("accept", "") or exchange.path.startswith("/api"):
            document = {"status": status, "message": message, "resource-id": message[:90]}
            exchange.send(status, [_JSON], json.dumps(document).encode())
        else:
            text = message.replace("&", "&amp;").replace("<", "&lt;").encode("utf-8", "replace")
            body = b'<error code="%d" reason="x" detail="">%s</error>' % (status, text)
            exchange.send(status, [_XML], body)

    return respond


def _echo(exchange: Exchange) -> None:
    """A refusal that quotes the request, its cookie and its body included."""
    quoted = " ".join(
        [exchange.headers.get("cookie", ""), exchange.body.decode("utf-8", "replace")]
    )
    _refusal(f"not allowed: {quoted[:300]}", status=403)(exchange)


def _expired(exchange: Exchange) -> None:
    """What a server says to a session that has ended."""
    cookie = "com.sixsq.slipstream.cookie=INVALID; Path=/; Max-Age=0"
    body = json.dumps({"status": 403, "message": "invalid authentication"}).encode()
    status = 403 if exchange.path.startswith("/api") else 401
    exchange.send(status, [_JSON, ("Set-Cookie", cookie)], body)


def _answer(status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> Respond:
    reply = faults.Reply(status, (("Content-Type", kind), *headers), body)
    refusal = 400 <= status < 500
    return partial(_send, faults.Fault("", lambda _: reply, replaces=True, refusal=refusal))


def _junk(coding: str, body: bytes) -> Respond:
    return _answer(200, "application/json", body, ("Content-Encoding", coding))


def _dated(value: str) -> faults.Change:
    def change(reply: faults.Reply) -> faults.Reply:
        others = tuple(header for header in reply.headers if header[0].lower() != "date")
        return attrs.evolve(reply, headers=(*others, ("Date", value)))

    return change


_TEXTS = re.compile(
    rb'("(?:name|description|message|status-message|state|subtype|user|username|owner|value|path'
    rb'|tags|country|resource:country|price:currency|connector|credential-name)" ?: ?")|'
    rb'( (?:name|description|state|status|abort|tags|user|value|cloudServiceNames|type)=")'
)


def _with_texts(text: str, exchange: Exchange) -> None:
    """Put a text before the value of whatever may be shown."""
    reply = exchange.reply()
    in_json = json.dumps(text)[1:-1].encode()
    # What XML cannot hold is left out.
    in_xml = "".join(c if c.isprintable() else f"&#{ord(c)};" for c in NOT_IN_XML.sub("", text))

    def put(hit: re.Match[bytes]) -> bytes:
        return hit[0] + (in_json if hit[1] else in_xml.encode("ascii", "xmlcharrefreplace"))

    exchange.send(reply.status, end_to_end(reply.headers), _TEXTS.sub(put, reply.body))


def _with_header_texts(text: str, exchange: Exchange) -> None:
    """Send a refusal whose headers, and whose reason, hold a text."""
    value = text.encode("utf-8", "replace").decode("latin-1").replace("\n", "").replace("\r", "")
    names = ("Content-Type", "Server", "X-Request-Id", "X-Correlation-Id", "Date", "Retry-After",
             "RateLimit-Policy", "Location", "WWW-Authenticate", "Set-Cookie", "ETag")  # fmt: skip
    if exchange.forwards:
        exchange.reply()
    exchange.send(500, [(name, value[:60_000]) for name in names], HTML)


for _code in (100, 102, 103, 199):
    _add(f"interim {_code}", _interim(_code))
for _fault in RESPONSE_FAULTS:
    _add(_fault.name, partial(_send, _fault), refusal=_fault.refusal)
for _text, _name in (
    ("\x1b[31mred\x1b[0m", "ESC"),
    ("line\r\nSet-Cookie: forged\nERROR forged line", "CR LF"),
    ("\x85\x9b31m\u2028\u202eabc", "C1"),
    ("long " * 12_000, "60 kB"),
):
    _add(f"refusal with {_name}", _refusal(_text), refusal=True)
    _add(f"failure with {_name}", _refusal(_text, status=500))
_add("reset", _unanswered(partial(Exchange.hang_up, reset=True)))
_add("hung up", _unanswered(Exchange.hang_up))
_add("silence", _unanswered(partial(_pause, 2.0)), slow=True)
_add("trickle", _unanswered(_trickle), slow=True)
_add("cut body", partial(_with_length, lambda n: n + 100, 0.5))
_add("shorter Content-Length", partial(_with_length, lambda n: n // 3, 1.0))
_add("gzip junk", _junk("gzip", b"\x1f\x8b\x08\xffjunk"))
_add("gzip cut", _junk("gzip", gzip.compress(HTML)[:-9]))
_add("expired cookie", _expired, refusal=True)
_add("refusal that quotes the request", _echo, refusal=True)
_add(
    "junk that quotes the request",
    lambda e: _bytes(f"HTTP/1.1 {e.headers.get('cookie', '')}\r\n\r\n".encode())(e),
)


for _code in (203, 205, 226, 299, 307, 399, 408, 410, 418, 451, 499, 507, 511, 599, 999):
    _page = _answer(_code, "text/html", HTML)
    _add(f"status {_code}", _page, refusal=400 <= _code < 500)
for _code in (200, 201, 202, 409, 502):
    for _kind, _body in (
        ("text/plain", b"OK"),
        ("application/octet-stream", bytes(range(256))),
        ("application/json", b'{"status": %d, "mess' % _code),
        ("application/xml", b"<ok/>"),
    ):
        _page = _answer(_code, _kind, _body)
        _add(f"{_code} {_kind} {_body[:20]!r}", _page, refusal=400 <= _code < 500)
for _text, _name in (
    ("\x1b]0;title\x07\x1b[2J", "ESC"),
    ("a\r\n[00000000 forged] b\x00", "CR LF"),
    ("\x85\x9b31m\u2028\u2029\u200f\u061c\u2067", "C1 and bidi"),
    ("\U000e0041\ufeff\ufffe\U0001f600", "odd characters"),
    ("x" * 60_000, "60 kB"),
):
    _add(f"texts with {_name}", partial(_with_texts, _text))
    _add(f"header texts with {_name}", partial(_with_header_texts, _text))
_OK, _CHUNKED = b"HTTP/1.1 200 X\r\n", b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
_BYTES = {
    "199 alone": b"HTTP/1.1 199 X\r\n\r\n",
    "negative chunk": _CHUNKED + b"-5\r\nab\r\n0\r\n\r\n",
    "chunk of no number": _CHUNKED + b"zz\r\nab\r\n",
    "huge chunk": _CHUNKED + b"fffffffffffffffff\r\nab",
    "endless chunk line": _CHUNKED + b"1" * 70_000,
    "two codings": _OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "negative Content-Length": _OK + b"Content-Length: -7\r\n\r\nabc",
    "two lengths": _OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\nabcde",
    "huge length": _OK + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "length in other digits": _OK + b"Content-Length: \xd9\xa3\r\n\r\nabc",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "header without end": _OK + b"X: " + b"a" * 70_000,
    "status of no number": b"HTTP/1.1 abc X\r\n\r\n",
    "huge status": b"HTTP/1.1 99999999999999999999 X\r\n\r\n",
    "negative status": b"HTTP/1.1 -1 X\r\n\r\n",
    "status 0": b"HTTP/1.1 0 X\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\n\r\n",
    "another version": b"HTTP/9.9 200 X\r\n\r\n",
    "reason with ESC": b"HTTP/1.1 200 \x1b[31m\r\nContent-Length: 0\r\n\r\n",
    "5,000 headers": _OK + b"A: b\r\n" * 5_000 + b"\r\n",
    "odd headers": _OK + b": x\r\n y\r\nno colon\r\n\r\n",
    "5,000 interim responses": b"HTTP/1.1 102 X\r\n\r\n" * 5_000,
    "switching protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    "NUL": b"\r\n\r\n\0\xff",
}
for _name, _body in _BYTES.items():
    _add(_name, _bytes(_body))
for _coding in ("br", "gzip, gzip", "deflate", "\xff", "x" * 60_000):
    _add(f"coding {_coding[:20]!r}", _junk(_coding, b"\x1f\x8b\x08\xffjunk"))
for _value in ("-1", "1e9", "\xb2", "Thu, 01 Jan 1970 00:00:00 GMT", "0.5", "1" * 5_000, ""):
    _page = _answer(503, "text/html", HTML, ("Retry-After", _value))
    _add(f"503, Retry-After {_value[:30]!r}", _page)
for _value in (
    *("Thu, 99 Jan 2026 99:99:99 GMT", "0", "-1", "\xff", "x" * 60_000),
    "Mon, 01 Jan 0001 00:00:00 +2359",
):
    _add(f"Date {_value[:30]!r}", partial(_send, faults.Fault("", _dated(_value))))
