"""
Who may do what with a resource.

Source: nuvla/api-server, auth/utils/acl.clj and server/middleware/authn_info.clj.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

ADMIN = "group/nuvla-admin"
USER = "group/nuvla-user"
ANON = "group/nuvla-anon"
INTERNAL = "internal"
"""What ``created-by`` says of what the server makes for itself."""
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
    """Who sends a request: a user, or the group that an API key stands for; None for nobody."""

    user: str | None = None
    active: str | None = None
    """The claim that owns what is made: the user's id, or a group's."""
    claims: frozenset[str] = frozenset({ANON})
    session: str | None = None

    @property
    def owner(self) -> str:
        """Who owns what the sender makes."""
        return self.active or self.user or ANON

    def may(self, right: str, acl: Mapping[str, Any]) -> bool:
        """Whether a resource's ``acl`` grants a right, such as ``view-meta`` or ``manage``."""
        return any(map(self.has, {*acl.get("owners", ()), *acl.get(right, ())})) or self.has(ADMIN)

    def has(self, principal: str) -> bool:
        """Whether the sender is a user, group or session; the administrator is everything."""
        return ADMIN in self.claims or principal in self.claims


NOBODY = Identity()


def acl(owner: str, **rights: Iterable[str]) -> dict[str, Iterable[str]]:
    """Write an ACL."""
    return {"owners": [owner]} | {name.replace("_", "-"): to for name, to in rights.items()}


def managed_acl(user: str) -> dict[str, Iterable[str]]:
    """The ACL of what the server owns and a user may do everything with, as a credential."""
    return acl(ADMIN, edit_acl=(user,))


def normalised(sent: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Bring an ACL into the form that is kept: a right lists the holders of stronger ones too."""
    full: dict[str, set[str]] = {right: set(holders) for right, holders in sent.items()}
    if ADMIN not in full.get("owners", set()):
        full.setdefault("edit-acl", set()).add(ADMIN)
    for right, weaker in _WEAKER.items():
        for other in weaker:
            if full.get(right):
                full.setdefault(other, set()).update(full[right])
    return {right: sorted(holders) for right, holders in sorted(full.items()) if holders}
