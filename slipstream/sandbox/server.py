"""The HTTP server, one thread for each connection, and the journal of its requests."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import parse_qs

import attrs
from werkzeug import Request, Response
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import BadRequest, HTTPException, MisdirectedRequest
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from slipstream.sandbox.faults import Fault, Faults, RawResponse


@attrs.frozen(kw_only=True)
class Entry:
    """
    A request and its status.

    :param method: The HTTP method.
    :param path: The path, decoded, without the query.
    :param query: The query; the values of each name in the order sent.
    :param headers: The request's headers, names in lower case.
    :param form: The fields of a form body, or None if the body is no form.
    :param json: The JSON body, or None if the body is no JSON.
    :param body: The body as it came.
    :param user: The sender, as the server identified it; None without a login.
    :param status: The status of the response; 0 if the connection was cut instead.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str] = attrs.field(repr=False)
    form: dict[str, list[str]] | None = attrs.field(repr=False)
    json: Any = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    user: str | None
    status: int


class Journal(list[Entry]):
    """The requests received, oldest first."""

    def entries(self, method: str | None = None, path: str | None = None) -> list[Entry]:
        """
        Read the journal.

        :param method: Only requests of this method.
        :param path: Only requests of exactly this path.
        :returns: A copy of the entries.
        """
        return [
            entry
            for entry in self.copy()
            if method in {None, entry.method} and path in {None, entry.path}
        ]


Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
NOTES = "slipstream.sandbox.notes"
"""Where in its environment an application writes the ``user`` who has sent a request."""
LARGEST_BODY = 16 * 1024 * 1024
"""Bytes that a body may have, packed or not."""
LONGEST_SILENCE = 300.0
"""Seconds after which a connection ends whose client sends nothing."""
MOST_CONNECTIONS = 256
"""Connections, each with a thread, that are kept at the same time."""
_HOST = re.compile(r"(?:((?:[\w-]+(?:\.[\w-]+)*\.?)?)|\[([\da-f:.]+)\])(?::\d+)?")
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_SILENCE
    # Headers and body leave in two writes; on a kept connection Nagle would hold the second.
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the journal has the requests."""

    def version_string(self) -> str:
        """Name the sandbox, so that its recordings are not mistaken for those of a real server."""
        return "slipstream-sandbox"

    def run_wsgi(self) -> None:
        """
        Handle one request and keep the connection.

        The library's own method closes every connection, because an application may leave a
        part of the request unread. Ours never does.
        """
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
        try:
            content, status, headers = run_wsgi_app(self.server.app, self.make_environ())
            self.close_connection |= headers.get("Connection") == "close"
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            for part in content:
                self.wfile.write(part)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True


def is_host_allowed(header: str, listening: str, allowed: Collection[str]) -> bool:
    """
    Whether a request with this header ``Host`` is accepted.

    No page of another site can so reach the sandbox under a name of that site's. Names of this
    machine, and those that are allowed, are answered.
    """
    match = _HOST.fullmatch(header.lower())
    if match is None:
        return False
    host = (match[1] or match[2] or "").removesuffix(".")
    if not host or host in {listening.lower(), *allowed}:
        return True
    try:
        number, own = ip_address(host), ip_address(listening)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return number.is_loopback or not own.is_loopback


@attrs.frozen(kw_only=True)
class Gate:
    """
    The outer layer of the application: writes the journal and injects faults, but not for the
    dashboard.
    """

    application: Application
    journal: Journal
    faults: Faults
    expire_sessions: Callable[[], None]
    find_page: Callable[[Environ], Application | None]
    host: str
    allowed_hosts: Collection[str]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            body = self._read(environ)
        except HTTPException as error:
            # The body stays unread: the connection ends with it.
            text = f"{error.code} {error.name}\n"
            refusal = Response(text, error.code, {"Connection": "close"}, mimetype="text/plain")
            return refusal(environ, start_response)
        if page := self.find_page(environ):
            response = RawResponse.from_app(page, environ, buffered=True)
            return response(environ, start_response)
        environ[NOTES] = {"user": None}
        fault = self.faults.take(environ["REQUEST_METHOD"], environ["PATH_INFO"]) or Fault()
        time.sleep(fault.delay)
        if fault.expire_sessions:
            self.expire_sessions()
        if fault.cut == "before":
            self._note(environ, body, 0)
            _cut(environ)
        response = fault.response() or self._forward(environ, fault)
        self._note(environ, body, 0 if fault.cut == "after" else response.status_code)
        if fault.cut == "after":
            _cut(environ)
        if fault.cut == "body":
            response.content_length = len(response.data)
            response.response = _half(environ, response.data)
        return response(environ, start_response)

    def _read(self, environ: Environ) -> bytes:
        header = environ.get("HTTP_HOST", "")
        if not is_host_allowed(header, self.host, self.allowed_hosts):
            raise MisdirectedRequest
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            raise BadRequest
        request = Request(environ, populate_request=False)
        request.max_content_length = LARGEST_BODY
        try:
            body = request.get_data(cache=False)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise BadRequest from None  # chunks that are none
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return body

    def _forward(self, environ: Environ, fault: Fault) -> Response:
        response = RawResponse.from_app(self.application, environ, buffered=True)
        response.headers.extend(fault.headers or {})
        return response

    def _note(self, environ: Environ, body: bytes, status: int) -> None:
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        is_form = kind == "application/x-www-form-urlencoded"
        self.journal.append(
            Entry(
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                query=_fields(environ.get("QUERY_STRING", "")),
                headers={name.lower(): value for name, value in EnvironHeaders(environ)},
                form=_fields(body.decode("utf-8", "replace")) if is_form else None,
                json=_read_json(body) if kind == "application/json" else None,
                body=body,
                **environ[NOTES],
                status=status,
            )
        )


def _fields(text: str) -> dict[str, list[str]]:
    return parse_qs(text, keep_blank_values=True)


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _cut(environ: Environ) -> NoReturn:
    with contextlib.suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _half(environ: Environ, content: bytes) -> Iterable[bytes]:
    yield content[: len(content) // 2]
    _cut(environ)


class Server(ThreadedWSGIServer):
    """A WSGI application on a port of this machine; 0 lets the system choose the port."""

    def __init__(self, application: Application, *, host: str, port: int) -> None:
        # Connections that clients keep would outlive the server otherwise.
        self._open: set[Any] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # A socket of our own: the library would print its opinion of a busy port and exit.
        with socket.create_server((host, port), family=family, backlog=128) as listener:
            super().__init__(host, port, application, _Handler, fd=listener.fileno())
        self._thread = threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="slipstream-sandbox",
            daemon=True,
        )

    def process_request(self, request: Any, client_address: Any) -> None:
        """Register a new connection; refuse it if there are too many."""
        if len(self._open) >= MOST_CONNECTIONS:
            with contextlib.suppress(OSError):
                request.sendall(_BUSY)
            self.shutdown_request(request)
            return
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, and close every connection."""
        self.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
