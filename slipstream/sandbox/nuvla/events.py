"""
Events: what happened to resources. The server makes them; the sandbox plays reading them.

Source: nuvla/api-server, server/resources/event.clj.
"""

from __future__ import annotations

from slipstream.sandbox.nuvla.resource import Resource


class Event(Resource):
    """Events."""

    name = "event"
    editable = False
    newest_first = "timestamp"
    hidden = ("content/resource/content",)
    bulk = "bulk-delete"
    unplayed = ("add", "bulk-delete")
