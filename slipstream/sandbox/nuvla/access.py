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
NO_IDENTITY_GROUPS = frozenset({USER, ANON})
# What each right brings along beside itself.
_WEAKER: Mapping[str, tuple[str, ...]] = {
    "view-acl": ("view-data", "view-meta"),
    "view-data": ("view-meta",),
    "edit-acl": (
        "edit-data",
        "edit-meta",
        "view-acl",
        "view-data",
        "view-meta",
        "manage",
        "delete",
    ),
    "edit-data": ("edit-meta", "view-data", "view-meta"),
    "edit-meta": ("view-meta",),
}


@attrs.frozen(kw_only=True)
class Identity:
    """
    Who asks.

    :param user: Id of the user, or of the group that an API key stands for; None for nobody.
    :param active: The claim that owns what is made: the user's id, or a group's.
    :param claims: Everything the asker may claim to be.
    :param session: Id of the session, if there is one.
    """

    user: str | None = None
    active: str | None = None
    claims: frozenset[str] = frozenset({ANON})
    session: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return ADMIN in self.claims

    @property
    def owner(self) -> str:
        """Who owns what the asker makes."""
        return self.active or self.user or ANON

    def may(self, right: str, acl: Mapping[str, Any]) -> bool:
        """
        Ask for a right.

        :param right: The right, such as ``view-meta`` or ``manage``.
        :param acl: A resource's ``acl``.
        :returns: Whether it is granted.
        """
        holders = {*acl.get("owners", ()), *acl.get(right, ())}
        return self.is_admin or not holders.isdisjoint(self.claims)

    def has(self, principal: str) -> bool:
        """
        Ask for a claim.

        :param principal: A user, group or session.
        :returns: Whether the asker is it.
        """
        return self.is_admin or principal in self.claims


NOBODY = Identity()


def acl(owner: str, **rights: Iterable[str]) -> dict[str, list[str]]:
    """
    Write an ACL as the server keeps it: each right lists the holders of stronger ones too.

    :param owner: The owning principal.
    :param rights: Holders of each right, underscores for dashes.
    :returns: The ACL.
    """
    given = {right.replace("_", "-"): list(holders) for right, holders in rights.items()}
    return normalised({"owners": [owner], **given})


def normalised(given: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """
    Bring an ACL into the form that is kept.

    :param given: The ACL as it was sent.
    :returns: A new ACL.
    """
    full: dict[str, set[str]] = {right: set(holders) for right, holders in given.items()}
    if ADMIN not in full.get("owners", set()):
        full.setdefault("edit-acl", set()).add(ADMIN)
    for right, weaker in _WEAKER.items():
        for other in weaker:
            if full.get(right):
                full.setdefault(other, set()).update(full[right])
    return {right: sorted(holders) for right, holders in sorted(full.items()) if holders}
