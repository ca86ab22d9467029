"""
Searches in the CIMI collections below ``/api``.

Source: SlipStreamServer, middleware/cimi_params and db/es/pagination.clj.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from slipstream.backends.slipstream.dialect import JSON
from slipstream.errors import MalformedAnswer
from slipstream.filters import Filter
from slipstream.http import Request
from slipstream.session import Session

PAGE = 1000
"""Entries asked for at a time; the server refuses more than 10,000."""


def search(
    session: Session,
    collection: str,
    key: str,
    *,
    doing: str,
    where: Filter | None = None,
    select: str | None = None,
) -> Iterator[dict[str, Any]]:
    """
    Every entry of a collection that a filter lets through, however many pages that takes.

    The entries are ordered by id, so that one created or deleted meanwhile moves the others as
    little as can be; none is handed over twice.

    :param session: The logged-in session.
    :param collection: The collection's address, as in ``service-offer``.
    :param key: The name of the list in the answer, as in ``serviceOffers``.
    :param doing: What is being done, in words that go after "Cannot".
    :param where: The filter.
    :param select: The attributes wanted, ``id`` among them; ``None`` for all.
    :returns: The entries, fetched page by page.
    :raises MalformedAnswer: If an answer holds less than it says, or no count at all.
    """
    form = {"$orderby": "id"}
    if where is not None:
        form["$filter"] = str(where)
    if select is not None:
        form["$select"] = select
    seen: set[str] = set()
    first, count = 1, 1
    while first <= count:
        page = {**form, "$first": str(first), "$last": str(first + PAGE - 1)}
        count, entries = _page(session, collection, key, page, doing)
        if len(entries) < min(PAGE, count - first + 1):
            raise MalformedAnswer(
                f"Cannot {doing}: the server counts {count} entries of {collection} but gave"
                f" {len(entries)} from number {first} on.",
                endpoint=session.endpoint.url,
                hint="Try again; it may be changing.",
            )
        for entry in entries:
            if entry["id"] not in seen:
                seen.add(entry["id"])
                yield entry
        first += PAGE


def _page(
    session: Session, collection: str, key: str, form: dict[str, str], doing: str
) -> tuple[int, list[dict[str, Any]]]:
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
    count = document.get("count") if isinstance(document, dict) else None
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(count, int) or not _are_resources(entries):
        # A search that fails inside is answered with 200 and a count of null.
        raise MalformedAnswer(
            f"Cannot {doing}: the server's search in {collection} failed.",
            endpoint=session.endpoint.url,
            hint="Try again later.",
        )
    return count, entries or []


def _are_resources(entries: Any) -> bool:
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in entries
    )
