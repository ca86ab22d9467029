"""The page of the sandbox in a browser: its state, its requests, and some buttons."""

from __future__ import annotations

import secrets
from functools import cached_property, partial
from ipaddress import ip_address
from itertools import islice
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as Redirection

from slipstream.sandbox.families import Family
from slipstream.sandbox.faults import Faults
from slipstream.sandbox.server import Application, Environ, Journal
from slipstream.sandbox.world import BaseWorld, Login

# Nothing of another site is loaded, and no other site can show the page in a frame.
_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; style-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SPEEDS = (1.0, 20.0, 100.0)
_ROWS = 12
"""Rows of a table at most."""


class Dashboard:
    """The dashboard of a sandbox; the login is shown to browsers on this machine alone."""

    def __init__(
        self, family: Family, world: BaseWorld, login: Login, faults: Faults, journal: Journal
    ) -> None:
        self._family, self._world, self._login = family, world, login
        self._faults, self._journal = faults, journal
        self._token = secrets.token_urlsafe()
        self._speeds = sorted({*_SPEEDS, world.clock.speed} - {0.0})

    def find(self, environ: Environ) -> Application | None:
        """The application for a request, if it is the dashboard's."""
        path = environ["PATH_INFO"]
        is_page = path == "/" and environ["REQUEST_METHOD"] == "GET" and _is_browser(environ)
        is_file = path == "/favicon.ico" or path.startswith("/sandbox/")
        return self._app if is_page or is_file else None

    @cached_property
    def _app(self) -> Flask:
        app = Flask(__name__, static_url_path="/sandbox")
        app.add_url_rule("/", view_func=self._page)
        icon = partial(app.send_static_file, "favicon.svg")
        app.add_url_rule("/favicon.ico", "icon", icon)
        app.add_url_rule("/sandbox/clock", view_func=self._change_clock, methods=["POST"])
        app.add_url_rule("/sandbox/faults", view_func=self._change_faults, methods=["POST"])
        app.before_request(self._refuse_other_sites)
        app.after_request(_add_policy)
        return app

    def _page(self) -> str:
        world = self._world
        with world.lock:
            world.tick()
            overview = world.overview()
        return render_template(
            "dashboard.html",
            clock=world.clock,
            exports=self._family.exports(world.base_url, self._login) if _is_local() else None,
            family=self._family,
            faults=list(self._faults),
            next_failure=world.next_failure,
            overview=overview,
            requests=list(islice(reversed(self._journal.entries()), _ROWS)),
            rows=_ROWS,
            speeds=self._speeds,
            token=self._token,
            url=world.base_url,
        )

    def _refuse_other_sites(self) -> None:
        if request.method != "POST":
            return
        origin = request.headers.get("Origin")
        is_own = origin is None or urlsplit(origin).netloc == request.host
        token = request.form.get("token", "").encode()
        if not (is_own and secrets.compare_digest(token, self._token.encode())):
            abort(403, "This page is out of date, or of another site. Open / again.")

    def _change_clock(self) -> Redirection:
        speeds = {f"{speed:g}": speed for speed in (0.0, *self._speeds)}
        if "advance" in request.form:
            self._world.clock.advance(60)
        elif (speed := request.form.get("speed")) in speeds:
            self._world.clock.speed = speeds[speed]
        else:
            abort(400, f"The speeds are {', '.join(speeds)}.")
        return redirect("/", 303)

    def _change_faults(self) -> Redirection:
        match request.form.get("fault"):
            case "request":
                self._faults.add(status=503)
            case "deployment":
                self._world.next_failure = "The dashboard made this deployment fail."
            case "none":
                self._faults.clear()
                self._world.next_failure = ""
        return redirect("/", 303)


def _is_browser(environ: Environ) -> bool:
    accepted = parse_accept_header(environ.get("HTTP_ACCEPT"), MIMEAccept)
    return max(accepted, key=lambda item: item[1], default=("", 0))[0] == "text/html"


def _is_local() -> bool:
    return ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104 - no address


def _add_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
