"""
The JSON service ``/api``, the same for both families: types of resources over Flask's routes.

A family subclasses :class:`Resource` once for what its own servers have in common (who may do
what, the names of the envelope's attributes, how a filter is read), and then once for each type::

    class Credential(FamilyResource):
        name = "credential"
        description = described(subtype=text, parent=text)

        def create(self, body: Document) -> Reply:
            ...

        @action
        def check(self, document: Document) -> Reply:
            return message(202, ...)

An object serves one request. ``search``, ``add``, ``read``, ``edit``, ``delete`` and ``act`` are
what the routes call; a type overrides the small methods that these use: ``create``, ``complete``,
``changed``, ``remove``, ``operations``, ``query``. A method marked with :func:`action` is found by
its name, underscores for dashes: ``POST /api/credential/UUID/check``.

A :class:`Service` has the types and adds the routes. A type that the real server has
and the sandbox has not is named in ``unplayed``: its addresses answer 501.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NoReturn, TypeVar, cast

import attrs
from flask import Flask, Response, abort, json, request
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import HTTPException

from slipstream.sandbox.clock import iso
from slipstream.sandbox.schema import Description
from slipstream.sandbox.server import LARGEST_BODY, USER_KEY, Application, Environ
from slipstream.sandbox.store import Document, Query, Result, TooManyDocuments
from slipstream.sandbox.world import BaseWorld

FORM = "application/x-www-form-urlencoded"
WORLD_KEY = "slipstream.sandbox.world"


def serve(app: Flask, world: BaseWorld) -> Application:
    """Make the WSGI application that serves a world."""

    def respond(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[WORLD_KEY] = world
        with world.serving():
            world.tick()
            return list(app.wsgi_app(environ, start_response))

    return respond


def current_world() -> Any:
    """The world of the current request; one application serves the worlds of all sandboxes."""
    return request.environ[WORLD_KEY]


def base_url() -> str:
    """The address of the server, as the client sees it."""
    headers = request.headers
    host = headers.get("X-Forwarded-Host") or request.host
    if "X-Forwarded-Host" in headers and "X-Forwarded-Port" in headers:
        host = f"{host}:{headers['X-Forwarded-Port']}"
    return f"{headers.get('X-Forwarded-Proto') or request.scheme}://{host}"


def query_fields(form: MultiDict[str, str] | None) -> dict[str, list[str]]:
    """Collect the parameters of the address and of a form, if the body is one."""
    return dict(CombinedMultiDict([request.args, form or MultiDict()]).lists())


def unpacked(content: bytes) -> bytes:
    """Decompress a body of gzip; an OSError if it is not one, or is too large."""
    reader = zlib.decompressobj(wbits=31)
    try:
        body = reader.decompress(content, LARGEST_BODY)
    except zlib.error as error:
        raise OSError("The body is not packed by gzip.") from error
    if not reader.eof:
        raise OSError("The body is too large, or not whole.")
    return body


METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]
ENTRY_POINT = "cloud-entry-point"
JSON = "application/json"
CHARSET = f"{JSON}; charset=utf-8"
_COLLECTION = {"GET": "search", "HEAD": "search", "PUT": "search", "POST": "add"}
_COLLECTION |= {"DELETE": "bulk-delete"}
_DOCUMENT = {"GET": "read", "HEAD": "read", "PUT": "edit", "DELETE": "delete", "PATCH": "bulk"}
WorldT = TypeVar("WorldT", bound=BaseWorld)
IdentityT = TypeVar("IdentityT")
MethodT = TypeVar("MethodT", bound=Callable[..., Any])


class JsonProblem(Exception):
    """A refusal of ``/api``, with the content of its envelope."""

    def __init__(
        self, status: int, message: str, resource: str | None = None, content_type: str = JSON
    ) -> None:
        super().__init__(status, message, resource)
        self.status, self.message, self.resource = status, message, resource
        self.content_type = content_type


@attrs.frozen(kw_only=True)
class Request(Generic[WorldT, IdentityT]):
    """A request, whose path is the part after ``/api/``, and whose body may have another type."""

    world: WorldT
    identity: IdentityT
    method: str
    path: str
    base: str
    """The address of the server as the client sees it."""
    body: Any = None
    fields: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """The parameters of the address and of a form."""


@attrs.frozen(kw_only=True)
class Reply:
    """A response; without a document, it has an empty body without a type."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    content_type: str = JSON


