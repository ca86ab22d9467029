"""
Types that are there to be read: users, groups, events, templates, and what else is only listed.

Source: nuvla/api-server, server/resources/user.clj, group.clj, event.clj and *_template.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.schema import anything, boolean, described, map_of, one_of, timestamp
from slipstream.sandbox.store import Document, Query, Result

WRITING = ("add", "edit", "delete")


class User(Resource):
    """Users. The sandbox does not administer them."""

    name = "user"
    searchers = adders = ANON
    unplayed = (*WRITING, "enable-2fa")

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
    """What happened to resources. The server makes most of them."""

    name = "event"
    editable = False
    newest_first = "timestamp"
    hidden = ("content/resource/content",)
    bulk = "bulk-delete"
    unplayed = ("bulk-delete",)
    description = schema(
        described(
            {
                "category": anything,
                "severity": one_of("critical", "high", "medium", "low"),
                "content": map_of(),
                "timestamp": timestamp,
            }
        ),
        success=boolean,
        authn_info=map_of(),
    )

    def store(self, document: Document) -> Document:
        """Complete a new event: those of users are of one category, whatever they say."""
        now = {"timestamp": self.stamp()["updated"]}
        return super().store(now | document | {"category": "user"})


def _listed(
    name: str, searchers: str = USER, adders: str | None = USER, *, bulk: bool = False
) -> type[Resource]:
    """A type that is listed and read; what the real server does beside that is not played."""
    fields: dict[str, object] = {
        "name": name,
        "searchers": searchers,
        "adders": adders,
        "editable": False,
    }
    methods = ("search", "read") if adders is None else ("search", "read", *WRITING)
    fields |= {"methods": methods, "unplayed": (*methods[2:], "bulk-delete")}
    fields |= {"bulk": "bulk-delete", "bulk_group": searchers} if bulk else {}
    return type(name, (Resource,), fields)


LISTED: tuple[type[Resource], ...] = (
    *(User, Group, Event),
    _listed("session-template", ANON, ADMIN),
    _listed("user-template", ANON, ADMIN),
    _listed("credential-template", ANON, None),
    _listed("infrastructure-service-template", adders=None),
    _listed("nuvlabox-release", ANON, None),
    *[_listed(name, ADMIN, ADMIN) for name in ("configuration", "module-application")],
    _listed("ts-nuvlaedge-telemetry", ADMIN, None),
    *[_listed(name) for name in ("deployment-set", "subscription-config")],
    *[_listed(name, bulk=True) for name in ("data-record", "email")],
    _listed("notification", adders=ADMIN, bulk=True),
)
