"""
The resources of the JSON service ``/api``.

Source: SlipStreamServer, cimi-resources, resources/common std_crud.clj and middleware cimi_params.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import attrs
from flask import Flask, Response
from flask import request as flask_request
from werkzeug.exceptions import HTTPException

from slipstream.filters import And, Filter, FilterSyntaxError, Or, attr, parse
from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import (
    CHARSET,
    FORM,
    JsonProblem,
    Reply,
    base_url,
    created,
    message,
    not_played,
    query_fields,
    unfit,
)
from slipstream.sandbox.clock import iso
from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.schema import count, described, misfit, text
from slipstream.sandbox.slipstream3 import users
from slipstream.sandbox.slipstream3.state import Identity, State, acl, resource_uri, role
from slipstream.sandbox.slipstream3.xml import XmlProblem, refuse
from slipstream.sandbox.store import Document, Query, Result, selected

_DESCRIBE = "http://sixsq.com/slipstream/1/action/describe"
_API_KEY = "credential-template/generate-api-key"
# Collections that are not called after the plural of their type.
_IRREGULAR = {"user-param": "user-params"}
_WRITING = ("add", "edit", "delete")
_KEY_TEMPLATE = described(href=text, ttl=count)
_EXPECTED = 'Expected one of:\n"("\n"null"\n"false"\n"true"\n\n'
_ADMIN = ("ADMIN", "MODIFY")
_USERS_VIEW = ("USER", "VIEW")
_USERS_ADD = ("USER", "MODIFY")
_REGISTER = (_ADMIN, _USERS_ADD, ("ANON", "MODIFY"))


class Resource(cimi.Resource[State, Identity]):
    rules: ClassVar[tuple[tuple[str, str], ...]]
    """Who may list it, and who may add to it."""
    rels: ClassVar[tuple[str, ...]] = ("edit", "delete")
    """The operations of those who may change a document."""
    is_described: ClassVar[bool] = False
    prefix = "$"
    always_selected = ("resourceURI", "acl")
    kept_by_server = frozenset({"id", "resourceURI", "created", "updated", "operations"})

    @property
    def acl(self) -> Document:
        return acl(*(role(*rule) for rule in self.rules))

    def may_search(self) -> bool:
        return self.identity.may_view(self.acl)

    def may_add(self) -> bool:
        return self.identity.may_modify(self.acl)

    def may(self, right: str, document: Document) -> bool:
        if right == "view-meta":
            return self.identity.may_view(document["acl"])
        return self.identity.may_modify(document["acl"])

    def refused(self, document: Document) -> JsonProblem:
        return self.required()

    def forget(self, identifier: str) -> None:
        """Remove a document from the store; a search finds it for another second."""
        self.world.store.remove(identifier, due=self.world.now() + timedelta(seconds=1))

    def operations(self, document: Document) -> list[dict[str, Any]]:
        href = document.get("id")
        rels = self.rels if self.identity.may_modify(document["acl"]) else ()
        operations: list[dict[str, Any]] = [{"rel": rel, "href": href} for rel in rels]
        if self.is_described:
            operations.append({"rel": _DESCRIBE, "href": f"{href}/describe" if href else None})
        return operations

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        selection = selected(document, select, self.always_selected)
        # Without the id in the selection, the operations have no address.
        operations = self.operations(selection)
        return selection | ({"operations": operations} if operations else {})

    def envelope(self, result: Result, query: Query) -> Document:
        document: Document = {
            "count": result.count,
            "acl": self.acl,
            "resourceURI": f"{resource_uri(_IRREGULAR.get(self.name, self.name))}Collection",
            "id": self.name,
        }
        if self.may_add():
            document["operations"] = [{"rel": "add", "href": self.name}]
        document[_key(self.name)] = [self.present(item, query.select) for item in result.documents]
        return document

    def search(self) -> Reply:
        """Search the collection; the index has no prefixes of numbers."""
        if self.may_search() and self._looks_for_digits():
            nothing = Result(count=None, documents=[])
            return Reply(document=self.envelope(nothing, self.query()))
        return super().search()

    def _looks_for_digits(self) -> bool:
        filters = map(_parsed, self.parameters("filter"))
        comparisons = itertools.chain.from_iterable(item.comparisons() for item in filters)
        paths = [comparison.attribute for comparison in comparisons if comparison.operator == "^="]
        documents = list(self.world.store.collection(self.name)) if paths else []
        values = (value for item in documents for path in paths for value in path.values(item))
        return any(isinstance(value, int | float) for value in values)

    def query(self) -> Query:
        """Read the parameters of a search; several filters must all match."""
        filters: list[Filter] = [_numeric(_parsed(text)) for text in self.parameters("filter")]
        if len(filters) > 1:
            filters = [And(tuple(filters))]
        return attrs.evolve(Query.read(self.parameters), filter=next(iter(filters), None))


def _key(name: str) -> str:
    """The name of a collection in the entry point, and of the list inside its envelope."""
    first, *words = name.split("-")
    camel = first + "".join(map(str.capitalize, words))
    return camel if name in _IRREGULAR else f"{camel}s"


def _parsed(text: str) -> Filter:
    try:
        return parse(text)
    except FilterSyntaxError as error:
        column = error.index + 2
        message = (
            f"Invalid CIMI filter. Parse error at line 1, column {column}:\n({text})\n"
            f"{' ' * (column - 1)}^\n{_EXPECTED}"
        )
        raise JsonProblem(400, message) from None


def _numeric(criterion: Filter) -> Filter:
    """Let a quoted number match a number, as the index does."""
    if isinstance(criterion, And | Or):
        return type(criterion)(tuple(map(_numeric, criterion.operands)))
    value = criterion.value
    comparable = criterion.operator in {"=", "<", "<=", ">=", ">"}
    if comparable and isinstance(value, str) and value.isascii() and value.isdigit():
        return Or((criterion, attrs.evolve(criterion, value=int(value))))
    return criterion


class Event(Resource):
    """Events of runs, newest first."""

    name, rules = "event", (("ANON", "ALL"),)
    rels = ("delete",)
    methods = ("search", "add", "read", "delete")
    unplayed = ("add",)

    def query(self) -> Query:
        query = super().query()
        return query if query.order else attrs.evolve(query, order=(("timestamp", True),))


class Credential(Resource):
    """API keys, and the users' accounts on clouds."""

    name, rules = "credential", (_ADMIN, _USERS_ADD)

    def create(self, body: Document) -> Reply:
        """Add an API key with the rights of the user."""
        template = body.get("credentialTemplate")
        if not isinstance(template, dict):
            template = {}
        href = str(template.get("href", _API_KEY))
        if href != _API_KEY:
            raise not_played(f"adding a credential by {href}")
        if field := misfit(_KEY_TEMPLATE, {"href": None} | template):
            raise unfit(field)
        secret, ttl = self.world.ids.secret(), template.get("ttl")
        fields: Document = {name: body[name] for name in ("name", "description") if name in body}
        if ttl:
            fields["expiry"] = iso(self.world.now() + timedelta(seconds=ttl))
        roles = [name for name in self.identity.roles if name != self.identity.session]
        account = self.world.accounts[self.identity.name or ""]
        digest = secret_digest(secret)
        document = users.add_api_key(self.world, account, digest, roles, **fields)
        return created(document["id"], secretKey=secret)

    def changed(self, document: Document, changes: Document) -> Document:
        if document["type"] != "api-key":
            raise not_played("editing a cloud credential")
        return changes

    def remove(self, document: Document) -> None:
        users.forget_credential(self.world, document)


