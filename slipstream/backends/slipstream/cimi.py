"""
Searches in the CIMI collections below ``/api``.

Source: SlipStreamServer, middleware/cimi_params and db/es/pagination.clj.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from slipstream.backends import documents, limits
from slipstream.backends.slipstream.dialect import JSON
from slipstream.errors import MalformedAnswer, shorten
from slipstream.filters import Filter, UnwritableValue, attr
from slipstream.session import Session
from slipstream.transport.messages import Request

PAGE = 1000
"""Entries of a page."""

LARGEST_PAGE = 10_000
"""Entries of the largest page that the server gives; for entries of few attributes."""

Entry = dict[str, Any]


def search(
    session: Session,
    collection: str,
    key: str,
    *,
    doing: str,
    where: Filter | None = None,
    select: str | None = None,
    page: int | None = None,
) -> Iterator[Entry]:
    """
    Every entry of a collection that a filter lets through, however many pages that takes.

    Each page starts behind the last id of the one before, not at a number: entries created or
    deleted meanwhile move nothing, and no page but the present one is kept.

    :param session: The logged-in session.
    :param collection: The collection's address, as in ``service-offer``.
    :param key: The name of the list in the response, as in ``serviceOffers``.
    :param doing: What is being done, in words that go after "Cannot".
    :param where: The filter.
    :param select: The attributes to read, ``id`` among them; ``None`` for all.
    :param page: Entries asked for at a time, :data:`PAGE` when left out.
    :returns: The entries, fetched page by page, ordered by id.
    :raises MalformedAnswer: If a page is not what the server counts, or out of order.
    """
    page = page or PAGE
    form = {"$orderby": "id", "$first": "1", "$last": str(page)}
    if select is not None:
        form["$select"] = select
    if where is not None:
        form["$filter"] = str(where)
    last, pages, most = "", 0, 0
    while True:
        count, entries = _page(session, collection, key, form, doing)
        pages, most = pages + 1, most or limits.most_pages(count, page)
        ids = [last, *(entry["id"] for entry in entries)]
        is_only = pages == 1 and count == len(entries)
        if len(set(ids)) < len(ids) or not (is_only or ids == sorted(ids)):
            # Behind such a page entries would be repeated, or missed.
            raise _malformed(session, doing, f"the server did not order {collection} by id")
        if pages > most:
            raise _malformed(session, doing, "the server gave more entries than it counted")
        yield from entries
        if count == len(entries):
            return
        last = ids[-1]
        try:
            rest = attr("id").gt(last)
        except UnwritableValue:
            raise _malformed(session, doing, f"{shorten(last)!r} is no id") from None
        form["$filter"] = str(rest if where is None else where & rest)


def _page(
    session: Session, collection: str, key: str, form: dict[str, str], doing: str
) -> tuple[int, list[Entry]]:
    """The entries of a page, and how many there are from there on."""
    request = Request(
        method="PUT",
        path=f"/api/{collection}",
        headers={**JSON, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        repeatable=True,
        reads=True,
    )
    document = session.send(request, doing=doing).json()
    count = document.get("count") if isinstance(document, dict) else None
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(count, int) or not isinstance(entries, list):
        # A search that fails inside is answered with 200 and a count of null.
        raise _malformed(session, doing, f"the server's search in {collection} failed")
    if count > limits.MAX_ENTRIES or len(entries) != min(int(form["$last"]), count):
        reason = f"the server counts {count} entries of {collection} but gave {len(entries)}"
        raise _malformed(session, doing, reason)
    if not all(isinstance(entry, dict) and documents.text(entry, "id") for entry in entries):
        raise _malformed(
            session, doing, f"not all that the server lists in {collection} has an id"
        )
    return count, entries


def _malformed(session: Session, doing: str, reason: str) -> MalformedAnswer:
    return MalformedAnswer(
        f"Cannot {doing}: {reason}.",
        endpoint=session.endpoint.url,
        hint="Try again; it may be changing.",
    )
