"""
The resources of the JSON service ``/api``, and logins.

Source: SlipStreamServer, cimi-resources, resources/common std_crud.clj, session*.clj and
middleware cimi_params.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

import attrs
from flask import Response
from flask import request as flask_request

from slipstream.filters import SLIPSTREAM, And, Filter, Or, attr
from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import FORM, JsonProblem, created, not_played, respond
from slipstream.sandbox.clock import cookie_date, iso
from slipstream.sandbox.schema import Description, describe
from slipstream.sandbox.slipstream3.state import NOBODY, Identity, State, acl, resource_uri, role
from slipstream.sandbox.store import MOST_DOCUMENTS, Document, Page, Query

COOKIE = "com.sixsq.slipstream.cookie"
_LIFETIME = timedelta(days=1)
_FIELDS: Mapping[str, Description] = {
    "internal": describe("username", "password"),
    "api-key": describe("key", "secret"),
    "mitreid-token": describe("token"),
}
"""What the template of each login method is filled in with."""
_DESCRIBE = "http://sixsq.com/slipstream/1/action/describe"
_EXPECTED = '"("\n"null"\n"false"\n"true"\n'


class Resource(cimi.Resource):
    world: State
    identity: Identity
    rules: ClassVar[tuple[tuple[str, str], ...]]
    """Who may list it, and who may add to it."""
    rels: ClassVar[tuple[str, ...]] = ("edit", "delete")
    """The operations of those who may change a document."""
    is_described: ClassVar[bool] = False
    prefix = "$"

    @property
    def acl(self) -> Document:
        return acl(*(role(*rule) for rule in self.rules))

    def may_search(self) -> bool:
        return self.identity.may_view(self.acl)

    def may(self, right: str, document: Document) -> bool:
        return self.identity.may_view(document["acl"])

    def operations(self, document: Document) -> list[dict[str, Any]]:
        href = document.get("id")
        rels = self.rels if self.identity.may_modify(document["acl"]) else ()
        operations: list[dict[str, Any]] = [{"rel": rel, "href": href} for rel in rels]
        if self.is_described:
            operations.append({"rel": _DESCRIBE, "href": f"{href}/describe" if href else None})
        return operations

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        if any("/" in name for name in select or ()):
            raise not_played("A selection of nested attributes")
        selection = document
        if select is not None and "*" not in select:
            chosen = (*select, "resourceURI", "acl")
            selection = {name: document[name] for name in chosen if name in document}
        # Without the id in the selection, the operations have no address.
        operations = self.operations(selection)
        return selection | ({"operations": operations} if operations else {})

    def envelope(self, documents: Sequence[Document]) -> Document:
        envelope: Document = {"acl": self.acl, _key(self.name): documents}
        envelope["resourceURI"] = f"{resource_uri(self.name)}Collection"
        if self.identity.may_modify(self.acl):
            envelope["operations"] = [{"rel": "add", "href": self.name}]
        return envelope

    def find(self, query: Query) -> Page:
        """Search the collection; the index has no prefixes of numbers."""
        comparisons = cast("Filter", query.filter).comparisons() if query.filter else ()
        paths = [comparison.attribute for comparison in comparisons if comparison.operator == "^="]
        documents = self.world.store.collection(self.name) if paths else ()
        values = (value for item in documents for path in paths for value in path.values(item))
        if any(isinstance(value, int | float) for value in values):
            return None, []
        return super().find(query)

    def query(self) -> Query:
        expression = self.filter(SLIPSTREAM, _EXPECTED)
        criterion = _numeric(expression) if expression else None
        query = attrs.evolve(Query.read(self.parameters), filter=criterion)
        if query.size > MOST_DOCUMENTS:
            text = f"size {query.size} too large; limit is {MOST_DOCUMENTS}"
            raise cimi.server_error(text)
        return query


def _key(name: str) -> str:
    """The name of a collection in the entry point, and of the list inside its envelope."""
    first, *words = name.split("-")
    camel = first + "".join(map(str.capitalize, words))
    return camel if name == "user-param" else f"{camel}s"


def _numeric(criterion: Filter) -> Filter:
    """Let a quoted number match a number, as the index does."""
    if isinstance(criterion, And | Or):
        return type(criterion)(tuple(map(_numeric, criterion.operands)))
    value = criterion.value
    comparable = criterion.operator in {"=", "<", "<=", ">=", ">"}
    if comparable and isinstance(value, str) and value.isascii() and value.isdigit():
        return Or((criterion, attrs.evolve(criterion, value=int(value))))
    return criterion


def _log_in(state: State, values: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Check the fields of a session template; return the user's name and roles."""
    if values["method"] == "api-key":
        name, claims = values["key"], state.api_key_claims(values["key"], values["secret"])
        if claims is not None:
            return claims["identity"], claims["roles"]
    elif values["method"] == "internal":
        name = values["username"]
        account = state.accounts.get(name)
        if account is not None and account.password == values["password"]:
            return name, account.roles
    else:
        name = "unknown user"
        account = state.accounts.get(state.provider_tokens.get(values["token"], ""))
        if account is not None:
            return account.name, account.roles
    raise JsonProblem(403, f"invalid credentials for '{name}'", name)


def clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the XML service deletes the token."""
    # There is no Max-Age: a client compares this with its own clock, which may be behind.
    now = cookie_date(min(state.now(), datetime.now(UTC)), gmt=True)
    return f"{COOKIE}=INVALID; Path=/; Expires={now}"


def identify(state: State, cookie: str | None) -> Identity:
    claims = state.verify((cookie or "").removeprefix("token="))
    if claims is None:
        return NOBODY
    return Identity(claims["username"], tuple(claims["roles"].split()), claims["session"])


class Event(Resource):
    """Events of runs, newest first."""

    name, rules = "event", (("ANON", "ALL"),)
    rels = ("delete",)

    def query(self) -> Query:
        query = super().query()
        return query if query.order else attrs.evolve(query, order=(("timestamp", True),))


class Session(Resource):
    name, rels = "session", ("delete",)
    rules = (("ADMIN", "MODIFY"), ("USER", "MODIFY"), ("ANON", "MODIFY"))
    played = ("search", "add", "read")

    def query(self) -> Query:
        """Read the parameters of a search, which finds the sender's sessions alone."""
        own = attr("id").eq(self.identity.session or "nobody")
        return attrs.evolve(super().query(), filter=own)

    def add(self) -> Response:
        """Log in; without a template the server does nothing, and responds with an empty 200."""
        body = self.sent
        if not isinstance(body, dict):
            raise JsonProblem(400, "resource does not satisfy defined schema:\nnot a map\n")
        template = body.get("sessionTemplate")
        if "redirectURI" in {*body, *(template or ())}:
            raise not_played("A login with a redirect")
        values = self.filled_template(template, _FIELDS)
        if values is None:
            return respond()
        user, roles = _log_in(self.world, values)
        identifier = f"session/{self.world.ids.uuid()}"
        ends = self.world.now() + _LIFETIME
        names = " ".join([*roles, identifier])
        optional = {name: body[name] for name in ("name", "description") if name in body}
        self.world.document(
            "session",
            id=identifier,
            method=values["method"],
            sessionTemplate={"href": values["id"]},
            clientIP=flask_request.remote_addr,
            expiry=iso(ends),
            username=user,
            roles=names,
            acl=acl(role("ADMIN", "VIEW"), role("ADMIN", "ALL"), owner=identifier),
            **optional,
        )
        token = self.world.sign(
            {"username": user, "roles": names, "exp": int(ends.timestamp()), "session": identifier}
        )
        cookie = f"{COOKIE}=token={token};Secure;Path=/;Expires={cookie_date(ends, gmt=False)}"
        return created(identifier, headers={"Set-Cookie": cookie})


_USERS_VIEW, _USERS_ADD = ("USER", "VIEW"), ("USER", "MODIFY")
_TYPES: tuple[type[Resource], ...] = (
    *(Event, Session),
    Resource.of("connector", rules=(("ADMIN", "MODIFY"), _USERS_VIEW), is_described=True),
    Resource.of("credential", rules=(("ADMIN", "MODIFY"), _USERS_ADD)),
    Resource.of("service-offer", rules=(_USERS_ADD,)),
    Resource.of("session-template", rules=(("ANON", "VIEW"), _USERS_VIEW), is_described=True),
    Resource.of("virtual-machine", rules=(("ADMIN", "MODIFY"), _USERS_VIEW)),
)
RESOURCES: Mapping[str, type[Resource]] = {resource.name: resource for resource in _TYPES}
# Collections that only the entry point names.
_UNPLAYED = (
    *("callback", "configuration", "configuration-template", "connector-template"),
    *("credential-template", "deployment", "deployment-parameter", "deployment-template"),
    *("email", "evidence-record", "external-object", "external-object-template", "job"),
    *("metering", "module", "module-application", "module-component", "module-image"),
    *("notification", "quota", "resource-metadata", "service-attribute"),
    *("service-attribute-namespace", "service-benchmark", "storage-bucket", "user"),
    *("user-identifier", "user-param", "user-param-template", "user-template"),
    "virtual-machine-mapping",
)


class JsonService(cimi.Service):
    cookie, identify = COOKIE, staticmethod(identify)

    def read_body(self) -> Any:
        content_type = flask_request.headers.get("Content-Type", "")
        if content_type.startswith(f"{FORM};"):
            raise not_played("A form with a charset")
        if content_type == FORM:
            # A login may come as a form; a search's fields are read elsewhere.
            return {"sessionTemplate": flask_request.form.to_dict()}
        try:
            return json.loads(flask_request.data or b"{}")
        except (ValueError, RecursionError):
            cimi.malformed("text/plain; charset=utf-8")

    def entry_point(self) -> Document:
        since = "2016-06-21T17:31:14.950Z"
        document: Document = {
            "id": cimi.ENTRY_POINT,
            "resourceURI": "http://schemas.dmtf.org/cimi/2/CloudEntryPoint",
            "created": since,
            "updated": since,
            "acl": acl(role("ANON", "VIEW"), role("ADMIN", "ALL")),
            "baseURI": f"{cimi.base_url()}/api/",
        }
        return document | {_key(name): {"href": name} for name in (*RESOURCES, *_UNPLAYED)}
