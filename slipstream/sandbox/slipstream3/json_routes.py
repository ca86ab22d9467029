"""The addresses of the JSON service: ``/api`` and ``/auth``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, json, request

from slipstream.sandbox.problems import JsonProblem, MalformedJson
from slipstream.sandbox.slipstream3 import sessions
from slipstream.sandbox.slipstream3.access import acl, role
from slipstream.sandbox.slipstream3.answers import text
from slipstream.sandbox.slipstream3.cimi import Cimi
from slipstream.sandbox.slipstream3.collections import Collection, collections
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.web import FORM, METHODS, base_url, json_body, query_fields

_ENTRY_POINT = "cloud-entry-point"


def _answer(document: Any, status: int = 200, *, charset: bool = False) -> Response:
    content = json.dumps(document, indent=2, separators=(",", " : "), sort_keys=False)
    kind = "application/json; charset=utf-8" if charset else "application/json"
    response = Response(content, status, content_type=kind)
    response.autocorrect_location_header = False
    return response


def _told(status: int, message: str, resource: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"status": status, "message": message}
    return told | ({"resource-id": resource} if resource else {})


class _Api:
    """Finds what a path under ``/api`` means."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.collections: Mapping[str, Collection] = collections(world.version)

    def answer(self, path: str) -> Response:
        """
        Answer any request under ``/api``.

        :param path: The rest of the path.
        :returns: The response.
        :raises JsonProblem: If it is refused.
        """
        parts = path.split("/")
        if path == _ENTRY_POINT:
            return self.entry_point()
        if len(parts) > 3:
            raise JsonProblem(404, "unknown resource", f"api/{path}")
        collection = self.collections.get(parts[0])
        if collection is None:
            raise self._wrong_method(path)
        if len(parts) == 1:
            return self.on_collection(collection)
        identifier = "/".join(parts[:2])
        if len(parts) == 2:
            return self.on_resource(collection, identifier)
        cimi = Cimi(self.world, g.identity)
        return _answer(cimi.act(collection, identifier, parts[2], request.method.lower()))

    @staticmethod
    def _wrong_method(path: str) -> JsonProblem:
        method = request.method.lower()
        return JsonProblem(405, f"invalid method ({method}) for /api/{path}", f"api/{path}")

    def entry_point(self) -> Response:
        """
        Answer with the cloud entry point.

        :returns: The response.
        :raises JsonProblem: If it is not read.
        """
        if request.method != "GET":
            if request.method == "PUT" and not g.identity.is_admin:
                raise JsonProblem(403, "invalid credentials for 'cloud-entry-point'")
            raise self._wrong_method(_ENTRY_POINT)
        document: dict[str, Any] = {
            "id": _ENTRY_POINT,
            "resourceURI": "http://schemas.dmtf.org/cimi/2/CloudEntryPoint",
            "created": "2016-06-21T17:31:14.950Z",
            "updated": "2016-06-21T17:31:14.950Z",
            "acl": acl(role("ANON", "VIEW"), role("ADMIN", "ALL")),
            "baseURI": f"{base_url()}/api/",
        }
        every = {one.key: {"href": one.name} for one in self.collections.values()}
        return _answer(document | every, charset=True)

    def on_collection(self, collection: Collection) -> Response:
        """
        Search a collection, or add to it.

        :param collection: The collection.
        :returns: The response.
        :raises JsonProblem: If it is refused.
        """
        cimi = Cimi(self.world, g.identity)
        if request.method in {"GET", "PUT"}:
            if request.mimetype == "application/json":
                json_body()
            return _answer(cimi.search(collection, query_fields()))
        if request.method != "POST":
            raise self._wrong_method(collection.name)
        if collection.name == "session":
            return self.log_in()
        document, once = cimi.add(collection, json_body())
        identifier = document["id"]
        response = _answer({**_told(201, self._created(identifier), identifier), **once}, 201)
        response.headers["Location"] = identifier
        return response

    def _created(self, identifier: str) -> str:
        modern = self.world.version.since(42)
        return f"{identifier} created" if modern else f"created {identifier}"

    def on_resource(self, collection: Collection, identifier: str) -> Response:
        """
        Read, edit or delete a document.

        :param collection: Its collection.
        :param identifier: Its id.
        :returns: The response.
        :raises JsonProblem: If it is refused.
        """
        cimi = Cimi(self.world, g.identity)
        if request.method == "GET":
            return _answer(cimi.read(collection, identifier, query_fields()))
        if request.method == "PUT":
            return _answer(cimi.edit(collection, identifier, json_body(), query_fields()))
        if request.method != "DELETE":
            raise self._wrong_method(identifier)
        cimi.delete(identifier)
        response = _answer(_told(200, f"{identifier} deleted", identifier))
        if collection.name == "session":
            response.headers["Set-Cookie"] = sessions.clearing_cookie(self.world)
        return response

    def log_in(self) -> Response:
        """
        Open a session.

        :returns: The response.
        :raises JsonProblem: If it is refused and no redirect was asked for.
        """
        body = _login_body()
        template = body.get("sessionTemplate") if isinstance(body, dict) else None
        redirect = body.get("redirectURI") if isinstance(body, dict) else None
        if isinstance(template, dict):
            redirect = redirect or template.get("redirectURI")
        try:
            opened = sessions.open_session(self.world, body, base=base_url())
        except JsonProblem as problem:
            told = problem.status == 403 or (
                problem.status == 400 and self.world.version.since(55)
            )
            if not (redirect and told):
                raise
            response = _answer(_told(303, problem.message), 303)
            response.headers["Location"] = f"{redirect}?error={quote(problem.message, safe='')}"
            return response
        identifier = opened.session["id"]
        status = 303 if opened.redirect else 201
        response = _answer(_told(201, self._created(identifier), identifier), status)
        response.headers["Location"] = opened.redirect or identifier
        if opened.cookie:
            response.headers["Set-Cookie"] = opened.cookie
        return response


