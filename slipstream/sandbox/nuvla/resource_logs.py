"""
Logs of what a deployment runs.

Source: nuvla/api-server, server/resources/resource_log.clj.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, required, told
from slipstream.sandbox.nuvla.jobs import FINAL, queued
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document


def create(call: Call, parent: Document) -> Answer:
    """
    Make a log. It belongs to the session that made it, and to no later one.

    :param call: The request.
    :param parent: The deployment or edge.
    :returns: The answer.
    :raises JsonProblem: 400 if no components are named.
    """
    components = call.document.get("components")
    if not isinstance(components, list) or not components:
        raise JsonProblem(400, f"resource {SCHEMA}components is missing\n")
    names = ("since", "lines")
    wanted: Document = {name: call.document[name] for name in names if name in call.document}
    log = call.world.document(
        "resource-log",
        ADMIN,
        attributes=wanted,
        rights={"edit_acl": (call.identity.session or call.identity.owner,)},
        created_by=call.identity.user,
        parent=parent["id"],
        components=components,
    )
    return created(log["id"])


def _fetch(call: Call, log: Document) -> Answer:
    required(call, "manage", log)
    world = call.world
    for identifier in world.work:
        job = world.store[identifier]
        if job["target-resource"]["href"] == log["id"] and job["state"] not in FINAL:
            message = f"existing {identifier} is already fetching {log['id']}"
            return told(202, message, log["id"], location=identifier)
    parent = world.store.get(log["parent"]) or {}
    mode = "pull" if parent.get("execution-mode") == "pull" else "push"
    return queued(call, "fetch_deployment_log", log, mode=mode)


RESOURCE_LOG = Kind(
    name="resource-log",
    adders=ADMIN,
    attributes=schema("components", "since", "lines", "log", "last-timestamp"),
    rels=lambda *_: ("fetch",),
    actions={"fetch": _fetch},
)
