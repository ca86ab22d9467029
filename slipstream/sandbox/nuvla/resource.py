"""
The base of this family's types of resource: who may do what, the index, and events.

Source: nuvla/api-server, server/resources/common/std_crud.clj, common/crud.clj, eventer.clj,
spec/common.cljc, server/middleware/cimi_params and db/es/common/pagination.cljc.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar, cast

import attrs
from flask import Response

from slipstream import filters
from slipstream.filters import Attribute, Comparison, Date, Filter, leaves
from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import JsonProblem, message, not_played
from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla.state import ADMIN, INTERNAL, USER, Identity, State
from slipstream.sandbox.schema import Description, anything, describe, misfit, texts
from slipstream.sandbox.store import MOST_DOCUMENTS, Criterion, Document, Page, Query

COMMON = describe(
    *("id", "resource-type", "created", "updated", "created-by", "updated-by", "name", "parent"),
    *("resource-metadata", "subtype"),
    tags=texts,
    **dict.fromkeys(("description", "properties", "operations", "acl"), anything),
)
"""The attributes that every type has."""
_HIDDEN = Attribute("@hidden")
"""What stands for an attribute that is not in the index: no document has it."""
_DATE_ARITHMETIC = re.compile(r"now(?:([+-]\d+)([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATES = frozenset({"created", "updated", "expiry", "timestamp", "started", "last-check"})
_FORMAT = "strict_date_optional_time||epoch_millis"
_NO_FIELD_DATA = (
    "Text fields are not optimised for operations that require per-document field data like "
    "aggregations and sorting, so these operations are disabled by default. Please use a keyword "
    "field instead. Alternatively, set fielddata=true on [fulltext] in order to load field data "
    "by uninverting the inverted index. Note that this can use significant memory."
)
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


def query_failed(reason: str) -> JsonProblem:
    return JsonProblem(500, f"unexpected exception querying: {reason}")


def index_failed(kind: str, type_: str, reason: str) -> JsonProblem:
    """The refusal of a search that the index cannot do, in the index's own words."""
    where = f', :index "nuvla-{kind}"' if type_ == "query_shard_exception" else ""
    cause = f'{{:type "{type_}", :reason "{reason}"{where}}}'
    details = ':type "search_phase_execution_exception", :reason "all shards failed"'
    return query_failed(f"{{:root_cause [{cause}], {details}}}")


@attrs.frozen
class _Condition:
    """A criterion that is no comparison of a filter."""

    matches: Callable[[Mapping[str, Any]], bool]


def _full_text(comparison: Comparison) -> Criterion:
    """Compare with all words of a document."""

    def matches(document: Mapping[str, Any]) -> bool:
        words = leaves([document.get(name) for name in ("name", "description", "tags")], ())
        return comparison.matches({"fulltext": " ".join(map(str, words))})

    return _Condition(matches)


def _keyword(path: Sequence[str], text: str) -> Criterion:
    """Compare with the whole of a value; ``*`` stands for anything."""
    pattern = re.compile(re.escape(text).replace(r"\*", ".*"), re.DOTALL)
    return _Condition(lambda item: any(pattern.fullmatch(str(own)) for own in leaves(item, path)))


def forbidden(identifier: str) -> JsonProblem:
    return JsonProblem(403, f"invalid credentials for '{identifier}'", identifier)


