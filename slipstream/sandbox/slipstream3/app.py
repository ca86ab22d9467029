"""The application: both halves of the server behind one address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from slipstream.sandbox.server import USER_KEY, Application, Environ
from slipstream.sandbox.slipstream3 import answers, sessions
from slipstream.sandbox.slipstream3.json_routes import json_routes
from slipstream.sandbox.slipstream3.open_routes import open_routes
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.slipstream3.xml_routes import xml_routes


def application(world: World) -> Application:
    """
    Make the WSGI application that serves a world.

    :param world: The world.
    :returns: The application; it answers one request at a time.
    """
    flask = _flask(world)

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        _tunnel(environ)
        with world.lock:
            world.tick()
            return list(flask.wsgi_app(environ, start_response))

    return serve


def _tunnel(environ: Environ) -> None:
    # The XML service lets a POST name another method; the JSON service does not.
    if environ["REQUEST_METHOD"] == "POST" and not environ["PATH_INFO"].startswith("/api/"):
        method = parse_qs(environ.get("QUERY_STRING", "")).get("method")
        if method:
            environ["REQUEST_METHOD"] = method[0].upper()


def _flask(world: World) -> Flask:
    flask = Flask("slipstream.sandbox", static_folder=None)
    flask.url_map.merge_slashes = False
    flask.url_map.strict_slashes = False
    flask.json.ensure_ascii = True  # type: ignore[attr-defined]

    @flask.before_request
    def identify() -> None:
        g.identity = sessions.identify(world, request.cookies.get(sessions.COOKIE))
        request.environ[USER_KEY] = g.identity.name

    @flask.errorhandler(XmlProblem)
    def refuse(problem: XmlProblem) -> Response:
        return answers.refuse(request, problem)

    @flask.errorhandler(HTTPException)
    def fail(error: HTTPException) -> Response:
        status = error.code if error.code in {400, 404, 405, 415} else 500
        return answers.refuse(request, XmlProblem(status))

    flask.register_blueprint(json_routes(world))
    flask.register_blueprint(open_routes(world))
    flask.register_blueprint(xml_routes(world))
    return flask
