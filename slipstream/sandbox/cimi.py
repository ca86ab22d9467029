"""
The JSON service ``/api``, the same for both families: types of resources over Flask's routes.

A family subclasses :class:`Resource` once for what its own servers have in common (who may do
what, the names of the envelope's attributes, how a filter is read), and then once for each type::

    class Connector(FamilyResource):
        name = "connector"

An object serves one request. The routes call ``search``, ``add``, ``read``, ``edit``, ``delete``
and ``act``, as far as the type has them among ``played``. All else answers 501.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NoReturn, Self

import attrs
from flask import Flask, Response, abort, json, request
from werkzeug.datastructures import CombinedMultiDict

from slipstream.filters import Filter, FilterSyntaxError, Grammar, parse
from slipstream.sandbox.schema import Description, misfit
from slipstream.sandbox.server import NOTES, Application, Environ
from slipstream.sandbox.store import Document, Page, Query
from slipstream.sandbox.world import BaseWorld

FORM = "application/x-www-form-urlencoded"
WORLD_KEY = "slipstream.sandbox.world"


def serve(app: Flask, world: BaseWorld) -> Application:
    def respond(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[WORLD_KEY] = world
        with world.serving():
            world.tick()
            return list(app.wsgi_app(environ, start_response))

    return respond


def current_world() -> Any:
    """The world of the current request; one application serves the worlds of all sandboxes."""
    return request.environ[WORLD_KEY]


def note_user(name: str | None) -> None:
    """Note for the journal who has sent the request."""
    request.environ[NOTES]["user"] = name


def base_url() -> str:
    """The address of the server, as the client sees it, which may be that of a proxy."""
    headers = request.headers
    host = headers.get("X-Forwarded-Host") or request.host
    return f"{headers.get('X-Forwarded-Proto') or request.scheme}://{host}"


METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]
ENTRY_POINT = "cloud-entry-point"
JSON = "application/json"
CHARSET = f"{JSON}; charset=utf-8"
_COLLECTION = {"GET": "search", "PUT": "search", "POST": "add"}
_DOCUMENT = {"GET": "read", "PUT": "edit", "DELETE": "delete"}


@attrs.define(eq=False)
class JsonProblem(Exception):
    """A refusal of ``/api``, with the content of its envelope."""

    status: int
    message: str
    resource: str | None = None
    content_type: str = JSON


def respond(
    document: Any = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = JSON,
) -> Response:
    """Respond with a document; without one, the body is empty and has no type."""
    response = Response(b"", status, headers, content_type=content_type)
    if document is None:
        del response.headers["Content-Type"]
    else:
        response.data = json.dumps(document, indent=2, separators=(",", " : "), sort_keys=False)
    return response


def message(
    status: int,
    text: str,
    resource: str | None = None,
    *,
    location: str | None = None,
    headers: Mapping[str, str] | None = None,
    content_type: str = JSON,
    **more: Any,
) -> Response:
    """Respond in the envelope of all responses but documents."""
    document: Document = {"status": status, "message": text}
    if resource:
        document["resource-id"] = resource
    if location:
        document["location"] = location
    document |= {name.replace("_", "-"): value for name, value in more.items()}
    located = {"Location": location} if location else {}
    return respond(document, status, {**located, **(headers or {})}, content_type)


def created(identifier: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    headers = {"Location": identifier, **(headers or {})}
    text = f"{identifier} created"
    return message(201, text, identifier, headers=headers, content_type=CHARSET, **more)


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


def malformed(content_type: str) -> NoReturn:
    """Refuse a body that is not JSON, in plain text."""
    abort(Response("Malformed JSON in request body.", 400, content_type=content_type))


class Resource:
    """A type of resource, serving one request."""

    name: ClassVar[str]
    """Its name, which is also its path."""
    played: ClassVar[Collection[str]] = ("search", "read")
    """What can be done with it; anything else is a 501."""
    prefix: ClassVar[str] = ""
    """What the names of the query's parameters begin with."""

    def __init__(
        self, world: Any, identity: Any, sent: Any, fields: Mapping[str, Sequence[str]]
    ) -> None:
        self.world, self.identity = world, identity
        self.sent, self._fields = sent, fields

    @classmethod
    def of(cls, name: str, **attributes: Any) -> type[Self]:
        """A type of resource that needs no more than values of the class's attributes."""
        return type(name, (cls,), {"name": name, **attributes})

    # What a family decides.

    def may_search(self) -> bool:
        raise NotImplementedError

    def may(self, right: str, document: Document) -> bool:
        """Whether the sender has a right, such as ``view-meta`` or ``manage``."""
        raise NotImplementedError

    def refused(self, document: Document) -> JsonProblem:
        return self.required()

    def query(self) -> Query:
        raise NotImplementedError

    def envelope(self, documents: Sequence[Document]) -> Document:
        """The envelope of a collection with the documents of a page, without their number."""
        raise NotImplementedError

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        """The document in a response: with its operations, and only the selected attributes."""
        raise NotImplementedError

    # What a type may override.

    def complete(self, document: Document) -> Document:
        """Add what a document has when it is read by its id."""
        return document

    def parameters(self, name: str) -> Sequence[str]:
        """The values of a parameter of the address or of a form."""
        return self._fields.get(f"{self.prefix}{name}", ())

    # What the routes call.

    def search(self) -> Response:
        if not self.may_search():
            raise self.required()
        if self.parameters("aggregation"):
            raise not_played("An aggregation")
        query = self.query()
        count, page = self.find(query)
        documents = [self.present(document, query.select) for document in page]
        return respond({"count": count, "id": self.name} | self.envelope(documents))

    def find(self, query: Query) -> Page:
        visible, now = partial(self.may, "view-meta"), self.world.now()
        page: Page = self.world.store.search(self.name, query, visible=visible, now=now)
        return page

    def read(self, identifier: str) -> Response:
        document = self.existing(identifier)
        self.require("view-meta", document)
        select = Query.read(self.parameters).select
        return respond(self.present(self.complete(document), select))

    def act(self, identifier: str, name: str) -> Response:
        """Carry out an action; any method will do."""
        raise not_played(f"{request.method} {request.path}")

    # What all of these use.

    def filter(self, grammar: Grammar, expected: str = "") -> Filter | None:
        """
        Read filters, which must all hold. The server puts each in parentheses first, so that one
        which closes a parenthesis too many and opens another is a filter after all.
        """
        texts = self.parameters("filter")
        if not texts:
            return None
        text = f"({') and ('.join(texts)})"
        try:
            return parse(text, grammar)
        except FilterSyntaxError as error:
            # What is wrong with an empty filter is that nothing follows the parenthesis.
            index = 1 if text == "()" else error.index
            raise JsonProblem(
                400,
                f"Invalid CIMI filter. Parse error at line 1, column {index + 1}:\n"
                f"{text}\n{' ' * index}^\nExpected one of:\n{expected or error.expected}\n",
            ) from None

    def required(self) -> JsonProblem:
        return JsonProblem(403, "credentials required")

    def existing(self, identifier: str) -> Document:
        document: Document | None = self.world.store.get(identifier)
        if document is None:
            raise not_found(identifier)
        return document

    def require(self, right: str, document: Document) -> None:
        if not self.may(right, document):
            raise self.refused(document)

    def filled_template(
        self, template: Any, descriptions: Mapping[str, Description]
    ) -> Document | None:
        """
        Read what a login's template is filled in with; None if there is no template.

        :param template: What was sent.
        :param descriptions: What may be sent, by the login method.
        """
        if not isinstance(template, dict) or "href" not in template:
            return None
        href = str(template["href"])
        stored: Document | None = self.world.store.get(href)
        if stored is None or not href.startswith("session-template/"):
            raise not_found(href)
        sent = {name: value for name, value in template.items() if name != "href"}
        if field := misfit(descriptions[stored["method"]], sent):
            raise unfit(field)
        # The template's own words stand in for what was left out, as on the server.
        return stored | sent


