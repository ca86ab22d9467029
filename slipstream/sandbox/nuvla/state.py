"""What a sandbox of this family keeps: documents, and what the documents do not say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import attrs

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.nuvla.access import acl
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


@attrs.define(kw_only=True)
class Callback:
    """A login of a user that waits for its second factor."""

    user: str
    pending: Any = attrs.field(repr=False)
    ends: datetime
    tries: int = 3


class State(BaseWorld):
    """
    The state of one sandbox.

    :param clock: Its clock.
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
        self.callbacks: dict[str, Callback] = {}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Let searches lag behind what is changed meanwhile."""
        before, self._is_serving = self._is_serving, True
        try:
            yield
        finally:
            self._is_serving = before

    @property
    def host(self) -> str:
        """The host that the sandbox answers on."""
        return urlsplit(self.base_url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The port that the sandbox answers on."""
        return urlsplit(self.base_url).port or 80

    def document(
        self,
        kind: str,
        owner: str,
        /,
        *,
        at: datetime | None = None,
        attributes: Mapping[str, Any] | None = None,
        rights: Mapping[str, Iterable[str]] | None = None,
        **fields: Any,
    ) -> Document:
        """Make a resource with a new id, unless one is given, and keep it."""
        time = iso(at or self.now())
        start: Document = {
            "id": f"{kind}/{self.ids.uuid()}",
            "resource-type": kind,
            "created": time,
            "updated": time,
            "created-by": owner,
            "acl": acl(owner, **(rights or {})),
        }
        document = start | dict(attributes or {}) | _dashed(fields)
        return self.store.put(document, due=self._due(at) if kind == "event" else None)

    def change(
        self, identifier: str, at: datetime, *, by: str | None = None, **fields: Any
    ) -> None:
        """Change a resource, if it is there still; None takes an attribute away."""
        document = self.store.get(identifier)
        if document is not None:
            merged = document | _dashed(fields) | {"updated": iso(at)}
            merged |= {"updated-by": by} if by else {}
            self.save({name: value for name, value in merged.items() if value is not None}, at)

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