class Resource(cimi.Resource):
    """A type of resource, whose documents are in an index like Elasticsearch's."""

    world: State
    identity: Identity
    description: ClassVar[Description] = COMMON
    """The attributes of its documents, by which they can be sorted though none may have them."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Attributes that are not in the index, slashes for nesting."""
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

    def envelope(self, documents: Sequence[Document]) -> Document:
        rights: dict[str, list[str]] = {"query": [self.searchers]}
        if self.adders:
            rights["add"] = [self.adders]
        rels = ["add"] if self.may_add() else []
        if self.bulk:
            right, group = self.bulk
            rights[right] = [group]
            if right == "bulk-delete" and self.identity.has(group):
                rels.append(right)
        operations = [{"rel": rel, "href": self.name} for rel in rels]
        kind = f"{self.name}-collection"
        envelope: Document = {"acl": rights, "resource-type": kind, "resources": documents}
        return envelope | ({"operations": operations} if operations else {})

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

    # Searching.

    def query(self) -> Query:
        """Read the parameters of a search; refuse what the index cannot do."""
        query = Query.read(self.parameters)
        if max(query.first, query.last or 0) > MOST_DOCUMENTS:
            raise query_failed(
                "java.lang.IllegalArgumentException: First and last must be less than or equal to "
                "10'000. Use filter to limit the number of returned resources."
            )
        if any(name.partition(".")[0] in self.hidden for name, _ in query.order):
            raise self.unsortable(query.order)
        expression = self.filter(filters.NUVLA)
        return attrs.evolve(
            query,
            filter=self._resolved(expression) if expression else None,
            select=() if query.select is None and self.parameters("select") else query.select,
            mapped=frozenset(self.description) - {*self.hidden},
        )

    def find(self, query: Query) -> Page:
        page = super().find(query)
        if page[0] is None:
            raise self.unsortable(query.order)
        return page

    def unsortable(self, order: Sequence[tuple[str, bool]]) -> JsonProblem:
        """The refusal of an order by an unknown attribute."""
        name = order[0][0]
        if name == "fulltext":
            return index_failed(self.name, "illegal_argument_exception", _NO_FIELD_DATA)
        reason = f"No mapping found for [{name}] in order to sort on"
        return index_failed(self.name, "query_shard_exception", reason)

    def _resolved(self, expression: Filter) -> Criterion:
        if isinstance(expression, Comparison):
            return self._comparison(expression)
        parts = tuple(self._resolved(part) for part in expression.operands)
        kind: Any = type(expression)
        return cast("Criterion", kind(parts))

    def _comparison(self, comparison: Comparison) -> Criterion:
        attribute, operator = str(comparison.attribute), comparison.operator
        value = comparison.value
        if any(f"{attribute}/".startswith(f"{path}/") for path in self.hidden):
            return attrs.evolve(comparison, attribute=_HIDDEN)
        for item in value if isinstance(value, tuple) else (value,):
            self._check_literal(item)
        if operator in filters.PLACING:
            raise not_played("A search by place")
        if attribute == "fulltext":
            return _full_text(comparison)
        if operator == "==" and isinstance(value, str):
            return _keyword(attribute.split("/"), value)
        if operator not in {"<", "<=", ">", ">="} or not isinstance(value, str):
            return comparison
        match = _DATE_ARITHMETIC.fullmatch(value)
        if match is None:
            if attribute in _DATES:
                self._check_literal(Date(value))
            return comparison
        shift = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match[1] else timedelta()
        return Comparison(comparison.attribute, operator, Date.at(self.world.now() + shift))

    def _check_literal(self, value: object) -> None:
        if isinstance(value, int) and value > filters.LARGEST_INTEGER:
            raise query_failed(f'java.lang.NumberFormatException: For input string: "{value}"')
        if isinstance(value, Date):
            try:
                value.value  # noqa: B018 - reading it is the check
            except ValueError:
                failed = f"failed to parse date field [{value.text}] with format [{_FORMAT}]"
                reason = f"{failed}: [{failed}]"
                raise index_failed(self.name, "parse_exception", reason) from None

    # What a type may override.

    def create(self) -> Response:
        raise NotImplementedError

    def remove(self, document: Document) -> Response | None:
        """Refuse to delete, or clean up before; a response replaces the usual one."""
        return None

    # Writing.

    def add(self) -> Response:
        if not self.may_add():
            raise self.required()
        response = self.create()
        if response.data:
            self.record("add", response.get_json()["resource-id"], success=True)
        return response

    def delete(self, identifier: str) -> Response:
        document = self.existing(identifier)
        self.require("delete", document)
        response = self.remove(document)
        self.world.store.remove(document["id"])
        self.record("delete", document["id"], success=True)
        return response or message(200, f"{document['id']} deleted", document["id"])

    def act(self, identifier: str, name: str) -> Response:
        if name not in self.actions:
            return super().act(identifier, name)
        document = self.existing(identifier)
        carry_out: Callable[[Document], Response] = getattr(self, name.replace("-", "_"))
        try:
            response = carry_out(document)
        except JsonProblem:
            self.record(name, document["id"], success=False)
            raise
        self.record(name, document["id"], success=True)
        return response

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
