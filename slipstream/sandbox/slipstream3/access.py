"""Rights on JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Identity:
    """The sender of a request, nobody without a name; the session's id is among the roles."""

    name: str | None = None
    roles: tuple[str, ...] = ("ANON",)
    session: str | None = None

    def may_view(self, acl: Mapping[str, Any]) -> bool:
        """Whether an ``acl`` grants any right."""
        return self._is_any(acl["owner"], *acl.get("rules", ()))

    def may_modify(self, acl: Mapping[str, Any]) -> bool:
        """Whether an ``acl`` grants the right to change, or of a collection to add."""
        rules = (rule for rule in acl.get("rules", ()) if rule["right"] != "VIEW")
        return self._is_any(acl["owner"], *rules)

    def _is_any(self, *principals: Mapping[str, str]) -> bool:
        roles, name = {*self.roles, "ANON"}, self.name
        return "ADMIN" in roles or any(
            principal["principal"] in ({name} if principal["type"] == "USER" else roles)
            for principal in principals
        )


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
