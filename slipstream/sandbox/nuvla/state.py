"""What a sandbox of this family keeps: documents, and what the documents do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import attrs

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.access import acl
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import BaseWorld

# Edits of these, and new events, do not refresh the server's index.
_LAGGING = ("job/", "deployment-parameter/", "nuvlabox/", "nuvlabox-status/")


@attrs.define
class Work:
    """
    What is still to be done for a job.

    :param job: Its id.
    :param due: When the next step is taken.
    :param mode: ``push``, ``pull`` or ``mixed``.
    :param step: How many steps were taken.
    """

    job: str
    due: datetime
    mode: str
    step: int = 0


@attrs.define(kw_only=True)
class Callback:
    """
    A login that waits for its second factor.

    :param user: Id of the user.
    :param pending: What the login needs to go on.
    :param ends: When it is too late.
    :param tries: How many are left.
    """

    user: str
    pending: Any = attrs.field(repr=False)
    ends: datetime
    tries: int = 3


class State(BaseWorld):
    """
    The state of one sandbox.

    :param clock: Its clock.
    :ivar search_lag: Seconds until a search sees an edit that does not refresh the index: about
        one on a real server. A read by id is always fresh.
    """

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.search_lag = 0.0
        self.work: dict[str, Work] = {}
        self.held: set[str] = set()
        self.failures: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.second_factors: dict[str, str] = {}
        self.callbacks: dict[str, Callback] = {}

    def tick(self) -> None:
        """Bring everything that moves by itself up to date."""
        raise NotImplementedError

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
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        document = start | dict(attributes or {}) | named
        return self.store.put(document, due=self._due(at) if kind == "event" else None)

    def change(
        self, identifier: str, at: datetime, *, by: str | None = None, **fields: Any
    ) -> None:
        """Change a resource, if it is there still."""
        document = self.store.get(identifier)
        if document is None:
            return
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        named |= {"updated": iso(at)} | ({"updated-by": by} if by else {})
        merged = document | named
        self.save({name: value for name, value in merged.items() if value is not None}, at)

    def save(self, document: Document, at: datetime | None = None) -> Document:
        """Keep an edited document; a search may see it later."""
        lags = document["id"].startswith(_LAGGING)
        return self.store.put(document, due=self._due(at) if lags else None)

    def _due(self, at: datetime | None) -> datetime | None:
        lag = timedelta(seconds=self.search_lag)
        return (at or self.now()) + lag if lag else None

    def user_id(self, username: str) -> str:
        """
        Find a user.

        :param username: The name.
        :returns: The user's id.
        :raises KeyError: If there is none.
        """
        for user in self.store.collection("user"):
            if user["name"] == username:
                return str(user["id"])
        raise KeyError(username)