class Session(Resource):
    name, rules, rels = "session", _REGISTER, ("delete",)
    methods = ("search", "add", "read", "delete")

    def query(self) -> Query:
        """Read the parameters of a search, which finds the sender's sessions alone."""
        own = attr("id").eq(self.identity.session or "nobody")
        return attrs.evolve(super().query(), filter=own)

    def body(self) -> Document:
        """The body as a map; a form holds the template."""
        if flask_request.headers.get("Content-Type") != FORM:
            return super().body()
        fields: Document = {name: values[-1] for name, values in self.request.fields.items()}
        return {"sessionTemplate": fields}

    def create(self, body: Document) -> Reply:
        """Log in; without a template the server does nothing, and responds with an empty 200."""
        template = body.get("sessionTemplate")
        if not isinstance(template, dict) or "href" not in template:
            return Reply()
        if "redirectURI" in {*body, *template}:
            raise not_played("A login with a redirect")
        href = str(template["href"])
        own = self.world.store.get(href)
        if own is None or not href.startswith("session-template/"):
            raise JsonProblem(404, f"{href} not found", href)
        sent = {name: value for name, value in template.items() if name != "href"}
        method = str(own["method"])
        if field := misfit(users.FIELDS[method], sent):
            raise unfit(field)
        user, roles = users.log_in(self.world, method, {**own, **sent})
        identifier = f"session/{self.world.ids.uuid()}"
        ends = self.world.now() + users.LIFETIME
        names = " ".join([*roles, identifier])
        optional = {name: body[name] for name in ("name", "description") if name in body}
        self.world.document(
            "session",
            id=identifier,
            method=method,
            sessionTemplate={"href": href},
            clientIP=flask_request.remote_addr,
            expiry=iso(ends),
            username=user,
            roles=names,
            acl=acl(role("ADMIN", "VIEW"), role("ADMIN", "ALL"), owner=identifier),
            **optional,
        )
        cookie = users.make_cookie(self.world, user, names, ends, session=identifier)
        return created(identifier, headers={"Set-Cookie": cookie})

    def remove(self, document: Document) -> Reply:
        identifier = str(document["id"])
        cookie = {"Set-Cookie": users.clearing_cookie(self.world)}
        return message(200, f"{identifier} deleted", identifier, headers=cookie)


