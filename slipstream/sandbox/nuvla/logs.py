"""
Logs of what a deployment runs.

Source: nuvla/api-server, server/resources/resource_log.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.cimi import Reply, action, created, message
from slipstream.sandbox.nuvla.access import ADMIN, INTERNAL, acl
from slipstream.sandbox.nuvla.jobs import queued, under_way
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.schema import anything, list_of, text, timestamp, within
from slipstream.sandbox.store import Document


class ResourceLog(Resource):
    """Logs. Each belongs to the session that made it, and to no later one."""

    name = "resource-log"
    adders = ADMIN
    bulk = "bulk-delete"
    unplayed = ("bulk-delete",)
    description = schema(
        components=list_of(text),
        since=timestamp,
        last_timestamp=timestamp,
        lines=within(0),
        log=anything,
    )

    def create_for(self, parent: Document, sent: Document) -> Reply:
        """Make a log of a deployment."""
        holder = self.identity.session or self.identity.owner
        options: Document = {name: sent[name] for name in ("since", "lines") if name in sent}
        log = self.store(
            {
                "parent": parent["id"],
                "components": sent.get("components"),
                "created-by": INTERNAL,
                "acl": acl(ADMIN, edit_acl=(holder,)),
                **options,
            }
        )
        return created(log["id"])

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a log."""
        return ("fetch",)

    @action
    def fetch(self, log: Document) -> Reply:
        """Queue the job that fetches the lines since the last time, unless one is under way."""
        self.require("manage", log)
        identifier = log["id"]
        for job in under_way(self.world, identifier):
            text = f"existing async {job} for {identifier}"
            return message(202, text, identifier, location=job)
        parent = self.world.store.get(log["parent"]) or {}
        mode = "pull" if parent.get("execution-mode") == "pull" else "push"
        holder = self.identity.session or self.identity.owner
        rights = {"view_acl": (holder,)}
        return queued(
            self, "fetch_deployment_log", log, f"starting {identifier}", mode=mode, rights=rights
        )
