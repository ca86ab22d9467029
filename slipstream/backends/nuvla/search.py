"""
Searches in collections, page after page.

Source: nuvla/api-server, db/es/common/pagination.cljc and server/middleware/cimi_params.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from slipstream.backends.nuvla.dialect import JSON
from slipstream.errors import MalformedAnswer
from slipstream.filters import Filter, attr
from slipstream.http import Request
from slipstream.session import Session

PAGE = 500
"""Entries asked for at a time; the server gives none beyond the 10,000th."""


def search(
    session: Session,
    collection: str,
    *,
    doing: str,
    select: str,
    where: Filter | None = None,
    page: int = PAGE,
) -> Iterator[dict[str, Any]]:
    """
    Every entry of a collection that a filter lets through, newest first.

    Each page starts where the one before ended, by the moment of creation and not by number:
    entries that come or go meanwhile move nothing, and there is no limit of 10,000.

    :param session: The logged-in session.
    :param collection: The collection, as in ``deployment``.
    :param doing: What is being done, in words that go after "Cannot".
    :param select: The top-level attributes wanted, ``id`` and ``created`` among them.
    :param where: The filter.
    :param page: Entries asked for at a time.
    :returns: The entries, fetched page by page.
    """
    seen: set[str] = set()
    oldest: str | None = None
    first = 1
    while True:
        older = None if oldest is None else attr("created").le(oldest)
        entries = _page(session, collection, doing, select, _both(where, older), first, page)
        for entry in entries:
            if entry["id"] not in seen:
                seen.add(entry["id"])
                yield entry
        if len(entries) < page:
            return
        last = entries[-1].get("created")
        if not isinstance(last, str) or last == oldest:
            first += page
        else:
            oldest, first = last, 1


def found(
    session: Session, collection: str, *, doing: str, select: str, where: Filter
) -> dict[str, Any] | None:
    """
    The newest entry that a filter lets through.

    :param session: The logged-in session.
    :param collection: The collection.
    :param doing: What is being done, in words that go after "Cannot".
    :param select: The attributes wanted.
    :param where: The filter.
    """
    entries = _page(session, collection, doing, select, where, 1, 1)
    return entries[0] if entries else None


def _both(one: Filter | None, other: Filter | None) -> Filter | None:
    if one is None or other is None:
        return one or other
    return one & other


def _page(
    session: Session,
    collection: str,
    doing: str,
    select: str,
    where: Filter | None,
    first: int,
    size: int,
) -> list[dict[str, Any]]:
    form = {
        "orderby": "created:desc,id:asc",
        "select": select,
        "first": str(first),
        "last": str(first + size - 1),
    }
    if where is not None:
        # An empty filter is an error on the server.
        form["filter"] = str(where)
    answer = session.send(
        Request(
            method="PUT",
            path=f"/api/{collection}",
            headers={**JSON, "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            repeatable=True,
            reads=True,
        ),
        doing=doing,
    )
    document = answer.json()
    entries = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(_is_resource(entry) for entry in entries):
        raise MalformedAnswer(
            f"Cannot {doing}: the answer holds no list of {collection}.",
            endpoint=session.endpoint.url,
        )
    return entries


def _is_resource(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)
