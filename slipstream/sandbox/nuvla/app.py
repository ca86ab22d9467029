"""
The application: what a path and a method mean.

Source: nuvla/api-server, server/app/routes.clj and server/middleware.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from slipstream.sandbox.nuvla import crud, sessions
from slipstream.sandbox.nuvla.access import ADMIN, ANON, Identity, acl
from slipstream.sandbox.nuvla.call import Answer, Call, told
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.nuvla.kinds import KINDS
from slipstream.sandbox.nuvla.site import site
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.problems import JsonProblem, MalformedJson
from slipstream.sandbox.server import USER_KEY, Application, Environ
from slipstream.sandbox.web import FORM, METHODS, base_url, json_body, query_fields

_ENTRY_POINT = "cloud-entry-point"
_PATCH = "application/json-patch+json"


def application(world: World) -> Application:
    """
    Make the WSGI application that serves a world.

    :param world: The world.
    :returns: The application; it answers one request at a time.
    """
    flask = _flask(world)

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        with world.lock:
            world.tick()
            return list(flask.wsgi_app(environ, start_response))

    return serve


def _flask(world: World) -> Flask:
    flask = Flask("slipstream.sandbox.nuvla", static_folder=None)
    flask.url_map.merge_slashes = False
    flask.url_map.strict_slashes = False
    flask.json.ensure_ascii = True  # type: ignore[attr-defined]
    options: dict[str, Any] = {"methods": METHODS, "provide_automatic_options": False}
    flask.add_url_rule("/api/<path:path>", "api", lambda path: _serve(world, path), **options)
    flask.add_url_rule("/site/<uuid>", "site", lambda uuid: site(world, uuid))
    flask.add_url_rule("/", "root", _redirect, defaults={"_": ""}, **options)
    flask.add_url_rule("/<path:_>", "elsewhere", _redirect, **options)

    @flask.errorhandler(JsonProblem)
    def refuse(problem: JsonProblem) -> Response:
        return _response(told(problem.status, problem.message, problem.resource))

    @flask.errorhandler(MalformedJson)
    def malformed(_: MalformedJson) -> Response:
        return Response("Malformed JSON in request body.", 400, content_type="text/plain")

    @flask.errorhandler(HTTPException)
    def fail(error: HTTPException) -> Response:
        return _response(told(500, f"Unexpected exception thrown: {error.name}"))

    return flask


def _redirect(_: str) -> Response:
    response = Response(b"", 302)
    response.autocorrect_location_header = False
    response.headers["Location"] = f"{base_url()}/api/{_ENTRY_POINT}"
    return response


def _response(answer: Answer) -> Response:
    content = json.dumps(answer.document, indent=2, separators=(",", " : "), sort_keys=False)
    response = Response(content, answer.status, content_type="application/json")
    response.autocorrect_location_header = False
    if answer.location:
        response.headers["Location"] = answer.location
    if answer.cookie:
        response.headers["Set-Cookie"] = answer.cookie
    return response


def _serve(world: World, path: str) -> Response:
    headers = request.headers
    cookie = request.cookies.get(sessions.COOKIE)
    identity = sessions.identify(world, cookie, headers.get("nuvla-authn-info"))
    request.environ[USER_KEY] = _name(world, identity)
    call = Call(
        world=world,
        identity=identity,
        method=request.method.lower(),
        path=path,
        base=base_url(),
        body=_body(),
        fields=query_fields(),
        bulk="bulk" in headers,
        patch=request.mimetype == _PATCH,
    )
    return _response(_answer(call))


def _name(world: World, identity: Identity) -> str | None:
    user = world.store.get(identity.user or "")
    return user["name"] if user else identity.user


def _body() -> Any:
    mimetype = request.mimetype
    if request.headers.get("Content-Type") == FORM:
        fields = request.form.to_dict()
        # A login may come as a form; a search's fields are read elsewhere.
        return {"template": fields} if "href" in fields else {}
    if mimetype and mimetype != "application/json" and not mimetype.endswith("+json"):
        return {}
    content = request.data
    if request.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    return json_body(content)


def _answer(call: Call) -> Answer:
    parts = call.path.split("/")
    if call.path == _ENTRY_POINT:
        return _entry_point(call)
    kind = KINDS.get(parts[0])
    if kind is None or len(parts) > 3:
        raise _wrong_method(call)
    if len(parts) == 1:
        return _on_collection(call, kind)
    if len(parts) == 3:
        return crud.act(call, kind, parts[2])
    if call.method == "patch" and parts[1] in kind.bulk:
        if not call.identity.has(kind.query):
            raise JsonProblem(403, "credentials required")
        return kind.bulk[parts[1]](call)
    return _on_resource(call, kind)


def _wrong_method(call: Call) -> JsonProblem:
    return JsonProblem(405, f"invalid method ({call.method}) for /api/{call.path}")


def _on_collection(call: Call, kind: Kind) -> Answer:
    if call.method in {"get", "put"}:
        return crud.search(call, kind)
    if call.method == "post":
        return crud.add(call, kind)
    if call.method == "delete":
        return crud.bulk_delete(call, kind)
    raise _wrong_method(call)


def _on_resource(call: Call, kind: Kind) -> Answer:
    methods: Mapping[str, Callable[[Call, Kind], Answer]] = {
        "get": crud.read,
        "put": crud.edit,
        "delete": crud.delete,
    }
    if call.method not in methods:
        raise _wrong_method(call)
    answer = methods[call.method](call, kind)
    if kind.name == "session" and call.method == "delete":
        return sessions.log_out(call)
    return answer


def _entry_point(call: Call) -> Answer:
    if call.method != "get":
        raise _wrong_method(call)
    document = {
        "id": _ENTRY_POINT,
        "resource-type": _ENTRY_POINT,
        "created": "2019-04-02T09:00:00.000Z",
        "updated": "2019-04-02T09:00:00.000Z",
        "acl": acl(ADMIN, view_acl=(ANON,)),
        "base-uri": f"{call.base}/api/",
        "collections": {name: {"href": name} for name in sorted(KINDS)},
    }
    return Answer(document=document)
