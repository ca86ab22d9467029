"""The faults that the proxy can answer with."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from email.utils import formatdate
from html import escape
from time import time
from typing import Any

import attrs

from .proxy import Exchange, Reply, Respond

HTML = (
    b"<html><head><title>Sign in</title></head><body><h1>Welcome to the hotel</h1></body></html>"
)
DAY = 24 * 3600
_JSON = ("Content-Type", "application/json")
_XML = ("Content-Type", "application/xml")
_HTML = ("Content-Type", "text/html; charset=utf-8")


@attrs.frozen
class Fault:
    """
    One way in which a response can be wrong.

    :param refusal: Whether it says that the server refuses, so that the server is believed to
        have done nothing.
    :param slow: Whether it makes the driver wait for as long as its timeout.
    :param harmless: Whether the driver has all that it needs.
    """

    name: str
    respond: Respond
    refusal: bool = False
    slow: bool = False
    harmless: bool = False


FAULTS: list[Fault] = []


def _add(name: str, respond: Respond, **marks: bool) -> None:
    FAULTS.append(Fault(name, respond, **marks))


def _instead(
    status: int, headers: list[tuple[str, str]], body: bytes, *, refusal: bool = False
) -> Respond:
    """Answer in the server's place; it has done what was asked unless it refuses."""

    def respond(exchange: Exchange) -> None:
        if exchange.forwards and not refusal:
            exchange.reply()
        exchange.send(status, headers, body, framed=status not in {204, 304})

    return respond


def _status(status: int, *headers: tuple[str, str], name: str = "", body: bytes = HTML) -> None:
    refusal = 400 <= status < 500
    text = b"" if status in {204, 304} else body
    fields = [_HTML, *headers] if text else list(headers)
    _add(
        name or f"status {status}",
        _instead(status, fields, text, refusal=refusal),
        refusal=refusal,
    )


def _changed(change: Callable[[Reply], Reply]) -> Respond:
    """The server's response with something changed."""

    def respond(exchange: Exchange) -> None:
        reply = change(exchange.reply())
        kept = [
            (n, v)
            for n, v in reply.headers
            if n.lower() not in {"connection", "transfer-encoding", "content-length"}
        ]
        exchange.send(reply.status, kept, reply.body)

    return respond


def _interim(status: int) -> Respond:
    def respond(exchange: Exchange) -> None:
        exchange.raw(f"HTTP/1.1 {status} Wait\r\nLink: </x>\r\n\r\n".encode())
        exchange.pass_on()

    return respond


def _with_header(name: str, value: str) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        others = [(n, v) for n, v in reply.headers if n.lower() != name.lower()]
        return attrs.evolve(reply, headers=[*others, (name, value)])

    return change


def _in_json(change: Callable[[Any], Any]) -> Callable[[Reply], Reply]:
    def changed(reply: Reply) -> Reply:
        try:
            document = json.loads(reply.body)
        except ValueError:
            return reply
        return attrs.evolve(reply, body=json.dumps(_walk(document, change)).encode())

    return changed


