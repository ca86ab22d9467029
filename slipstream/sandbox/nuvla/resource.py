"""
The base of this family's types of resource.

Source: nuvla/api-server, server/resources/common/std_crud.clj, common/crud.clj, eventer.clj and
spec/common.cljc.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from slipstream.filters import leaves
from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import JsonProblem, Reply, message
from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla.search import Searchable
from slipstream.sandbox.nuvla.state import ADMIN, INTERNAL, USER, Identity
from slipstream.sandbox.schema import misfit
from slipstream.sandbox.store import Document, Query, Result

_META = (
    *("id", "resource-type", "created", "updated", "name", "description", "tags", "subtype"),
    *("parent", "resource-metadata", "operations"),
)
_LONGEST_KEYWORD = 32_766
_TOO_LONG = (
    "unexpected error occurred: unexpected exception updating {}: {{:root_cause [{{:type "
    '"illegal_argument_exception", :reason "Document contains at least one immense term in '
    'field=\\"{}\\" (whose UTF8 encoding is longer than the max length {})"}}]}}'
)
_EVENTFUL = frozenset({"session", "module", "deployment", "credential"})
_DONE = {"add": "added", "edit": "edited", "delete": "deleted", "start": "started"}


def forbidden(identifier: str) -> JsonProblem:
    return JsonProblem(403, f"invalid credentials for '{identifier}'", identifier)


class Resource(Searchable):
    identity: Identity
    searchers: ClassVar[str] = USER
    """The group that may search."""
    adders: ClassVar[str | None] = USER
    """The group that may add; None for none."""
    actions: ClassVar[Collection[str]] = ()
    """What is played beside reading and changing: methods, with dashes for underscores."""
    is_editable: ClassVar[bool] = True
    bulk: ClassVar[tuple[str, str] | None] = None
    """The right to change many at once that the collection's ``acl`` names, and who has it."""
    # Who may.

    def may_search(self) -> bool:
        return self.identity.has(self.searchers)

    def may_add(self) -> bool:
        return self.adders is not None and self.identity.has(self.adders)

    def may(self, right: str, document: Document) -> bool:
        return self.identity.may(right, document["acl"])

    def refused(self, document: Document) -> JsonProblem:
        return forbidden(document["id"])

    def visible(self, identifier: object) -> Document:
        """Read a referenced resource, or refuse if the sender may not see it."""
        document = self.existing(str(identifier))
        self.require("view-meta", document)
        return document

    # Reading.

    def envelope(self, result: Result, query: Query) -> Document:
        if result.count is None:
            raise self.unsortable(query.order)
        rights: dict[str, list[str]] = {"query": [self.searchers]}
        if self.adders:
            rights["add"] = [self.adders]
        rels = ["add"] if self.may_add() else []
        if self.bulk:
            right, group = self.bulk
            rights[right] = [group]
            if right == "bulk-delete" and self.identity.has(group):
                rels.append(right)
        envelope: Document = {
            "count": result.count,
            "acl": rights,
            "resource-type": f"{self.name}-collection",
            "id": self.name,
            "resources": [self.present(document, query.select) for document in result.documents],
        }
        if rels:
            envelope["operations"] = [{"rel": rel, "href": self.name} for rel in rels]
        return envelope

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        operations = self.operations(document)
        presented = document | ({"operations": operations} if operations else {})
        if not self.may("view-acl", document):
            presented.pop("acl")
        if not self.may("view-data", document):
            presented = {name: presented[name] for name in _META if name in presented}
        if select is None:
            return presented
        return {name: presented[name] for name in ("id", *select) if name in presented}

    def operations(self, document: Document) -> list[dict[str, Any]]:
        href = self.href(document)
        rels = []
        if self.is_editable and self.may("edit-meta", document):
            rels.append({"rel": "edit", "href": href})
        if self.may("delete", document) and self.deletable(document):
            rels.append({"rel": "delete", "href": href})
        if self.may("manage", document):
            offered = self.offered(document)
            rels += [{"rel": rel, "href": f"{href}/{rel}"} for rel in offered]
        return rels

    def href(self, document: Document) -> str:
        """The address of the operations of a document."""
        return str(document["id"])

    def deletable(self, document: Document) -> bool:
        return True

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a document that its state allows."""
        return ()

    # What a type may override.

    def create(self) -> Reply:
        raise NotImplementedError

    def remove(self, document: Document) -> Reply | None:
        """Refuse to delete, or clean up before; a reply replaces the usual one."""
        return None

    # Writing.

    def add(self) -> Reply:
        if not self.may_add():
            raise self.required()
        reply = self.create()
        if reply.document is not None and "resource-id" in reply.document:
            self.record("add", reply.document["resource-id"], success=True)
        return reply

    def delete(self, identifier: str) -> Reply:
        document = self.existing(identifier)
        self.require("delete", document)
        reply = self.remove(document)
        self.world.store.remove(document["id"])
        self.record("delete", document["id"], success=True)
        return reply or message(200, f"{document['id']} deleted", document["id"])

    def act(self, identifier: str, name: str) -> Reply:
        if name not in self.actions:
            return super().act(identifier, name)
        document = self.existing(identifier)
        carry_out: Callable[[Document], Reply] = getattr(self, name.replace("-", "_"))
        try:
            reply = carry_out(document)
        except JsonProblem:
            self.record(name, document["id"], success=False)
            raise
        self.record(name, document["id"], success=True)
        return reply

    def body(self, failures: Mapping[type, str] = MappingProxyType({})) -> Document:
        """The body as a map; the server takes another type for none, or fails in its words."""
        body = self.sent
        if type(body) in failures:
            raise cimi.server_error(failures[type(body)])
        return body if isinstance(body, dict) else {}

    def check_schema(self, document: Document, identifier: str = "") -> None:
        if name := misfit(self.description, document):
            raise cimi.unfit(name, identifier or document["id"])
        for name in ("name", "tags"):
            lengths = [len(str(value).encode()) for value in leaves(document.get(name), ())]
            if max(lengths, default=0) > _LONGEST_KEYWORD:
                raise JsonProblem(500, _TOO_LONG.format(document["id"], name, _LONGEST_KEYWORD))

    def store(self, document: Document) -> Document:
        """Complete a new document with the server's own attributes, check it and store it."""
        owner = self.identity.owner
        fields = {"created-by": self.identity.user or owner} | document
        return self.world.document(self.name, owner, fields, check=self.check_schema)

    def record(self, event: str, identifier: str, *, success: bool) -> None:
        if self.name not in _EVENTFUL:
            return
        user, now = self.identity.user, self.world.now()
        name = self.identity.name or "anonymous"
        done = f"{name} {_DONE.get(event, event)} {self.name} {identifier}"
        owners = [ADMIN, *([self.identity.owner] if user else [])]
        self.world.document(
            "event",
            ADMIN,
            created_by=INTERNAL,
            acl={"owners": owners},
            name=f"{self.name}.{event}",
            description=done if success else f"{self.name.title()} {event} attempt failed",
            category=event if event in {"add", "edit", "delete"} else "action",
            severity="medium",
            success=success,
            timestamp=iso(now),
            authn_info={
                "user-id": user or "anonymous",
                "active-claim": self.identity.owner,
                "claims": sorted(self.identity.claims),
            },
            content={"resource": {"href": identifier}, "linked-identifiers": []},
        )
