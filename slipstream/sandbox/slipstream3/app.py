"""The application: both halves of the server behind one address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from flask import Flask

from slipstream.sandbox.server import Application, Environ
from slipstream.sandbox.slipstream3.resources import JsonService
from slipstream.sandbox.slipstream3.routes import add_routes
from slipstream.sandbox.slipstream3.state import State


def application(state: State) -> Application:
    """Make the WSGI application that serves a server's state."""
    app = Flask("slipstream.sandbox", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.json.ensure_ascii = True  # type: ignore[attr-defined]
    JsonService(state).add_routes(app)
    add_routes(app, state)

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/api"):
            _tunnel(environ)
        with state.lock:
            state.tick()
            return list(app.wsgi_app(environ, start_response))

    return serve


def _tunnel(environ: Environ) -> None:
    # The XML service lets a POST name another method, and an address name the variant.
    query = environ.get("QUERY_STRING", "")
    method = parse_qs(query).get("method")
    if method and environ["REQUEST_METHOD"] == "POST":
        environ["REQUEST_METHOD"] = method[0].upper()
    path, _, extension = environ["PATH_INFO"].rpartition(".")
    if extension == "xml":
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = f"media=xml&{query}".rstrip("&")