def message(
    status: int,
    text: str,
    resource: str | None = None,
    *,
    location: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Reply:
    """Reply in the envelope of all responses but documents."""
    document: Document = {"status": status, "message": text}
    if resource:
        document["resource-id"] = resource
    if location:
        document["location"] = location
    document |= {name.replace("_", "-"): value for name, value in more.items()}
    located = {"Location": location} if location else {}
    return Reply(document=document, status=status, headers={**located, **(headers or {})})


def created(identifier: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    reply = message(201, f"{identifier} created", identifier, headers=headers, **more)
    headers = {"Location": identifier, **reply.headers}
    return attrs.evolve(reply, headers=headers, content_type=CHARSET)


def action(method: MethodT) -> MethodT:
    """Mark a method of a :class:`Resource` as an action."""
    vars(method)["is_action"] = True
    return method


def not_found(identifier: str) -> JsonProblem:
    return JsonProblem(404, f"{identifier} not found", identifier)


def not_played(what: str) -> JsonProblem:
    """The refusal of a request that the sandbox does not implement."""
    return JsonProblem(501, f"{what} is not played by this sandbox")


def unfit(name: str, identifier: str = "") -> JsonProblem:
    """The refusal of a document with an invalid attribute."""
    what = f"resource {identifier}".strip()
    report = f"-- Spec failed --------------------\n\n  :{name}\n"
    return JsonProblem(400, f"{what} does not satisfy defined schema:\n{report}")


def server_error(reason: str) -> JsonProblem:
    """The response of the real server to an exception within it."""
    return JsonProblem(500, f"Unexpected exception thrown: {reason}", content_type=CHARSET)


def undefined_action(call: Request[Any, Any], kind: str, name: str) -> JsonProblem:
    path, words = f"/api/{call.path}", f'["{kind}" "{name}"]'
    return JsonProblem(404, f"undefined action ({call.method}, {words}) for {path}", path)


def malformed(content_type: str) -> NoReturn:
    """Refuse a body that is not JSON, in plain text."""
    abort(Response("Malformed JSON in request body.", 400, content_type=content_type))


class Resource(Generic[WorldT, IdentityT]):
    """A type of resource, serving one request."""

    name: ClassVar[str]
    """Its name, which is also its path."""
    description: ClassVar[Description | None] = None
    """The attributes of its documents; None if they are not checked."""
    methods: ClassVar[Collection[str]] = ("search", "add", "read", "edit", "delete")
    """What can be done with it beside actions; anything else is a 405."""
    unplayed: ClassVar[Collection[str]] = ()
    """Actions, and methods such as ``add``, that answer 501."""
    prefix: ClassVar[str] = ""
    """What the names of the query's parameters begin with."""
    always_selected: ClassVar[Collection[str]] = ("id",)
    """Attributes that ``select`` does not take away."""
    kept_by_server: ClassVar[frozenset[str]] = frozenset({"id", "created", "updated"})
    """Attributes that clients do not set."""

    def __init__(self, request: Request[WorldT, IdentityT]) -> None:
        self.request = request
        self.world: WorldT = request.world
        self.identity: IdentityT = request.identity

    # What a family decides.

    def may_search(self) -> bool:
        raise NotImplementedError

    def may_add(self) -> bool:
        raise NotImplementedError

    def may(self, right: str, document: Document) -> bool:
        """Whether the sender has a right, such as ``view-meta`` or ``manage``."""
        raise NotImplementedError

    def refused(self, document: Document) -> JsonProblem:
        raise NotImplementedError

    def required(self) -> JsonProblem:
        return JsonProblem(403, "credentials required")

    def query(self) -> Query:
        raise NotImplementedError

    def envelope(self, result: Result, query: Query) -> Document:
        """Put the result of a search into the collection's envelope."""
        raise NotImplementedError

    def store(self, document: Document) -> Document:
        """Complete a new document with the server's own attributes, check it and store it."""
        raise NotImplementedError

    def stamp(self) -> Document:
        """The attributes that an edit writes beside the changes."""
        return {"updated": iso(self.world.now())}

    def record(self, event: str, identifier: str, *, success: bool) -> None:
        """Record that something was done, or refused."""

    # What a type decides.

    def find(self, identifier: str) -> Document | None:
        """Find a document by the id in an address."""
        return self.world.store.get(identifier)

    def create(self, body: Document) -> Reply:
        fields = {name: value for name, value in body.items() if name not in self.kept_by_server}
        return created(str(self.store(fields)["id"]))

    def complete(self, document: Document) -> Document:
        return document

    def changed(self, document: Document, changes: Document) -> Document:
        """The changes of an edit, from the body."""
        return changes

    def remove(self, document: Document) -> Reply | None:
        """Refuse to delete, or clean up before; a reply replaces the usual one."""
        return None

    def forget(self, identifier: str) -> None:
        """Remove a deleted document from the store."""
        self.world.store.remove(identifier)

    def operations(self, document: Document) -> list[dict[str, Any]]:
        return []

    # What the routes call.

    def search(self) -> Reply:
        if not self.may_search():
            raise self.required()
        if self.parameters("aggregation"):
            raise not_played("An aggregation")
        query = self.query()
        try:
            result = self.world.store.search(
                self.name,
                query,
                visible=lambda document: self.may("view-meta", document),
                now=self.world.now(),
            )
        except TooManyDocuments as error:
            raise server_error(str(error)) from None
        return Reply(document=self.envelope(result, query))

    def add(self) -> Reply:
        if not self.may_add():
            raise self.required()
        reply = self.create(self.body())
        if isinstance(reply.document, Mapping) and reply.document.get("resource-id"):
            self.record("add", str(reply.document["resource-id"]), success=True)
        return reply

    def read(self, identifier: str) -> Reply:
        document = self.existing(identifier)
        self.require("view-meta", document)
        select = Query.read(self.parameters).select
        return Reply(document=self.present(self.complete(document), select))

    def edit(self, identifier: str) -> Reply:
        """Merge the body into a document; ``select`` names attributes to remove first."""
        document = self.existing(identifier)
        self.require("edit-meta", document)
        sent = self.body().items()
        changes = {name: value for name, value in sent if name not in self.kept_by_server}
        changes = self.changed(document, changes)
        dropped = set(Query.read(self.parameters).select or ())
        dropped -= {*self.kept_by_server, "acl"}
        rest = {name: value for name, value in document.items() if name not in dropped}
        merged = rest | changes | self.stamp()
        self.check_schema(merged, str(document["id"]))
        stored = self.keep(merged)
        self.record("edit", str(document["id"]), success=True)
        return Reply(document=self.present(stored, None))

    def delete(self, identifier: str) -> Reply:
        document = self.existing(identifier)
        self.require("delete", document)
        reply = self.remove(document)
        self.forget(str(document["id"]))
        self.record("delete", str(document["id"]), success=True)
        return reply or message(200, f"{document['id']} deleted", str(document["id"]))

    def act(self, identifier: str, name: str) -> Reply:
        """Carry out an action; any method will do."""
        carry_out = getattr(self, name.replace("-", "_"), None)
        if not getattr(carry_out, "is_action", False) or "_" in name:
            raise undefined_action(self.request, self.name, name)
        document = self.existing(identifier)
        try:
            reply: Reply = carry_out(document)  # type: ignore[misc]
        except JsonProblem:
            self.record(name, str(document["id"]), success=False)
            raise
        self.record(name, str(document["id"]), success=True)
        return reply

    # What all of these use.

    def parameters(self, name: str) -> Sequence[str]:
        return self.request.fields.get(f"{self.prefix}{name}", ())

    def body(self) -> Document:
        """The body, which must be a map."""
        if self.request.body is None:
            return {}
        if not isinstance(self.request.body, dict):
            raise JsonProblem(400, "resource does not satisfy defined schema:\nnot a map\n")
        return self.request.body

    def existing(self, identifier: str) -> Document:
        document = self.find(identifier)
        if document is None:
            raise not_found(identifier)
        return document

    def require(self, right: str, document: Document) -> None:
        if not self.may(right, document):
            raise self.refused(document)

    def check_schema(self, document: Document, identifier: str = "") -> None:
        """Check an edited document, in families with schemas."""

    def keep(self, document: Document) -> Document:
        return self.world.store.put(document)

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        """The document in a response: with its operations, and only the selected attributes."""
        raise NotImplementedError


class Service(Generic[WorldT, IdentityT]):
    """The JSON service of a world; ``unplayed`` types are those of the real server alone."""

    has_options: ClassVar[bool] = True
    """Whether collections have a response to OPTIONS."""

    def __init__(
        self,
        resources: Mapping[str, type[Resource[WorldT, IdentityT]]],
        unplayed: Collection[str] = (),
    ) -> None:
        self.resources = resources
        self.unplayed = frozenset(unplayed)

    @property
    def world(self) -> WorldT:
        return cast("WorldT", current_world())

    # What a family decides.

    def read_request(self, path: str) -> Request[WorldT, IdentityT]:
        raise NotImplementedError

    def user_name(self, identity: IdentityT) -> str | None:
        raise NotImplementedError

    def entry_point(self, call: Request[WorldT, IdentityT]) -> Reply:
        """Respond with the list of collections."""
        raise NotImplementedError

    def failed(self, error: HTTPException) -> Response:
        return self._refuse(server_error(error.name))

    def wrong_method(self, call: Request[WorldT, IdentityT]) -> JsonProblem:
        path = f"/api/{call.path}"
        return JsonProblem(405, f"invalid method ({call.method}) for {path}", path)

    # What Flask calls.

    def add_routes(self, app: Flask) -> None:
        options: dict[str, Any] = {"methods": METHODS, "provide_automatic_options": False}
        for rule, view in (
            (f"/api/{ENTRY_POINT}", self._entry_point),
            ("/api/<kind>", self._collection),
            ("/api/<kind>/<uuid>", self._document),
            ("/api/<kind>/<uuid>/<name>", self._action),
            ("/api/<path:_>", self._nothing),
        ):
            app.add_url_rule(rule, f"api {rule}", view, **options)
        app.register_error_handler(JsonProblem, self._refuse)
        app.register_error_handler(HTTPException, self.failed)

    def respond(self, reply: Reply) -> Response:
        response = Response(b"", reply.status, reply.headers, content_type=reply.content_type)
        response.autocorrect_location_header = False
        if reply.document is None:
            del response.headers["Content-Type"]
        else:
            response.data = json.dumps(
                reply.document, indent=2, separators=(",", " : "), sort_keys=False
            )
        return response

    def _read(self) -> Request[WorldT, IdentityT]:
        call = self.read_request(request.path.removeprefix("/api/"))
        request.environ[USER_KEY] = self.user_name(call.identity)
        return call

    def _entry_point(self) -> Response:
        call = self._read()
        if call.method not in {"get", "head"}:
            raise self.wrong_method(call)
        return self.respond(self.entry_point(call))

    def _resource(self, kind: str, method: str) -> Resource[WorldT, IdentityT]:
        call = self._read()
        if kind in self.unplayed:
            raise not_played(f"/api/{kind}")
        resource = self.resources.get(kind)
        if resource is None:
            raise self.wrong_method(call)
        if method in resource.unplayed:
            raise not_played(f"{call.method.upper()} /api/{call.path}")
        standard = {*_COLLECTION.values(), *_DOCUMENT.values(), ""}
        if method in standard - set(resource.methods):
            raise self.wrong_method(call)
        return resource(call)

    def _collection(self, kind: str) -> Response:
        if request.method == "OPTIONS" and self.has_options:
            return self.respond(Reply(status=204))
        method = _COLLECTION.get(request.method, "")
        return self.respond(getattr(self._resource(kind, method), method)())

    def _document(self, kind: str, uuid: str) -> Response:
        method = _DOCUMENT.get(request.method, "")
        return self.respond(getattr(self._resource(kind, method), method)(f"{kind}/{uuid}"))

    def _action(self, kind: str, uuid: str, name: str) -> Response:
        if "%2f" in str(request.environ.get("RAW_URI", "")).lower():
            # A slash within the id: the library has decoded it before it looked for the route.
            return self._document(kind, f"{uuid}/{name}")
        return self.respond(self._resource(kind, name).act(f"{kind}/{uuid}", name))

    def _nothing(self, _: str) -> Response:
        raise self.wrong_method(self._read())

    def _refuse(self, problem: JsonProblem) -> Response:
        reply = message(problem.status, problem.message, problem.resource)
        return self.respond(attrs.evolve(reply, content_type=problem.content_type))
