"""The addresses that need no login: logging in and out by hand, and the sites deployed."""

from __future__ import annotations

from flask import Blueprint, Response

from slipstream.sandbox.slipstream3 import answers, sessions
from slipstream.sandbox.slipstream3.json_routes import form_login
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.runs import ENDED
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.web import base_url


def open_routes(world: World) -> Blueprint:
    """
    Make the routes that need no login.

    :param world: The world.
    :returns: The blueprint.
    """
    blueprint = Blueprint("open", __name__)

    @blueprint.delete("/logout")
    def log_out() -> Response:
        response = answers.empty(303, location=f"{base_url()}/login")
        response.headers["Set-Cookie"] = sessions.clearing_cookie(world)
        return response

    @blueprint.get("/login")
    def login_page() -> Response:
        return answers.site_page("Login")

    @blueprint.post("/login")
    def log_in() -> Response:
        if world.version.since(41):
            raise XmlProblem(405)
        return form_login(world)

    @blueprint.get("/sites/<uuid>/")
    def site(uuid: str) -> Response:
        return _site(world, uuid)

    return blueprint


def _site(world: World, uuid: str) -> Response:
    run = world.runs.get(uuid)
    if run is None or run.state in ENDED:
        raise XmlProblem(404)
    if not run.get("ss:url.service") or run.state not in {"Ready", "Finalizing"}:
        return answers.text("The site is not up yet.\n", status=503)
    titles = (one.value for one in run.runtime.values() if one.name == "wordpress_title")
    return answers.site_page(next(titles, "It works"))
