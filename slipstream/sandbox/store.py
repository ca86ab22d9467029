"""The documents of the JSON collections, and searches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

import attrs

from slipstream.filters import leaves

Document: TypeAlias = dict[str, Any]
MOST_DOCUMENTS = 10_000
_ALWAYS, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def without_none(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


class Criterion(Protocol):
    """A criterion for documents, such as a filter."""

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether a document matches."""
        ...


@attrs.frozen(kw_only=True)
class Query:
    filter: Criterion | None = None
    first: int = 1
    """The number of the first document to return, from 1."""
    last: int | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Attributes (dots for nesting) to sort by, each with True for descending."""
    select: tuple[str, ...] | None = None
    mapped: frozenset[str] = frozenset()
    """Attributes that can be sorted by even if no document has them."""

    @classmethod
    def read(cls, fields: Callable[[str], Sequence[str]]) -> Query:
        """Read a search from the parameters of a request, all but the filter."""
        return cls(
            first=max(1, _integer(fields("first")) or 1),
            last=_integer(fields("last")),
            order=tuple(map(_direction, _items(fields("orderby")))),
            select=tuple(_items(fields("select"))) or None,
        )

    @property
    def size(self) -> int:
        """The number of documents of a page."""
        return MOST_DOCUMENTS if self.last is None else max(0, self.last - self.first + 1)


def _integer(texts: Sequence[str]) -> int | None:
    numbers = [text for text in texts if re.fullmatch(r"\s*[-+]?\d+\s*", text)]
    return int(numbers[0]) if numbers else None


def _direction(item: str) -> tuple[str, bool]:
    name, colon, direction = item.rpartition(":")
    return (name, direction == "desc") if colon and direction in {"asc", "desc"} else (item, False)


def _items(texts: Sequence[str]) -> list[str]:
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]


Page: TypeAlias = tuple[int | None, list[Document]]
"""The number of all matches, or None if the search failed; and the documents of the page."""


class Store:
    """
    Documents by id, in the order of creation, and the state that a search sees.

    A read by id is always fresh. A search may lag: a document that is put with a time ``due`` is
    found as it was until then.
    """

    def __init__(self) -> None:
        # The newest version last, each with the time from which a search sees it.
        self._versions: dict[str, list[tuple[datetime, Document]]] = {}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._versions

    def __getitem__(self, identifier: str) -> Document:
        return self._versions[identifier][-1][1]

    def get(self, identifier: str) -> Document | None:
        versions = self._versions.get(identifier)
        return versions[-1][1] if versions else None

    def put(self, document: Document, *, due: datetime = _ALWAYS) -> Document:
        """Store a document under its ``id``, and replace an older one."""
        versions = self._versions.setdefault(document["id"], [])
        if due is _ALWAYS:
            versions.clear()
        versions.append((due, document))
        return document

    def remove(self, identifier: str) -> None:
        """Remove a document, if it exists."""
        self._versions.pop(identifier, None)

    def collection(self, name: str, *, now: datetime = _NEVER) -> Iterator[Document]:
        """The documents of a type, as a search sees them at a time."""
        for identifier, versions in list(self._versions.items()):
            if identifier.startswith(f"{name}/"):
                yield from [document for due, document in versions if due <= now][-1:]

    def search(
        self,
        name: str,
        query: Query,
        *,
        visible: Callable[[Document], bool] = lambda _: True,
        now: datetime = _NEVER,
    ) -> Page:
        """Search a collection, as much of it as is visible and the index has seen by now."""
        documents = list(self.collection(name, now=now))
        unmapped = [attribute for attribute, _ in query.order if attribute not in query.mapped]
        if documents and not all(
            any(_values(document, attribute) for document in documents) for attribute in unmapped
        ):
            return None, []
        matches = [
            document
            for document in documents
            if (query.filter is None or query.filter.matches(document)) and visible(document)
        ]
        if query.order and query.order[-1][1]:
            # Equals come in the direction of the last attribute: newest first, for timestamps.
            matches.reverse()
        for attribute, descending in reversed(query.order):
            matches = _sorted(matches, attribute, descending=descending)
        return len(matches), matches[query.first - 1 : query.first - 1 + query.size]


def _values(document: Document, attribute: str) -> list[Any]:
    return list(leaves(document, attribute.split(".")))


def _sorted(documents: list[Document], attribute: str, *, descending: bool) -> list[Document]:
    def key(document: Document) -> tuple[bool, Any]:
        value = _values(document, attribute)[0]
        return (isinstance(value, str), value)

    bearing = [document for document in documents if _values(document, attribute)]
    lacking = [document for document in documents if not _values(document, attribute)]
    return sorted(bearing, key=key, reverse=descending) + lacking