class Service:
    cookie: ClassVar[str]
    """The name of the cookie that tells who sends a request."""
    identify: Callable[[Any, str | None], Any]
    """Finds the sender of a request by the cookie; ``name`` is None without a login."""

    def __init__(self, resources: Mapping[str, type[Resource]]) -> None:
        self.resources = resources

    # What a family decides.

    def read_body(self) -> Any:
        raise NotImplementedError

    def entry_point(self) -> Document:
        raise NotImplementedError

    # What Flask calls.

    def add_routes(self, app: Flask) -> None:
        app.add_url_rule(f"/api/{ENTRY_POINT}", "entry point", self._entry_point)
        for rule, view in (
            ("/api/<kind>", self._collection),
            ("/api/<kind>/<uuid>", self._document),
            ("/api/<kind>/<uuid>/<name>", self._action),
        ):
            app.add_url_rule(rule, f"api {rule}", view, methods=METHODS)
        app.register_error_handler(JsonProblem, self._refuse)

    def _open(self, kind: str) -> Resource | None:
        """Read the request, and make the resource for it; None for an unknown type."""
        world = current_world()
        identity = self.identify(world, request.cookies.get(self.cookie))
        note_user(identity.name)
        form = [request.form] if request.mimetype == FORM else []
        fields = dict(CombinedMultiDict([request.args, *form]).lists())
        sent, resource = self.read_body(), self.resources.get(kind)
        return resource(world, identity, sent, fields) if resource else None

    def _entry_point(self) -> Response:
        self._open(ENTRY_POINT)
        return respond(self.entry_point(), content_type=CHARSET)

    def _call(self, kind: str, method: str, *arguments: str) -> Response:
        resource = self._open(kind)
        if request.method == "DELETE" and not arguments and not request.args:
            raise JsonProblem(405, f"invalid method (delete) for {request.path}", request.path)
        if resource is None or method not in {*resource.played, "act"}:
            raise not_played(f"{request.method} {request.path}")
        response: Response = getattr(resource, method)(*arguments)
        return response

    def _collection(self, kind: str) -> Response:
        return self._call(kind, _COLLECTION.get(request.method, ""))

    def _document(self, kind: str, uuid: str) -> Response:
        return self._call(kind, _DOCUMENT.get(request.method, ""), f"{kind}/{uuid}")

    def _action(self, kind: str, uuid: str, name: str) -> Response:
        if "%2f" in str(request.environ.get("RAW_URI", "")).lower():
            # A slash within the id: the library has decoded it before it looked for the route.
            return self._document(kind, f"{uuid}/{name}")
        return self._call(kind, "act", f"{kind}/{uuid}", name)

    def _refuse(self, problem: JsonProblem) -> Response:
        content = problem.message, problem.resource
        return message(problem.status, *content, content_type=problem.content_type)
