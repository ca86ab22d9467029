"""
Searches in the CIMI collections below ``/api``.

Source: SlipStreamServer, middleware/cimi_params and db/es/pagination.clj.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import attrs

from slipstream.backends.slipstream.dialect import JSON
from slipstream.errors import MalformedAnswer, shorten
from slipstream.filters import Filter, UnwritableValue, attr
from slipstream.session import Session
from slipstream.transport.messages import Request

PAGE = 1000
"""Entries asked for at a time; the server refuses more than 10,000."""

Entry = dict[str, Any]


def search(
    session: Session,
    collection: str,
    key: str,
    *,
    doing: str,
    where: Filter | None = None,
    select: str | None = None,
) -> Iterator[Entry]:
    """
    Every entry of a collection that a filter lets through, however many pages that takes.

    Each page starts behind the last id of the one before, not at a number: entries created or
    deleted meanwhile move nothing, and no page but the present one is kept.

    :param session: The logged-in session.
    :param collection: The collection's address, as in ``service-offer``.
    :param key: The name of the list in the answer, as in ``serviceOffers``.
    :param doing: What is being done, in words that go after "Cannot".
    :param where: The filter.
    :param select: The attributes wanted, ``id`` among them; ``None`` for all.
    :returns: The entries, fetched page by page, ordered by id.
    :raises MalformedAnswer: If an answer holds less than it says, no count at all, or other
        entries than those asked for.
    """
    wanted = _Search(session, collection, key, doing, where, select)
    last: str | None = None
    while True:
        count, entries = wanted.page(last)
        yield from entries
        if count <= len(entries):
            return
        last = entries[-1]["id"]


@attrs.frozen
class _Search:
    session: Session
    collection: str
    key: str
    doing: str
    where: Filter | None
    select: str | None

    def page(self, last: str | None) -> tuple[int, list[Entry]]:
        """The entries behind an id, and how many there are from there on."""
        count, entries = self._read(self._form(last))
        if len(entries) < min(PAGE, count):
            raise self._malformed(
                f"the server counts {count} entries of {self.collection} but gave {len(entries)}",
                hint="Try again; it may be changing.",
            )
        alone = last is None and count <= len(entries)
        ids = [last or "", *(entry["id"] for entry in entries)]
        if not alone and any(one >= other for one, other in pairwise(ids)):
            # Going on from here would repeat entries, or miss some.
            raise self._malformed(f"the server did not order {self.collection} by id")
        return count, entries

    def _form(self, last: str | None) -> dict[str, str]:
        form = {"$orderby": "id", "$first": "1", "$last": str(PAGE)}
        where = self.where
        if last is not None:
            where = self._behind(last) if where is None else where & self._behind(last)
        if where is not None:
            form["$filter"] = str(where)
        if self.select is not None:
            form["$select"] = self.select
        return form

    def _behind(self, last: str) -> Filter:
        try:
            return attr("id").gt(last)
        except UnwritableValue:
            raise self._malformed(f"{shorten(last)!r} is no id") from None

    def _read(self, form: dict[str, str]) -> tuple[int, list[Entry]]:
        answer = self.session.send(
            Request(
                method="PUT",
                path=f"/api/{self.collection}",
                headers={**JSON, "Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                repeatable=True,
                reads=True,
            ),
            doing=self.doing,
        )
        document = answer.json()
        count = document.get("count") if isinstance(document, dict) else None
        entries = document.get(self.key) if isinstance(document, dict) else None
        if not isinstance(count, int) or not _are_resources(entries):
            # A search that fails inside is answered with 200 and a count of null.
            raise self._malformed(
                f"the server's search in {self.collection} failed", hint="Try again later."
            )
        return count, entries or []

    def _malformed(self, reason: str, *, hint: str | None = None) -> MalformedAnswer:
        return MalformedAnswer(
            f"Cannot {self.doing}: {reason}.", endpoint=self.session.endpoint.url, hint=hint
        )


def _are_resources(entries: Any) -> bool:
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in entries
    )
