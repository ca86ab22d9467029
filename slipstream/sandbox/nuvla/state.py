"""What a sandbox of this family keeps: documents, and what the documents do not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.nuvla.access import normalised
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso
from slipstream.sandbox.world import BaseWorld

# Edits of these, and new events, do not refresh the server's index.
_LAGGING = ("job/", "deployment-parameter/", "nuvlabox/", "nuvlabox-status/")


@attrs.define
class Work:
    """What is still to be done for a job: when, in which mode, and how many steps were taken."""

    job: str
    due: datetime
    mode: str
    step: int = 0


class State(BaseWorld):
    """
    The state of one sandbox.

    :ivar search_lag: Seconds until a search sees an edit of a request or a job that does not
        refresh the index, as on a real server. A read by id is always fresh, and what a test
        arranges is found at once.
    """

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.search_lag = 1.0
        self._is_serving = False
        self.work: dict[str, Work] = {}
        self.held: set[str] = set()
        self.failures: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.second_factors: dict[str, str] = {}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Let searches lag behind what is changed meanwhile."""
        before, self._is_serving = self._is_serving, True
        try:
            yield
        finally:
            self._is_serving = before

    def document(
        self,
        kind: str,
        owner: str,
        attributes: Mapping[str, Any] = MappingProxyType({}),
        /,
        *,
        at: datetime | None = None,
        check: Callable[[Document], None] = lambda _: None,
        **fields: Any,
    ) -> Document:
        """Make a resource, with a new id unless it has one, and keep it; None is left out."""
        time = iso(at or self.now())
        start: Document = {
            "id": f"{kind}/{self.ids.uuid()}",
            "resource-type": kind,
            "created": time,
            "updated": time,
            "created-by": owner,
            "acl": {"owners": [owner]},
        }
        complete = start | dict(attributes) | _dashed(fields)
        check(complete)
        document = _without_none(complete)
        document["acl"] = normalised(document["acl"])
        return self.store.put(document, due=self._due(at) if kind == "event" else None)

    def change(
        self, identifier: str, at: datetime, *, by: str | None = None, **fields: Any
    ) -> None:
        """Change a resource, if it is there still; None takes an attribute away."""
        document = self.store.get(identifier)
        if document is not None:
            merged = document | _dashed(fields) | {"updated": iso(at)}
            merged |= {"updated-by": by} if by else {}
            self.save(_without_none(merged), at)

    def save(self, document: Document, at: datetime | None = None) -> Document:
        """Keep an edited document; a search may see it later."""
        lags = document["id"].startswith(_LAGGING)
        return self.store.put(document, due=self._due(at) if lags else None)

    def _due(self, at: datetime | None) -> datetime | None:
        lag = timedelta(seconds=self.search_lag)
        return (at or self.now()) + lag if self._is_serving else None

    def user_id(self, username: str) -> str:
        """Find the id of a user; a KeyError if there is none."""
        for user in self.store.collection("user"):
            if user["name"] == username:
                return str(user["id"])
        raise KeyError(username)


def _dashed(fields: Mapping[str, Any]) -> Document:
    return {name.replace("_", "-"): value for name, value in fields.items()}


def _without_none(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
