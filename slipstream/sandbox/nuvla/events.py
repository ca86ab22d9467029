"""
Events: what happened to resources.

Source: nuvla/api-server, server/resources/event.clj and spec/event.cljc.
"""

from __future__ import annotations

from slipstream.sandbox.cimi import Reply, created
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.schema import anything, boolean, described, map_of, one_of, text, timestamp
from slipstream.sandbox.store import Document


class Event(Resource):
    """Events. Most are made by the server, as other resources are changed."""

    name = "event"
    editable = False
    newest_first = "timestamp"
    hidden = ("content/resource/content",)
    bulk = "bulk-delete"
    unplayed = ("bulk-delete",)
    description = schema(
        described(
            {
                "category": text,
                "content": map_of(),
                "severity": one_of("critical", "high", "medium", "low"),
                "timestamp": timestamp,
            }
        ),
        success=boolean,
        authn_info=anything,
        expires=anything,
    )

    def create(self, body: Document) -> Reply:
        """Add an event of the user's own."""
        sent = {name: value for name, value in body.items() if name not in self.kept_by_server}
        now = iso(self.world.now())
        event = self.store({"timestamp": now} | sent | {"category": "user"})
        return created(event["id"])
