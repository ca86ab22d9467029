"""
The state of a sandbox of this family, and the rights on it.

Source: nuvla/api-server, auth/utils/acl.clj and server/middleware/authn_info.clj.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs

from slipstream.sandbox.clock import Clock, iso
from slipstream.sandbox.store import Document, without_none
from slipstream.sandbox.world import BaseWorld, Identifiers

ADMIN = "group/nuvla-admin"
USER = "group/nuvla-user"
ANON = "group/nuvla-anon"
INTERNAL = "internal"
"""What ``created-by`` says of what the server makes for itself."""
PULL = "NUVLA_JOB_PULL"
"""The capability of an edge that fetches its jobs itself."""
# What each right brings along beside itself.
_VIEWING = ("view-data", "view-meta")
_WEAKER: Mapping[str, tuple[str, ...]] = {
    "view-acl": _VIEWING,
    "view-data": ("view-meta",),
    "edit-acl": ("edit-data", "edit-meta", "view-acl", *_VIEWING, "manage", "delete"),
    "edit-data": ("edit-meta", *_VIEWING),
    "edit-meta": ("view-meta",),
}


@attrs.frozen(kw_only=True)
class Identity:
    """The sender of a request: a user, the group of an API key, or None."""

    name: str | None = None
    user: str | None = None
    active: str | None = None
    """The claim that owns new resources: the user's id, or a group's."""
    claims: frozenset[str] = frozenset({ANON})
    session: str | None = None

    @property
    def owner(self) -> str:
        return self.active or self.user or ANON

    def may(self, right: str, acl: Mapping[str, Any]) -> bool:
        """Whether a resource's ``acl`` grants a right, such as ``view-meta`` or ``manage``."""
        return any(map(self.has, {*acl.get("owners", ()), *acl.get(right, ())})) or self.has(ADMIN)

    def has(self, principal: str) -> bool:
        """Whether the sender is a user, group or session; the administrator is all of them."""
        return ADMIN in self.claims or principal in self.claims


NOBODY = Identity()


def acl(owner: str, **rights: Iterable[str]) -> dict[str, Iterable[str]]:
    return {"owners": [owner]} | {name.replace("_", "-"): to for name, to in rights.items()}


def managed_acl(user: str) -> dict[str, Iterable[str]]:
    """The ACL of a resource of the server on which a user has all rights, as a credential."""
    return acl(ADMIN, edit_acl=(user,))


def normalise(sent: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Normalise an ACL: each right lists the holders of stronger ones too."""
    full: dict[str, set[str]] = {right: set(holders) for right, holders in sent.items()}
    if ADMIN not in full.get("owners", set()):
        full.setdefault("edit-acl", set()).add(ADMIN)
    for right, weaker in _WEAKER.items():
        for other in weaker:
            if full.get(right):
                full.setdefault(other, set()).update(full[right])
    return {right: sorted(holders) for right, holders in sorted(full.items()) if holders}


# Edits of these, and new events, do not refresh the server's index.
_LAGGING = ("job/", "deployment-parameter/", "nuvlabox/", "nuvlabox-status/")


@attrs.define
class Work:
    """The remaining work of a job: when, in which mode, and the number of steps done."""

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

    def __init__(self, *, clock: Clock, ids: Identifiers) -> None:
        super().__init__(clock=clock, ids=ids)
        self.search_lag = 1.0
        self._is_serving = False
        self.work: dict[str, Work] = {}
        self.held: set[str] = set()
        self.failures: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.second_factors: dict[str, str] = {}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Let searches lag behind changes in this block."""
        with super().serving():
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
        """Add a resource, with a new id unless it has one, without attributes of None."""
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
        document = without_none(complete)
        document["acl"] = normalise(document["acl"])
        return self._put(document, at, lags=kind == "event")

    def change(
        self, identifier: str, at: datetime, *, by: str | None = None, **fields: Any
    ) -> None:
        """Change a resource, if it exists; None removes an attribute."""
        document = self.store.get(identifier)
        if document is not None:
            merged = document | _dashed(fields) | {"updated": iso(at)}
            merged |= {"updated-by": by} if by else {}
            self.save(without_none(merged), at)

    def save(self, document: Document, at: datetime | None = None) -> Document:
        """Store an edited document; a search may see it later."""
        return self._put(document, at, lags=document["id"].startswith(_LAGGING))

    def _put(self, document: Document, at: datetime | None, *, lags: bool) -> Document:
        if not (lags and self._is_serving):
            return self.store.put(document)
        lag = timedelta(seconds=self.search_lag)
        return self.store.put(document, due=(at or self.now()) + lag)

    def user_id(self, username: str) -> str:
        for user in self.store.collection("user"):
            if user["name"] == username:
                return str(user["id"])
        raise KeyError(username)


def _dashed(fields: Mapping[str, Any]) -> Document:
    return {name.replace("_", "-"): value for name, value in fields.items()}
