"""
What can be done with any resource: search, read, add, edit, delete, act.

Source: nuvla/api-server, server/resources/common/std_crud.clj and common/crud.clj.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipstream.filters import attr
from slipstream.sandbox import queries
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla import bulk, events
from slipstream.sandbox.nuvla.access import acl, normalised
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, not_found, required, told
from slipstream.sandbox.nuvla.json_patch import PatchError, patched
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.nuvla.query import read_query, shown
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.store import Query

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

_META = (
    *("id", "resource-type", "created", "updated", "name", "description", "tags", "subtype"),
    *("parent", "resource-metadata", "operations"),
)
_KEPT_BY_SERVER = frozenset({"id", "resource-type", "created", "updated", "created-by"})


def search(call: Call, kind: Kind) -> Answer:
    """
    Search a collection.

    :param call: The request.
    :param kind: The type of resource.
    :returns: The collection's envelope.
    :raises JsonProblem: 403 without the right, 400 or 500 for a bad query.
    """
    if not call.identity.has(kind.query):
        raise JsonProblem(403, "credentials required")
    query = _query(call, kind)
    found = call.world.store.search(
        kind.name, query, visible=lambda one: call.identity.may("view-meta", one["acl"])
    )
    if found.count is None:
        names = ", ".join(name for name, _ in query.order)
        message = f"No mapping found for [{names}] in order to sort on"
        raise JsonProblem(500, f"unexpected exception querying: {message}")
    envelope: Document = {
        "count": found.count,
        "acl": {"query": [kind.query], "add": [kind.adders or kind.query]},
        "resource-type": f"{kind.name}-collection",
        "id": kind.name,
        "resources": [_presented(call, kind, one, query.select) for one in found.documents],
    }
    if query.aggregations:
        envelope["aggregations"] = found.aggregations
    operations = _collection_operations(call, kind)
    return Answer(document=envelope | ({"operations": operations} if operations else {}))


def _query(call: Call, kind: Kind) -> Query:
    if kind.name == "session":
        return Query(filter=attr("id").eq(call.identity.session or "nobody"))
    if kind.name == "resource-metadata":
        return Query()
    now = call.world.now()
    return read_query(call.fields, now, hidden=kind.hidden, default_order=kind.newest_first)


def _collection_operations(call: Call, kind: Kind) -> list[dict[str, str]]:
    found = []
    if kind.adders and call.identity.has(kind.adders):
        found.append({"rel": "add", "href": kind.name})
    if kind.bulk_delete and call.identity.has(kind.query):
        found.append({"rel": "bulk-delete", "href": kind.name})
    return found


def _presented(
    call: Call, kind: Kind, document: Document, select: Iterable[str] | None
) -> Document:
    full = dict(document)
    operations = _operations(call, kind, document)
    if operations:
        full["operations"] = operations
    if not call.identity.may("view-acl", document["acl"]):
        full.pop("acl")
    if not call.identity.may("view-data", document["acl"]):
        full = {name: full[name] for name in _META if name in full}
    return shown(full, None if select is None else tuple(select))


def _operations(call: Call, kind: Kind, document: Document) -> list[dict[str, str]]:
    may, rights = call.identity.may, document["acl"]
    href = document["id"]
    found = []
    if kind.editable and may("edit-meta", rights):
        found.append({"rel": "edit", "href": href})
    if may("delete", rights) and kind.deletable(document):
        found.append({"rel": "delete", "href": href})
    if may("manage", rights):
        rels = kind.rels(call, document)
        found += [{"rel": rel, "href": f"{href}/{rel}"} for rel in rels]
    return found


def _existing(call: Call, kind: Kind) -> Document:
    document = kind.find(call.world, call.identifier)
    if document is None:
        raise not_found(call.identifier)
    return document


def read(call: Call, kind: Kind) -> Answer:
    """
    Read one document.

    :param call: The request.
    :param kind: The type of resource.
    :returns: The document.
    :raises JsonProblem: 404 or 403.
    """
    document = _existing(call, kind)
    required(call, "view-meta", document)
    document = kind.read(call, document)
    names = queries.names(call.fields.get("select", ())) if kind.selects else None
    return Answer(document=_presented(call, kind, document, names))


def add(call: Call, kind: Kind) -> Answer:
    """
    Add a document.

    :param call: The request.
    :param kind: The type of resource.
    :returns: That it was added.
    :raises JsonProblem: 403 without the right, 400 for a bad document.
    """
    if kind.adders is None:
        raise JsonProblem(405, f"invalid method (post) for /api/{kind.name}")
    if not call.identity.has(kind.adders) and kind.name != "credential":
        raise JsonProblem(403, "credentials required")
    answer = (kind.add or (lambda one: _plain_add(one, kind)))(call)
    events.record(call, kind.name, "add", answer.document.get("resource-id"), success=True)
    return answer


def _plain_add(call: Call, kind: Kind) -> Answer:
    _check_schema(kind, call.document, kind.name)
    fields = {name: one for name, one in call.document.items() if name not in _KEPT_BY_SERVER}
    owner = call.identity.owner
    rights = normalised(fields["acl"]) if "acl" in fields else acl(owner)
    stored = call.world.document(
        kind.name, owner, attributes=fields, created_by=call.identity.user, acl=rights
    )
    return created(stored["id"])


def _check_schema(kind: Kind, document: Document, name: str) -> None:
    extra = sorted(set(document) - kind.attributes) if kind.attributes is not None else []
    if extra:
        raise JsonProblem(400, f"resource {name} {SCHEMA}extra keys: {', '.join(extra)}\n")


def edit(call: Call, kind: Kind) -> Answer:
    """
    Merge what was sent over the document that is kept.

    :param call: The request; its ``select`` names attributes to remove first.
    :param kind: The type of resource.
    :returns: The whole document.
    :raises JsonProblem: 404, 403, 405 where nothing can be edited, 400 for a bad document.
    """
    if not kind.editable:
        raise JsonProblem(405, f"invalid method (put) for /api/{call.identifier}")
    document = _existing(call, kind)
    required(call, "edit-meta", document)
    changes, dropped = _changes(call, document)
    _check_schema(kind, changes, document["id"])
    changes = kind.edit(call, document, changes)
    changes = {name: one for name, one in changes.items() if name not in _KEPT_BY_SERVER}
    changes.pop("operations", None)
    if "acl" in changes:
        changes["acl"] = normalised(changes["acl"])
    selected = queries.names(call.fields.get("select", ())) or ()
    doomed = dropped.union(selected) - _KEPT_BY_SERVER - {"acl"}
    kept = {name: one for name, one in document.items() if name not in doomed}
    stamp = {"updated": iso(call.world.now()), "updated-by": call.identity.user}
    stored = call.world.store.put(kept | changes | stamp)
    events.record(call, kind.name, "edit", stored["id"], success=True)
    return Answer(document=_presented(call, kind, stored, None))


def _changes(call: Call, document: Document) -> tuple[Document, set[str]]:
    """What is new, and the names of what is gone."""
    if not call.patch:
        return call.document, set()
    try:
        # The text and back: a patch must not reach into the document that is kept.
        new = patched(json.loads(json.dumps(document)), call.body)
    except PatchError as error:
        raise JsonProblem(400, f"Json patch exception: {error}", document["id"]) from None
    changes = {name: value for name, value in new.items() if value != document.get(name)}
    return changes, set(document) - set(new)


def delete(call: Call, kind: Kind) -> Answer:
    """
    Delete a document.

    :param call: The request.
    :param kind: The type of resource.
    :returns: That it is gone.
    :raises JsonProblem: 404, 403, or 409 in a state that forbids it.
    """
    document = _existing(call, kind)
    required(call, "delete", document)
    kind.delete(call, document)
    call.world.store.remove(document["id"])
    events.record(call, kind.name, "delete", document["id"], success=True)
    return told(200, f"{document['id']} deleted", document["id"])


def act(call: Call, kind: Kind, action: str) -> Answer:
    """
    Carry out an action; any method will do.

    :param call: The request.
    :param kind: The type of resource.
    :param action: The action's name.
    :returns: What the action answers.
    :raises JsonProblem: 404 for an unknown action or document, and the action's own refusals.
    """
    if action not in kind.actions:
        words = f'["{kind.name}" "{action}"]'
        message = f"undefined action ({call.method}, {words}) for /api/{call.path}"
        raise JsonProblem(404, message)
    document = _existing(call, kind)
    try:
        answer = kind.actions[action](call, document)
    except JsonProblem:
        events.record(call, kind.name, action, document["id"], success=False)
        raise
    events.record(call, kind.name, action, document["id"], success=True)
    return answer


def bulk_delete(call: Call, kind: Kind) -> Answer:
    """
    Delete many.

    :param call: The request.
    :param kind: The type of resource.
    :returns: The index's summary.
    :raises JsonProblem: 405 where it is not offered, 403 without the right, 400 otherwise.
    """
    if not kind.bulk_delete:
        raise JsonProblem(405, f"invalid method (delete) for /api/{kind.name}")
    if not call.identity.has(kind.query):
        raise JsonProblem(403, "credentials required")
    return bulk.delete(call, kind.name)
