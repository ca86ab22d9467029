"""
Users, the groups they are in, and the templates of sessions: to read.

Source: nuvla/api-server, server/resources/user.clj, group.clj and session_template*.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER
from slipstream.sandbox.nuvla.resource import Resource
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.store import Document, Query, Result


class User(Resource):
    """Users. The sandbox does not administer them."""

    name = "user"
    searchers = ANON
    adders = ANON
    unplayed = ("add", "edit", "delete", "enable-2fa")

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a user."""
        return () if "auth-method-2fa" in document else ("enable-2fa",)


class Group(Resource):
    """Groups. The sandbox does not administer them."""

    name = "group"
    _actions = ("invite", "add-subgroup", "get-pending-invitations", "revoke-invitation")
    unplayed = ("add", "delete", *_actions)

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a group, none of which the sandbox plays."""
        return self._actions

    def envelope(self, result: Result, query: Query) -> Document:
        """Put what a search found into the collection's envelope."""
        envelope = super().envelope(result, query)
        envelope["acl"]["add"] = [ADMIN, USER]
        return envelope


class SessionTemplate(Resource):
    """The ways to log in."""

    name = "session-template"
    searchers = ANON
    adders = ADMIN
    editable = False
    unplayed = ("add",)


def add_templates(world: State) -> None:
    """Add the ways to log in."""
    for method, words, fields in (
        (
            "password",
            {"name": "Password", "group": "Login with Username/Password", "icon": "user"},
            {"username": "username", "password": "password", "order": 0},
        ),
        (
            "api-key",
            {"name": "API Key", "group": "Login with API key/secret", "icon": "key"},
            {"key": "key", "secret": "secret", "order": 1},
        ),
    ):
        world.document(
            "session-template",
            ADMIN,
            attributes={**words, **fields},
            rights={"view_acl": (ANON,)},
            id=f"session-template/{method}",
            description=f"Log in by {method}",
            resource_metadata=f"resource-metadata/session-template-{method}",
            created_by="internal",
            method=method,
            instance=method,
        )