def _login_body() -> Any:
    if request.headers.get("Content-Type") != FORM:
        return json_body()
    fields = request.form.to_dict()
    redirect = fields.pop("redirectURI", None)
    body: dict[str, Any] = {"sessionTemplate": fields} if fields else {}
    return body | ({"redirectURI": redirect} if redirect else {})


def json_routes(world: World) -> Blueprint:
    """
    Make the routes of the JSON service.

    :param world: The world.
    :returns: The blueprint.
    """
    routes = Blueprint("json", __name__)
    api = _Api(world)
    routes.add_url_rule(
        "/api/<path:path>", "api", api.answer, methods=METHODS, provide_automatic_options=False
    )
    routes.add_url_rule("/auth/login", "login", lambda: form_login(world), methods=["POST"])
    routes.add_url_rule("/auth/logout", "logout", lambda: _form_logout(world), methods=["POST"])

    @routes.errorhandler(JsonProblem)
    def refuse(problem: JsonProblem) -> Response:
        return _answer(_told(problem.status, problem.message, problem.resource), problem.status)

    @routes.errorhandler(MalformedJson)
    def malformed(_: MalformedJson) -> Response:
        return Response("Malformed JSON in request body.", 400, content_type="text/plain")

    return routes


def form_login(world: World) -> Response:
    """
    Log in by a form, without a session behind the cookie.

    :param world: The world.
    :returns: The response.
    """
    name = request.form.get("username") or request.form.get("user-name") or ""
    roles = sessions.check_password(world, name, request.form.get("password", ""))
    if roles is None:
        return text(f"invalid credentials for '{name}'", status=401)
    ends = world.now() + timedelta(seconds=sessions.LIFETIME)
    response = text(f"logged in as {name}")
    response.headers["Set-Cookie"] = sessions.make_cookie(world, name, " ".join(roles), ends)
    return response


def _form_logout(world: World) -> Response:
    response = text("logged out")
    response.headers["Set-Cookie"] = sessions.clearing_cookie(world)
    return response
