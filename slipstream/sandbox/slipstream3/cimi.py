"""
The JSON service: searching, reading, adding, editing, deleting, acting.

Source: SlipStreamServer, resources/common std_crud.clj and middleware cimi_params.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipstream.filters import LARGEST_INTEGER, And, Date, Filter, FilterSyntaxError, attr, parse
from slipstream.sandbox import queries
from slipstream.sandbox.moments import iso
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.slipstream3 import naming, people, quotas, templates
from slipstream.sandbox.slipstream3.access import Identity, owned_by
from slipstream.sandbox.slipstream3.collections import Collection
from slipstream.sandbox.slipstream3.credentials import add_credential
from slipstream.sandbox.slipstream3.version import Version
from slipstream.sandbox.store import Document, Query, TooManyDocuments, selected

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_ACTIONS = "http://sixsq.com/slipstream/1/action/"
_STAYING = ("resourceURI", "acl")
_UNTOUCHABLE = {"id", "resourceURI", "created", "updated", "operations"}
_NAMESPACES = {
    "resource",
    "price",
    "schema-org",
    "exoscale",
    "ec2",
    "otc",
}
Fields = Mapping[str, Sequence[str]]


class Cimi:
    """
    The JSON service for one request.

    :param world: The world.
    :param identity: Who asks.
    """

    def __init__(self, world: World, identity: Identity) -> None:
        self._world = world
        self._identity = identity

    def search(self, collection: Collection, fields: Fields) -> Document:
        """
        Search a collection.

        :param collection: The collection.
        :param fields: The parameters of the query.
        :returns: The envelope.
        :raises JsonProblem: 403 without the right, 400 or 500 for a bad query.
        """
        self._require(self._identity.may_view(collection.acl))
        query = self._query(collection, fields)
        try:
            found = self._world.store.search(
                collection.name, query, visible=lambda one: self._identity.may_view(one["acl"])
            )
        except TooManyDocuments as error:
            raise JsonProblem(500, f"Unexpected exception thrown: {error}") from None
        envelope: Document = {
            "count": found.count,
            "acl": collection.acl,
            "resourceURI": collection.envelope_uri,
            "id": collection.name,
        }
        if self._identity.may_modify(collection.acl):
            envelope["operations"] = [{"rel": "add", "href": collection.name}]
        if query.aggregations:
            envelope["aggregations"] = found.aggregations
        envelope[collection.key] = [
            self._shown(collection, one, query.select) for one in found.documents
        ]
        return envelope

    def _query(self, collection: Collection, fields: Fields) -> Query:
        wanted = _filter(fields.get("$filter", ()), self._world.version)
        order = queries.order(fields.get("$orderby", ()))
        if collection.name == "session":
            wanted = attr("id").eq(self._identity.session or "nobody")
        if collection.name == "event" and not (order and self._world.version.since(51)):
            order = (("timestamp", True),)
        return Query(
            filter=wanted,
            first=max(1, queries.integer(fields.get("$first", ()), 1) or 1),
            last=queries.integer(fields.get("$last", ()), None),
            order=order,
            select=queries.names(fields.get("$select", ())),
            aggregations=queries.aggregations(fields.get("$aggregation", ())),
        )

    def read(self, collection: Collection, identifier: str, fields: Fields) -> Document:
        """
        Read one document.

        :param collection: Its collection.
        :param identifier: Its id.
        :param fields: The parameters of the query.
        :returns: The document.
        :raises JsonProblem: 404 or 403.
        """
        document = self._existing(identifier)
        self._require(self._identity.may_view(document["acl"]))
        return self._shown(collection, document, queries.names(fields.get("$select", ())))

    def add(self, collection: Collection, body: Any) -> tuple[Document, dict[str, str]]:
        """
        Add a document.

        :param collection: Where.
        :param body: What was sent.
        :returns: The new document, and what is told only once.
        :raises JsonProblem: 403 without the right, 400 for a bad document, 409 for a taken id.
        """
        self._require(self._identity.may_modify(collection.acl))
        if collection.name == "credential":
            return add_credential(self._world, self._identity, body)
        if not isinstance(body, dict):
            raise JsonProblem(400, "resource does not satisfy defined schema:\nnot a map\n")
        _check_namespaces(collection, body)
        fields = {key: value for key, value in body.items() if key not in _UNTOUCHABLE}
        fields.setdefault("acl", owned_by(self._identity.name or "ADMIN"))
        if identifier := naming.identifier(collection.name, fields):
            self._check_free(naming.taken(self._world.store, identifier, fields))
            fields["id"] = identifier
        return self._world.document(collection.name, collection.uri, **fields), {}

    def _check_free(self, taken: str | None) -> None:
        if taken:
            words = "conflict with" if self._world.version.since(42) else "Conflict for"
            raise JsonProblem(409, f"{words} {taken}", taken)

    def edit(self, collection: Collection, identifier: str, body: Any, fields: Fields) -> Document:
        """
        Merge a document over the one that is kept.

        :param collection: Its collection.
        :param identifier: Its id.
        :param body: What was sent.
        :param fields: The parameters of the query; ``$select`` names attributes to delete.
        :returns: The whole updated document.
        :raises JsonProblem: 404, 403, 405 where nothing can be edited, 400 for a bad document.
        """
        if not collection.editable:
            raise JsonProblem(405, f"invalid method (put) for /api/{identifier}", identifier)
        document = self._existing(identifier)
        self._require(self._identity.may_modify(document["acl"]))
        if not isinstance(body, dict):
            raise JsonProblem(400, "resource does not satisfy defined schema:\nnot a map\n")
        _check_namespaces(collection, body)
        doomed: tuple[str, ...] = ()
        if self._world.version.since(58):
            doomed = queries.names(fields.get("$select", ())) or ()
        kept = {
            key: value
            for key, value in document.items()
            if key not in doomed or key in _UNTOUCHABLE | {"acl"}
        }
        news = {key: value for key, value in body.items() if key not in _UNTOUCHABLE}
        updated = self._world.store.put(kept | news | {"updated": iso(self._world.now())})
        if collection.name in {"user", "user-param", "credential"}:
            people.adopt_document(self._world, updated)
        return self._shown(collection, updated, None)

    def delete(self, identifier: str) -> None:
        """
        Delete a document.

        :param identifier: Its id.
        :raises JsonProblem: 404 or 403.
        """
        document = self._existing(identifier)
        self._require(self._identity.may_modify(document["acl"]))
        self._world.store.remove(identifier)
        people.forget_document(self._world, document)

    def act(self, collection: Collection, identifier: str, action: str, method: str) -> Document:
        """
        Carry out an action.

        :param collection: The collection of the document.
        :param identifier: The document's id.
        :param action: The action, such as ``collect``.
        :param method: The HTTP method, for the message.
        :returns: What the action answers.
        :raises JsonProblem: 404 for an unknown document or action, 403 without the right.
        """
        known = {"describe": collection.name.endswith("-template")}
        known["collect"] = collection.name == "quota" and method == "post"
        if not known.get(action):
            path = f"/api/{identifier}/{action}"
            words = f'["{collection.name}" "{action}"]'
            raise JsonProblem(
                404, f"undefined action ({method}, {words}) for {path}", path.removeprefix("/")
            )
        document = self._existing(identifier)
        self._require(self._identity.may_view(document["acl"]))
        if action == "describe":
            return templates.describe(document)
        measured = {
            "currentAll": quotas.measure(self._world, document, user=None),
            "currentUser": quotas.measure(self._world, document, user=self._identity.name),
        }
        return self._shown(collection, document, None) | measured

    def _existing(self, identifier: str) -> Document:
        document = self._world.store.get(identifier)
        if document is None:
            raise JsonProblem(404, f"{identifier} not found", identifier)
        return document

    def _require(self, allowed: bool) -> None:
        if not allowed:
            modern = self._world.version.since(46)
            raise JsonProblem(
                403, "credentials required" if modern else "invalid credentials for ''"
            )

    def _shown(
        self, collection: Collection, document: Document, names: tuple[str, ...] | None
    ) -> Document:
        operations = self._operations(collection, document)
        shown = selected(document, names, _STAYING)
        if operations:
            href = shown.get("id")
            shown["operations"] = [
                {"rel": rel, "href": f"{href}{path}" if href else None} for rel, path in operations
            ]
        return shown

    def _operations(self, collection: Collection, document: Document) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        if self._identity.may_modify(document["acl"]):
            found += [("edit", "")] if collection.editable else []
            found.append(("delete", ""))
        if collection.name.endswith("-template"):
            found.append((f"{_ACTIONS}describe", "/describe"))
        if collection.name == "quota":
            found.append((f"{_ACTIONS}collect", "/collect"))
        is_stub = collection.name == "session" and "username" not in document
        if is_stub and not self._world.version.since(52):
            found.append((f"{_ACTIONS}validate", "/validate"))
        return found


def _check_namespaces(collection: Collection, body: Mapping[str, Any]) -> None:
    if collection.name != "service-offer":
        return
    used = {key.partition(":")[0] for key in body if ":" in key}
    if used - _NAMESPACES:
        raise JsonProblem(406, "resource attributes do not satisfy defined namespaces")


def _filter(texts: Sequence[str], version: Version) -> Filter | None:
    found = [_parse(text, version) for text in texts]
    if not found:
        return None
    return found[0] if len(found) == 1 else And(tuple(found))


def _parse(text: str, version: Version) -> Filter:
    try:
        found = parse(text)
        if not version.since(55) and any(one.operator == "==" for one in found.comparisons()):
            raise FilterSyntaxError(text, text.index("==") + 1, "a value")
    except FilterSyntaxError as error:
        at = error.index + 1
        echo = f"({text})".replace("\\", "\\\\").replace('"', '\\"')
        raise JsonProblem(
            400,
            f"Invalid CIMI filter. {{:index {at}, :reason [{{:tag :string, "
            f':expecting ")"}}], :line 1, :column {at + 1}, :text "{echo}"}}\n',
        ) from None
    for comparison in found.comparisons():
        _check_literal(comparison.value)
    return found


def _check_literal(value: object) -> None:
    if isinstance(value, int) and value > LARGEST_INTEGER:
        raise JsonProblem(500, f'Unexpected exception thrown: For input string: "{value}"')
    if isinstance(value, Date):
        try:
            value.check()
        except ValueError:
            message = f'Unexpected exception thrown: Invalid format: "{value.text}"'
            raise JsonProblem(500, message) from None
