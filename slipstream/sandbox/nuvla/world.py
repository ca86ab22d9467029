"""Everything the sandbox of a Nuvla server knows, and the small levers for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla import parameters, two_factors
from slipstream.sandbox.nuvla.access import acl
from slipstream.sandbox.nuvla.jobs import Work, advance
from slipstream.sandbox.nuvla.seed_deployments import plant_deployments
from slipstream.sandbox.nuvla.version import Version
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import BaseWorld

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.two_factors import Callback


class World(BaseWorld):
    """
    The state of one sandbox.

    :param clock: Its clock.
    :param version: The server it plays.
    """

    def __init__(self, *, clock: Clock, version: Version) -> None:
        super().__init__(clock=clock)
        self.version = version
        self.work: dict[str, Work] = {}
        self.held: set[str] = set()
        self.failures: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.second_factors: dict[str, str] = {}
        self.callbacks: dict[str, Callback] = {}

    @property
    def host(self) -> str:
        """The host that the sandbox answers on."""
        return urlsplit(self.base_url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The port that the sandbox answers on."""
        return urlsplit(self.base_url).port or 80

    def tick(self) -> None:
        """Bring every job up to date."""
        now = self.now()
        for work in sorted(self.work.values(), key=lambda one: one.due):
            advance(self, work, now)

    def document(
        self,
        kind: str,
        owner: str,
        /,
        *,
        at: datetime | None = None,
        attributes: Mapping[str, Any] | None = None,
        rights: Mapping[str, Iterable[str]] | None = None,
        **fields: Any,
    ) -> Document:
        """
        Make a resource with a new id, unless one is given, and keep it.

        :param kind: Its type.
        :param owner: Who owns it.
        :param at: When it was made; now, if left out.
        :param attributes: Its attributes.
        :param rights: Further holders of rights, underscores for dashes.
        :param fields: Further attributes, underscores for dashes.
        :returns: The document.
        """
        moment = iso(at or self.now())
        start: Document = {
            "id": f"{kind}/{self.ids.uuid()}",
            "resource-type": kind,
            "created": moment,
            "updated": moment,
            "created-by": owner,
            "acl": acl(owner, **(rights or {})),
        }
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return self.store.put(start | dict(attributes or {}) | named)

    def change(self, identifier: str, at: datetime, **fields: Any) -> None:
        """
        Change a resource, if it is there still.

        :param identifier: Its id.
        :param at: The moment.
        :param fields: The attributes, underscores for dashes.
        """
        document = self.store.get(identifier)
        if document is not None:
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            self.store.put(document | named | {"updated": iso(at)})

    # What follows is for tests.

    def user_id(self, username: str) -> str:
        """
        Find a user.

        :param username: The name.
        :returns: The user's id.
        :raises KeyError: If there is none.
        """
        for user in self.store.collection("user"):
            if user["name"] == username:
                return str(user["id"])
        raise KeyError(username)

    def two_factor_code(self, username: str) -> str:
        """
        Read the code that a user's second factor shows at the moment.

        :param username: The name.
        :returns: Six digits.
        :raises KeyError: If the user has no second factor.
        """
        return two_factors.code(self.second_factors[self.user_id(username)], self.now())

    def hold(self, identifier: str) -> None:
        """
        Let the jobs of a deployment hang in the state they are in.

        :param identifier: The deployment's id.
        """
        with self.lock:
            self.tick()
            self.held.add(identifier)

    def fail(self, identifier: str, reason: str) -> None:
        """
        Let the next job of a deployment fail.

        :param identifier: The deployment's id.
        :param reason: The last line of its message.
        """
        with self.lock:
            self.failures[identifier] = reason

    def set_parameter(self, deployment: str, name: str, value: str) -> None:
        """
        Set a deployment parameter, as an application would.

        :param deployment: The deployment's id.
        :param name: The parameter's name.
        :param value: The value.
        """
        with self.lock:
            self.tick()
            parameters.write(self, self.store[deployment], name, value, at=self.now())

    def add_deployments(
        self, number: int, *, user: str = "alice", state: str = "STOPPED"
    ) -> list[str]:
        """
        Add deployments of the seeded WordPress, one second apart, the last one newest.

        :param number: How many.
        :param user: Whose.
        :param state: The state they are in.
        :returns: Their ids, oldest first.
        """
        with self.lock:
            return plant_deployments(self, number, owner=self.user_id(user), state=state)

    def set_edge_online(self, name: str, *, online: bool) -> None:
        """
        Let an edge be heard of, or not.

        :param name: Its name.
        :param online: Whether it is online.
        """
        with self.lock:
            self.tick()
            for kind in ("nuvlabox", "nuvlabox-status", "infrastructure-service"):
                for document in self.store.collection(kind):
                    if document["name"] == name:
                        self.change(document["id"], self.now(), online=online)

    def add_credential(self, service: str, *, user: str = "alice", name: str) -> Document:
        """
        Add a credential of an infrastructure service.

        :param service: The service's id.
        :param user: Whose.
        :param name: The credential's name.
        :returns: The document.
        """
        with self.lock:
            subtype = f"infrastructure-service-{self.store[service]['subtype']}"
            return self.document(
                "credential",
                self.user_id(user),
                name=name,
                parent=service,
                subtype=subtype,
                method=subtype,
                ca="ca",
                cert="cert",
                key="key",
            )
