"""Rights on JSON documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

_VIEWING = {"VIEW", "MODIFY", "ALL", "VIEW_DATA", "VIEW_META", "VIEW_ACL", "MANAGE"}
_CHANGING = {"MODIFY", "ALL", "EDIT_DATA", "EDIT_META", "EDIT_ACL", "DELETE"}


@attrs.frozen
class Identity:
    """The sender of a request, nobody without a name; the session's id is among the roles."""

    name: str | None = None
    roles: tuple[str, ...] = ("ANON",)
    session: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return "ADMIN" in self.roles

    def may_view(self, acl: dict[str, Any]) -> bool:
        """Whether an ``acl`` grants the right to see."""
        return self._has(acl, _VIEWING)

    def may_modify(self, acl: dict[str, Any]) -> bool:
        """Whether an ``acl`` grants the right to change, or of a collection to add."""
        return self._has(acl, _CHANGING)

    def _has(self, acl: dict[str, Any], rights: Iterable[str]) -> bool:
        if self.is_admin or self._is(acl["owner"]):
            return True
        rules = acl.get("rules", [])
        return any(rule["right"] in rights and self._is(rule) for rule in rules)

    def _is(self, principal: dict[str, str]) -> bool:
        if principal["type"] == "USER":
            return principal["principal"] == self.name
        return principal["principal"] in {*self.roles, "ANON"}


NOBODY = Identity()


def role(principal: str, right: str) -> dict[str, str]:
    """A rule for a role."""
    return {"principal": principal, "type": "ROLE", "right": right}


def acl(*rules: dict[str, str], owner: str = "ADMIN") -> dict[str, Any]:
    """Write an ACL."""
    return {"owner": {"principal": owner, "type": "ROLE"}, "rules": list(rules)}


def owned_by(name: str) -> dict[str, Any]:
    """The ACL of a document that belongs to a user."""
    return granted(name, "ALL") | {"owner": {"principal": name, "type": "USER"}}


def granted(name: str, right: str) -> dict[str, Any]:
    """The ACL of a document of the server on which a user has a right."""
    return acl({"principal": name, "type": "USER", "right": right}, role("ADMIN", "ALL"))