def _read_only(name: str, *rules: tuple[str, str]) -> type[Resource]:
    """A read-only type."""
    is_described = name in {"connector", "session-template"}
    fields = {"name": name, "rules": rules, "is_described": is_described}
    return type(_key(name), (Resource,), {**fields, "unplayed": ("describe", *_WRITING)})


_TYPES: tuple[type[Resource], ...] = (
    *(Credential, Event, Session),
    _read_only("connector", _ADMIN, _USERS_VIEW),
    _read_only("service-offer", _USERS_ADD),
    _read_only("session-template", ("ANON", "VIEW"), _USERS_VIEW),
    _read_only("virtual-machine", _ADMIN, _USERS_VIEW),
)
RESOURCES: Mapping[str, type[Resource]] = {resource.name: resource for resource in _TYPES}
# Collections that only the entry point names.
UNPLAYED = (
    *("callback", "configuration", "configuration-template", "connector-template"),
    *("credential-template", "deployment", "deployment-parameter", "deployment-template"),
    *("email", "evidence-record", "external-object", "external-object-template", "job"),
    *("metering", "module", "module-application", "module-component", "module-image"),
    *("notification", "quota", "resource-metadata", "service-attribute"),
    *("service-attribute-namespace", "service-benchmark", "storage-bucket", "user"),
    *("user-identifier", "user-param", "user-param-template", "user-template"),
    "virtual-machine-mapping",
)


class JsonService(cimi.Service[State, Identity]):
    has_options = False

    def add_routes(self, app: Flask) -> None:
        super().add_routes(app)
        for rule in ("/api", "/api/"):
            app.add_url_rule(rule, f"api {rule}", self._unknown)

    def _unknown(self) -> Response:
        raise JsonProblem(404, "unknown resource", flask_request.path)

    def read_request(self, path: str) -> cimi.Request[State, Identity]:
        content_type, body = flask_request.headers.get("Content-Type", ""), None
        if content_type.startswith(f"{FORM};"):
            raise not_played("A form with a charset")
        if content_type != FORM:
            body = _read_json(flask_request.data or b"{}")
        return cimi.Request(
            world=self.world,
            identity=users.identify(self.world, flask_request.cookies.get(users.COOKIE)),
            method=flask_request.method.lower(),
            path=path,
            base=base_url(),
            body=body,
            fields=query_fields(flask_request.form if content_type == FORM else None),
        )

    def user_name(self, identity: Identity) -> str | None:
        return identity.name

    def entry_point(self, call: cimi.Request[State, Identity]) -> Reply:
        since = "2016-06-21T17:31:14.950Z"
        document: Document = {
            "id": cimi.ENTRY_POINT,
            "resourceURI": "http://schemas.dmtf.org/cimi/2/CloudEntryPoint",
            "created": since,
            "updated": since,
            "acl": acl(role("ANON", "VIEW"), role("ADMIN", "ALL")),
            "baseURI": f"{call.base}/api/",
        }
        collections = {_key(name): {"href": name} for name in (*RESOURCES, *UNPLAYED)}
        return Reply(document=document | collections, content_type=CHARSET)

    def wrong_method(self, call: cimi.Request[State, Identity]) -> JsonProblem:
        parts = call.path.split("/")
        if len(parts) == 3 and parts[0] not in self.resources:
            return cimi.undefined_action(call, parts[0], parts[2])
        if len(parts) > 3:
            return JsonProblem(404, "unknown resource", f"/api/{call.path}")
        return super().wrong_method(call)

    def failed(self, error: HTTPException) -> Response:
        if request_is_json():
            return super().failed(error)
        allowed = sorted(set(getattr(error, "valid_methods", None) or ()) - {"HEAD", "OPTIONS"})
        status = error.code if error.code in {400, 404, 405, 415} else 500
        return refuse(XmlProblem(status, allow=", ".join(allowed)))


def _read_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        cimi.malformed("text/plain; charset=utf-8")


def request_is_json() -> bool:
    """Whether a request is for the JSON service."""
    return flask_request.path == "/api" or flask_request.path.startswith("/api/")
