"""
What happened.

Source: nuvla/api-server, server/resources/event.clj and server/middleware/eventer.clj.
"""

from __future__ import annotations

from typing import Any

from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.call import Answer, Call, created
from slipstream.sandbox.nuvla.kind import Kind

_WATCHED = frozenset(
    {"session", "module", "deployment", "infrastructure-service", "credential", "nuvlabox"}
)
_DONE = {"add": "added", "edit": "edited", "delete": "deleted"}


def record(call: Call, kind: str, action: str, identifier: str | None, *, success: bool) -> None:
    """
    Write down a change that was asked for.

    :param call: The request.
    :param kind: The type of resource.
    :param action: ``add``, ``edit``, ``delete``, or the action's name.
    :param identifier: The resource; None if it was not made.
    :param success: Whether it was granted.
    """
    if kind not in _WATCHED:
        return
    identity, now = call.identity, iso(call.world.now())
    who = identity.user or "anonymous"
    verb = _DONE.get(action, action)
    linked: dict[str, Any] = {"resource": {"href": identifier or kind}}
    call.world.document(
        "event",
        ADMIN,
        rights={"view_data": (identity.owner,)} if identity.user else {},
        created_by=who,
        name=f"{kind}.{action}",
        description=f"{who} {verb} {kind}",
        category=action if action in _DONE else "action",
        severity="medium",
        success=success,
        timestamp=now,
        authn_info={
            "user-id": who,
            "active-claim": identity.owner,
            "claims": sorted(identity.claims),
        },
        content={**linked, "linked-identifiers": []},
    )


def _add(call: Call) -> Answer:
    body = {name: value for name, value in call.document.items() if name != "acl"}
    event = call.world.document(
        "event",
        call.identity.owner,
        attributes={"timestamp": iso(call.world.now()), "severity": "medium"} | body,
        created_by=call.identity.user,
        category="user",
        success=True,
    )
    return created(event["id"])


EVENT = Kind(
    name="event",
    newest_first="timestamp",
    hidden=("content/resource/content",),
    add=_add,
    editable=False,
    bulk_delete=True,
)
