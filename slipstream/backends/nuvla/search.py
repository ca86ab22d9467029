"""
Searches in collections, page after page.

Source: nuvla/api-server, db/es/common/pagination.cljc and server/middleware/cimi_params.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import JSON
from slipstream.errors import MalformedAnswer, shorten
from slipstream.filters import Filter, UnwritableValue, attr
from slipstream.session import Session
from slipstream.transport.messages import Request

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

    Each page starts behind the last entry of the one before, told by its moment of creation and
    its id, not at a number: entries that come or go meanwhile move nothing, there is no limit
    of 10,000, and no page but the present one is kept.

    :param session: The logged-in session.
    :param collection: The collection, as in ``deployment``.
    :param doing: What is being done, in words that go after "Cannot".
    :param select: The top-level attributes wanted, ``id`` and ``created`` among them.
    :param where: The filter.
    :param page: Entries asked for at a time.
    :returns: The entries, fetched page by page.
    :raises MalformedAnswer: If an answer is no list, or not the page that was asked for.
    """
    here = where
    last: str | None = None
    while True:
        entries = _page(session, collection, doing, select, here, page)
        if last is not None and any(entry["id"] == last for entry in entries):
            raise MalformedAnswer(
                f"Cannot {doing}: the server gave entries of {collection} again.",
                endpoint=session.endpoint.url,
            )
        yield from entries
        if len(entries) < page:
            return
        last = entries[-1]["id"]
        behind = _behind(session, entries[-1], doing)
        here = behind if where is None else where & behind


def _behind(session: Session, entry: dict[str, Any], doing: str) -> Filter:
    """What comes after an entry; those that do not tell when they were created come last."""
    created = documents.text(entry, "created")
    try:
        later = attr("id").gt(entry["id"])
        if created is None:
            return attr("created").is_null() & later
        same = attr("created").eq(created) & later
        return attr("created").lt(created) | same | attr("created").is_null()
    except UnwritableValue:
        raise MalformedAnswer(
            f"Cannot {doing}: {shorten(entry['id'])!r} is no id, or has no moment of creation.",
            endpoint=session.endpoint.url,
        ) from None


def first(
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
    entries = _page(session, collection, doing, select, where, 1)
    return entries[0] if entries else None


def _page(
    session: Session,
    collection: str,
    doing: str,
    select: str,
    where: Filter | None,
    size: int,
) -> list[dict[str, Any]]:
    form = {
        "orderby": "created:desc,id:asc",
        "select": select,
        "first": "1",
        "last": str(size),
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
