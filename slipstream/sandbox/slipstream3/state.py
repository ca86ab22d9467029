"""What the server keeps: modules, users, runs, connectors and JSON documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.slipstream3.access import owned_by
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.modules import Library
from slipstream.sandbox.slipstream3.runs import Run
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso
from slipstream.sandbox.world import BaseWorld


def resource_uri(kind: str) -> str:
    """The ``resourceURI`` of documents of a kind."""
    base = "schemas.dmtf.org/cimi/2" if kind == "event" else "sixsq.com/slipstream/1"
    return f"http://{base}/" + "".join(word.capitalize() for word in kind.split("-"))


class State(BaseWorld):
    """
    The state of a server.

    :param clock: Its clock.
    """

    refuses_early_termination: bool | None = None
    """
    Whether terminating a run before its machine exists answers 409, as the real server does: the
    run is cancelled all the same, and its machine starts afterwards. None means while the clock
    runs: where it stands still, a client would wait for the machine in vain.
    """

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.library = Library()
        self.accounts: dict[str, Account] = {}
        self.runs: dict[str, Run] = {}
        self.connectors: dict[str, Document] = {}
        self.provider_tokens: dict[str, str] = {}

    def document(self, kind: str, /, **fields: Any) -> Document:
        """Make a JSON document of a kind, with a new id unless one is passed, and keep it."""
        now, identifier = iso(self.now()), fields.get("id") or f"{kind}/{self.ids.uuid()}"
        common = {"resourceURI": resource_uri(kind), "created": now, "updated": now}
        return self.store.put({"id": identifier, **common, **fields})

    def event(
        self, run: Run, text: str, at: datetime, *, kind: str = "state", severity: str = "medium"
    ) -> None:
        """Write an event about a run."""
        self.document(
            "event",
            **dict.fromkeys(("timestamp", "created", "updated"), iso(at)),
            type=kind,
            severity=severity,
            content={"resource": {"href": run.href}, "state": text},
            acl=owned_by(run.owner),
        )
