"""
Types that are there to be read: users, groups, events, templates, and what else is only listed.

Source: nuvla/api-server, server/resources/user.clj, group.clj, event.clj and *_template.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER
from slipstream.sandbox.nuvla.resource import Resource
from slipstream.sandbox.store import Document, Query, Result

_WRITING = ("add", "edit", "delete", "bulk-delete")


class User(Resource):
    """Users. The sandbox does not administer them."""

    name = "user"
    searchers = adders = ANON
    unplayed = (*_WRITING, "enable-2fa")

    def offered(self, document: Document) -> Sequence[str]:
        return () if "auth-method-2fa" in document else ("enable-2fa",)


class Group(Resource):
    """Groups. The sandbox does not administer them."""

    name = "group"
    _actions = ("invite", "add-subgroup", "get-pending-invitations", "revoke-invitation")
    unplayed = ("add", "delete", *_actions)

    def offered(self, document: Document) -> Sequence[str]:
        return self._actions

    def envelope(self, result: Result, query: Query) -> Document:
        envelope = super().envelope(result, query)
        envelope["acl"]["add"] = [ADMIN, USER]
        return envelope


class Event(Resource):
    """What happened to resources. The server makes most of them, the sandbox all."""

    name = "event"
    methods = ("search", "add", "read", "delete")
    hidden = ("content/resource/content",)
    bulk = ("bulk-delete", USER)
    unplayed = ("add", "bulk-delete")


def _listed(
    name: str, searchers: str = USER, adders: str | None = USER, *, bulk: str = ""
) -> type[Resource]:
    """A type that is listed and read; what the real server does beside that is not played."""
    methods = ("search", "read", *(_WRITING if adders else ()))
    fields = {"name": name, "searchers": searchers, "adders": adders, "methods": methods}
    rights = {"bulk": ("bulk-delete", bulk)} if bulk else {}
    return type(name, (Resource,), {**fields, **rights, "unplayed": methods[2:]})


TYPES: tuple[type[Resource], ...] = (
    *(User, Group, Event),
    _listed("session-template", ANON, ADMIN),
    _listed("user-template", ANON, ADMIN),
    _listed("credential-template", ANON, None),
    _listed("infrastructure-service-template", adders=None),
    _listed("nuvlabox-release", ANON, None),
    *[_listed(name, ADMIN, ADMIN) for name in ("configuration", "module-application")],
    _listed("ts-nuvlaedge-telemetry", ADMIN, None),
    *[_listed(name) for name in ("deployment-set", "subscription-config")],
    *[_listed(name, bulk=USER) for name in ("data-record", "email")],
    _listed("notification", adders=ADMIN, bulk=USER),
)
