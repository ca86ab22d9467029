"""The faults that the proxy can answer with: those of responses, and those of the connection."""

from __future__ import annotations

import gzip
import json
from functools import partial

import attrs

from slipstream.testing import faults
from slipstream.testing.faults import HTML, RESPONSE_FAULTS

from .proxy import HOP, Exchange, Respond

_JSON = ("Content-Type", "application/json")
_XML = ("Content-Type", "application/xml")


@attrs.frozen
class Fault:
    """
    One way in which a response can be wrong.

    :param refusal: Whether it says that the server refuses, so that the server is believed to
        have done nothing.
    :param slow: Whether it makes the driver wait for as long as its timeout.
    """

    name: str
    respond: Respond
    refusal: bool = False
    slow: bool = False


FAULTS: list[Fault] = []


def _add(name: str, respond: Respond, **marks: bool) -> None:
    FAULTS.append(Fault(name, respond, **marks))


def _send(fault: faults.Fault, exchange: Exchange) -> None:
    """Send what a fault makes of the response; the server has done its part unless it refuses."""
    reply = faults.Reply(0, (), b"")
    if not fault.replaces or (exchange.forwards and not fault.refusal):
        reply = exchange.reply()
    reply = fault.change(reply)
    kept = [(n, v) for n, v in reply.headers if n.lower() not in HOP]
    exchange.send(reply.status, kept, reply.body, framed=reply.status not in {204, 304})


def _junk_instead(coding: str, body: bytes) -> Respond:
    junk = faults.Reply(200, (_JSON, ("Content-Encoding", coding)), body)
    return partial(_send, faults.Fault("", lambda _: junk, replaces=True))


def _interim(status: int) -> Respond:
    def respond(exchange: Exchange) -> None:
        exchange.raw(f"HTTP/1.1 {status} Wait\r\nLink: </x>\r\n\r\n".encode())
        exchange.pass_on()

    return respond


def _silent(exchange: Exchange) -> None:
    if exchange.forwards:
        exchange.reply()
    exchange.hung_up = True
    _pause(exchange, 2.0)


def _pause(exchange: Exchange, seconds: float) -> None:
    exchange.connection.settimeout(seconds)
    exchange.connection.recv(1)


def _trickle(exchange: Exchange) -> None:
    if exchange.forwards:
        exchange.reply()
    exchange.hung_up = True
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        exchange.raw(b"<")
        try:
            _pause(exchange, 0.02)
            return
        except TimeoutError:
            continue


def _reset(exchange: Exchange) -> None:
    if exchange.forwards:
        exchange.reply()
    exchange.hang_up(reset=True)


def _close(exchange: Exchange) -> None:
    if exchange.forwards:
        exchange.reply()
    exchange.hang_up()


def _cut(exchange: Exchange) -> None:
    reply = exchange.reply()
    head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {reply.header('content-type')}\r\n"
    location = reply.header("location")
    if location:
        head += f"Location: {location}\r\n"
    exchange.raw(
        f"{head}Content-Length: {len(reply.body) + 100}\r\n\r\n".encode()
        + reply.body[: len(reply.body) // 2]
    )
    exchange.hang_up()


def _bytes(data: bytes) -> Respond:
    def respond(exchange: Exchange) -> None:
        if exchange.forwards:
            exchange.reply()
        exchange.raw(data)
        exchange.hang_up()

    return respond


def _refusal(message: str, *, status: int = 409) -> Respond:
    """A refusal in the server's own form, XML or JSON as was asked for."""

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
    said = " ".join([exchange.headers.get("cookie", ""), exchange.body.decode("utf-8", "replace")])
    _refusal(f"not allowed: {said[:300]}", status=403)(exchange)


def _expired(exchange: Exchange) -> None:
    """What a server says to a session that has ended."""
    cookie = "com.sixsq.slipstream.cookie=INVALID; Path=/; Max-Age=0"
    body = json.dumps({"status": 403, "message": "invalid authentication"}).encode()
    status = 403 if exchange.path.startswith("/api") else 401
    exchange.send(status, [_JSON, ("Set-Cookie", cookie)], body)


def _length_off(exchange: Exchange) -> None:
    reply = exchange.reply()
    head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {reply.header('content-type')}\r\n"
    exchange.raw(f"{head}Content-Length: {len(reply.body) // 3}\r\n\r\n".encode() + reply.body)
    exchange.hang_up()


for _code in (100, 102, 103, 199):
    _add(f"interim {_code}", _interim(_code))
_add("199 alone", _bytes(b"HTTP/1.1 199 X\r\n\r\n"))
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
_add("reset", _reset)
_add("hung up", _close)
_add("silence", _silent, slow=True)
_add("trickle", _trickle, slow=True)
_add("cut body", _cut)
_add("shorter Content-Length", _length_off)
_add(
    "negative chunk",
    _bytes(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab\r\n0\r\n\r\n"),
)
_add(
    "chunk of no number",
    _bytes(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n"),
)
_add("negative Content-Length", _bytes(b"HTTP/1.1 200 X\r\nContent-Length: -7\r\n\r\nabc"))
_add("gzip junk", _junk_instead("gzip", b"\x1f\x8b\x08\xffjunk"))
_add("gzip cut", _junk_instead("gzip", gzip.compress(HTML)[:-9]))
_add("no HTTP", _bytes(b"SSH-2.0-OpenSSH_9.2\r\n"))
_add("header without end", _bytes(b"HTTP/1.1 200 X\r\nX: " + b"a" * 70_000))
_add("expired cookie", _expired, refusal=True)
_add("refusal that quotes the request", _echo, refusal=True)
_add(
    "junk that quotes the request",
    lambda e: _bytes(f"HTTP/1.1 {e.headers.get('cookie', '')}\r\n\r\n".encode())(e),
)
