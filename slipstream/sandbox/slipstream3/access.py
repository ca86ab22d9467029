"""Who may do what with a JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

_VIEWING = {"VIEW", "MODIFY", "ALL", "VIEW_DATA", "VIEW_META", "VIEW_ACL", "MANAGE"}
_CHANGING = {"MODIFY", "ALL", "EDIT_DATA", "EDIT_META", "EDIT_ACL", "DELETE"}


@attrs.frozen
class Identity:
    """
    Who asks.

    :param name: The user's name; None for nobody.
    :param roles: Every role, the session's id among them.
    :param session: Id of the session, if there is one.
    """

    name: str | None = None
    roles: tuple[str, ...] = ("ANON",)
    session: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return "ADMIN" in self.roles

    def may_view(self, acl: dict[str, Any]) -> bool:
        """
        Ask for the right to see.

        :param acl: A document's ``acl``.
        :returns: Whether it is granted.
        """
        return self._has(acl, _VIEWING)

    def may_modify(self, acl: dict[str, Any]) -> bool:
        """
        Ask for the right to change, or of a collection to add.

        :param acl: A document's ``acl``.
        :returns: Whether it is granted.
        """
        return self._has(acl, _CHANGING)

    def _has(self, acl: dict[str, Any], rights: Iterable[str]) -> bool:
        if self.is_admin or self._is(acl["owner"]):
            return True
        rules = acl.get("rules", [])
        return any(self._is(rule) and rule["right"] in rights for rule in rules)

    def _is(self, principal: dict[str, str]) -> bool:
        if principal["type"] == "USER":
            return principal["principal"] == self.name
        return principal["principal"] in {*self.roles, "ANON"}


NOBODY = Identity()


def role(principal: str, right: str) -> dict[str, str]:
    """
    Write a rule for a role.

    :param principal: The role.
    :param right: The right.
    :returns: The rule.
    """
    return {"principal": principal, "type": "ROLE", "right": right}


def acl(*rules: dict[str, str], owner: str = "ADMIN", kind: str = "ROLE") -> dict[str, Any]:
    """
    Write an ACL.

    :param rules: Its rules.
    :param owner: The owning principal.
    :param kind: ``ROLE`` or ``USER``.
    :returns: The ACL.
    """
    return {"owner": {"principal": owner, "type": kind}, "rules": list(rules)}


def owned_by(name: str) -> dict[str, Any]:
    """
    Write the ACL of a document that belongs to a user.

    :param name: The user.
    :returns: The ACL.
    """
    return acl(
        {"principal": name, "type": "USER", "right": "ALL"},
        role("ADMIN", "ALL"),
        owner=name,
        kind="USER",
    )


def modifiable_by(name: str) -> dict[str, Any]:
    """
    Write the ACL of a document of the server that a user may change.

    :param name: The user.
    :returns: The ACL.
    """
    return acl({"principal": name, "type": "USER", "right": "MODIFY"}, role("ADMIN", "ALL"))


def visible_to(name: str) -> dict[str, Any]:
    """
    Write the ACL of a document of the service that a user may see.

    :param name: The user.
    :returns: The ACL.
    """
    rule = {"principal": name, "type": "USER", "right": "VIEW"}
    return acl(rule, role("ADMIN", "ALL"), owner="internal", kind="USER")
