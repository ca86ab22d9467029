"""
Searches in collections, page after page.

Source: nuvla/api-server, db/es/common/pagination.cljc and server/middleware/cimi_params.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import JSON
from slipstream.backends.nuvla.ids import is_id
from slipstream.errors import MalformedAnswer, shorten
from slipstream.filters import Filter, UnwritableValue, attr
from slipstream.session import Session
from slipstream.transport.messages import Request

PAGE = 500
"""Entries asked for at a time; the server gives none beyond the 10,000th."""

EXACT = 10_000
"""Up to this number of hits the server counts them; it announces no more than this."""

MAX_PAGES = 2_000
"""Pages after which a list is taken for one without end; fewer where it announces its size."""

Document = dict[str, Any]


def search(
    session: Session,
    collection: str,
    *,
    doing: str,
    select: str,
    where: Filter | None = None,
    page: int = PAGE,
) -> Iterator[Document]:
    """Every entry of a collection that a filter lets through; see :func:`search_pages`."""
    return chain.from_iterable(
        search_pages(session, collection, doing=doing, select=select, where=where, page=page)
    )


def search_pages(
    session: Session,
    collection: str,
    *,
    doing: str,
    select: str,
    where: Filter | None = None,
    page: int = PAGE,
) -> Iterator[list[Document]]:
    """
    The pages of a collection, filtered, newest first.

    Each page starts behind the last entry of the one before, told by its time of creation and
    its id, not at a number: entries that come or go meanwhile move nothing, there is no limit
    of 10,000, and no page but the present one is kept.

    :param session: The logged-in session.
    :param collection: The collection, as in ``deployment``.
    :param doing: What is being done, in words that go after "Cannot".
    :param select: The top-level attributes wanted, ``id`` and ``created`` among them.
    :param where: The filter.
    :param page: Entries asked for at a time.
    :raises MalformedAnswer: If a response is no list, holds fewer entries than it announces, or
        is not the page that was asked for.
    """
    here, pages_left = where, MAX_PAGES
    previous: set[str] = set()
    newest = None
    while pages_left > 0:
        entries, count = _read_page(session, collection, doing, select, here, page)
        ids = {entry["id"] for entry in entries}
        first = documents.text(entries[0], "created") if entries else None
        is_again = newest is not None and first is not None and _time(first) > _time(newest)
        if is_again or len(ids) < len(entries) or ids & previous:
            raise _malformed(session, doing, f"the server gave entries of {collection} again")
        yield entries
        if len(entries) < page or count == len(entries):
            return
        previous, newest = ids, documents.text(entries[-1], "created")
        pages_left -= 1
        if count is not None and count < EXACT:
            # Some may be created meanwhile.
            pages_left = min(pages_left, 2 * count // page + 10)
        behind = _behind(session, entries[-1], doing)
        here = behind if where is None else where & behind
    raise _malformed(session, doing, f"the list of {collection} has no end")


def _time(text: str) -> float:
    moment = documents.moment(text)
    return moment.timestamp() if moment is not None else 0.0


def _behind(session: Session, entry: Document, doing: str) -> Filter:
    """What comes after an entry; those that do not tell when they were created come last."""
    created = documents.text(entry, "created")
    try:
        later = attr("id").gt(entry["id"])
        if created is None:
            return attr("created").is_null() & later
        same = attr("created").eq(created) & later
        return attr("created").lt(created) | same | attr("created").is_null()
    except UnwritableValue:
        what = f"{shorten(entry['id'])!r} is no id, or has no time of creation"
        raise _malformed(session, doing, what) from None


def first(
    session: Session, collection: str, *, doing: str, select: str, where: Filter
) -> Document | None:
    """The newest entry that a filter lets through; the arguments are those of :func:`search`."""
    entries, _ = _read_page(session, collection, doing, select, where, 1)
    return entries[0] if entries else None


def _read_page(
    session: Session,
    collection: str,
    doing: str,
    select: str,
    where: Filter | None,
    size: int,
) -> tuple[list[Document], int | None]:
    """Read the first page of what a filter lets through, and how many entries it announces."""
    form = {
        "orderby": "created:desc,id:asc",
        "select": select,
        "first": "1",
        "last": str(size),
    }
    if where is not None:
        # An empty filter is an error on the server.
        form["filter"] = str(where)
    request = Request(
        method="PUT",
        path=f"/api/{collection}",
        headers={**JSON, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        repeatable=True,
        reads=True,
    )
    document = session.send(request, doing=doing).json()
    entries = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and is_id(entry.get("id"), collection) for entry in entries
    ):
        raise _malformed(session, doing, f"the response holds no list of {collection}")
    count = document.get("count")
    count = count if isinstance(count, int) and not isinstance(count, bool) else None
    if count is not None and not min(count, size) <= len(entries) <= count:
        what = f"the server announced {count} entries of {collection} and gave {len(entries)}"
        raise _malformed(session, doing, what)
    return entries, count


def _malformed(session: Session, doing: str, what: str) -> MalformedAnswer:
    return MalformedAnswer(f"Cannot {doing}: {what}.", endpoint=session.endpoint.url)