def _walk(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return change({k: _walk(v, change) for k, v in value.items()})
    return [_walk(v, change) for v in value] if isinstance(value, list) else value


def _in_body(pattern: bytes, replacement: bytes) -> Callable[[Reply], Reply]:
    return lambda reply: attrs.evolve(reply, body=re.sub(pattern, replacement, reply.body))


def _both(*changes: Callable[[Reply], Reply]) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        for step in changes:
            reply = step(reply)
        return reply

    return change


def _without_ids(document: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in {"id", "resource-id"}}


def _setting(key: str, value: Any) -> Callable[[Any], Any]:
    return lambda document: {**document, key: value} if key in document else document


def _huge(value: Any) -> Any:
    return 10**400 if isinstance(value, int) and not isinstance(value, bool) else value


def _with_controls(document: dict[str, Any]) -> dict[str, Any]:
    shown = {"name", "state", "message"} & document.keys()
    return {**document, **{key: f"{document[key]}\x1b[31m\r\n" for key in shown}}


def _silent(exchange: Exchange) -> None:
    if exchange.forwards:
        exchange.reply()
    exchange.hung_up = True
    _PAUSE(exchange, 2.0)


def _PAUSE(exchange: Exchange, seconds: float) -> None:  # noqa: N802
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
            _PAUSE(exchange, 0.02)
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
    _add(f"interim {_code}", _interim(_code), harmless=True)
_add("199 alone", _bytes(b"HTTP/1.1 199 X\r\n\r\n"))
for _code in (200, 201, 202, 300, 304, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504):
    _status(_code)
for _code in (200, 201, 202, 204):
    _status(_code, name=f"empty {_code}", body=b"")
for _code in (404, 500, 503):
    _status(_code, name=f"empty {_code}", body=b"")
for _value in ("0", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "-5"):
    _status(429, ("Retry-After", _value), name=f"429, Retry-After {_value[:16]}")
    _status(503, ("Retry-After", _value), name=f"503, Retry-After {_value[:16]}")
for _body, _name in (
    (b"null", "null"),
    (b"[]", "list"),
    (b"{}", "empty object"),
    (b'"text"', "text"),
    (b"17", "number"),
    (b"[" * 100_000 + b"]" * 100_000, "deep JSON"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep objects"),
    (b'{"id": "\\ud800", "message": "\\udfff"}', "lone surrogates"),
    (b'{"id": "\xff\xfe\x80"}', "JSON of no UTF-8"),
    (b'{"id": NaN, "count": 1e999}', "NaN"),
):
    _add(f"JSON: {_name}", _instead(200, [_JSON], _body))
_add("JSON: 201 null", _instead(201, [_JSON], b"null"))
_add("JSON: 201 odd id", _instead(201, [_JSON], b'{"resource-id": "../../../etc"}'))
for _body, _name in (
    (b"<x/>", "other element"),
    (b"<a>" * 100_000 + b"</a>" * 100_000, "deep XML"),
    (b"<runs>\xff\xfe</runs>", "XML of no UTF-8"),
    (b"<runs><item", "cut XML"),
    (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
):
    _add(f"XML: {_name}", _instead(200, [_XML], _body))
_add("HTML as JSON", _instead(200, [_JSON], HTML))
_add("HTML as XML", _instead(200, [_XML], HTML))
for _text, _name in (
    ("\x1b[31mred\x1b[0m", "ESC"),
    ("line\r\nSet-Cookie: forged\nERROR forged line", "CR LF"),
    ("\x85\x9b31m\u2028\u202eabc", "C1"),
    ("long " * 12_000, "60 kB"),
):
    _add(f"refusal with {_name}", _refusal(_text), refusal=True)
    _add(f"failure with {_name}", _refusal(_text, status=500))
for _where, _name in (
    ("http://example.org:1/elsewhere", "another host"),
    ("/elsewhere", "relative"),
    ("", "empty"),
    ("http://[", "no URL"),
    ("http://\xff\xfe/", "no UTF-8"),
    ("javascript:alert(1)", "script"),
    ("http://h/" + "x" * 60_000, "60 kB"),
    ("http://h/\x1b[31m", "ESC"),
):
    _add(f"302 to {_name}", _instead(302, [("Location", _where)], b""))
_add("301 without Location", _instead(301, [], b""))
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
_add("gzip junk", _instead(200, [_JSON, ("Content-Encoding", "gzip")], b"\x1f\x8b\x08\xffjunk"))
_add("gzip cut", _instead(200, [_XML, ("Content-Encoding", "gzip")], gzip.compress(HTML)[:-9]))
_add("no HTTP", _bytes(b"SSH-2.0-OpenSSH_9.2\r\n"))
_add("header without end", _bytes(b"HTTP/1.1 200 X\r\nX: " + b"a" * 70_000))
_add(
    "two Content-Types",
    _changed(lambda r: attrs.evolve(r, headers=[*r.headers, ("Content-Type", "text/plain")])),
)
_add(
    "two Dates",
    _changed(lambda r: attrs.evolve(r, headers=[*r.headers, ("Date", "x")])),
    harmless=True,
)
_add("body cut in half", _changed(lambda r: attrs.evolve(r, body=r.body[: len(r.body) // 2])))
_add(
    "count null",
    _changed(
        _both(_in_json(_setting("count", None)), _in_body(rb'(totalC|c)ount="\d+"', rb'\1ount=""'))
    ),
)
_add(
    "count more",
    _changed(
        _both(
            _in_json(_setting("count", 7000)),
            _in_body(rb'otalCount="\d+"', b'otalCount="999999999"'),
        )
    ),
)
_add(
    "no ids",
    _changed(_both(_in_json(_without_ids), _in_body(rb' (uuid|resourceUri|name)="[^"]*"', b""))),
)
_add(
    "empty ids",
    _changed(
        _both(_in_json(_setting("id", "")), _in_body(rb' (uuid|resourceUri)="[^"]*"', rb' \1=""'))
    ),
)
_add(
    "control characters",
    _changed(
        _both(
            _in_json(_with_controls),
            _in_body(rb' (name|state|status)="([^"]*)"', rb' \1="\2&#x9b;31m&#10;"'),
        )
    ),
)
_add("values null", _changed(_in_json(dict.fromkeys)))
_add("values lists", _changed(_in_json(lambda d: {k: [v] for k, v in d.items()})))
_add(
    "Date two days ahead",
    _changed(_with_header("Date", formatdate(time() + 2 * DAY, usegmt=True))),
    harmless=True,
)
_add(
    "Date of the year 9999",
    _changed(_with_header("Date", "Fri, 31 Dec 9999 23:59:59 GMT")),
    harmless=True,
)
_add(
    "odd cookies",
    _changed(_with_header("Set-Cookie", "a=b; Expires=Fri, 99 Foo 99999 99:99:99; Domain=\xff")),
    harmless=True,
)
_add("expired cookie", _expired, refusal=True)
_add(
    "Date two days behind",
    _changed(_with_header("Date", formatdate(time() - 2 * DAY, usegmt=True))),
    harmless=True,
)
_add("refusal that quotes the request", _echo, refusal=True)
_add(
    "junk that quotes the request",
    lambda e: _bytes(f"HTTP/1.1 {e.headers.get('cookie', '')}\r\n\r\n".encode())(e),
)
for _value, _name in (
    ("../../user/alice", "elsewhere"),
    ("a\r\nb\x1b", "of control characters"),
    ("x" * 60_000, "60 kB"),
    ("\ud800", "of half a character"),
    (10**400, "a number"),
):
    _add(
        f"ids {_name}",
        _changed(
            _both(
                _in_json(lambda d, v=_value: _setting("resource-id", v)(_setting("id", v)(d))),
                _in_body(
                    rb' (uuid|resourceUri)="[^"]*"',
                    rb' \1="%s"' % escape(str(_value)[:2000]).encode("ascii", "xmlcharrefreplace"),
                ),
            )
        ),
    )
_add("numbers huge", _changed(_in_json(lambda d: {k: _huge(v) for k, v in d.items()})))
_add(
    "201 as 200", _changed(lambda r: attrs.evolve(r, status=200 if r.status == 201 else r.status))
)
