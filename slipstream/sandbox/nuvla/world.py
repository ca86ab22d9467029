"""The world of a sandbox of this family: its state, its clockwork, and the levers for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from slipstream.sandbox.nuvla import executor, modules, parameters, sessions
from slipstream.sandbox.nuvla.access import USER, acl, managed_acl
from slipstream.sandbox.nuvla.deployments import module_copy, placement
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.store import Document

WORDPRESS = "apps/WordPress/wordpress"
SWARM = "swarm-lausanne admin"


class World(State):
    """The state of one sandbox, which moves with the clock."""

    def tick(self) -> None:
        with self.serving():
            executor.advance(self, self.now())

    # What follows is for tests.

    def two_factor_code(self, username: str) -> str:
        """Read the code that a user's second factor shows now; a KeyError if there is none."""
        return sessions.code(self.second_factors[self.user_id(username)], self.now())

    def hold(self, identifier: str) -> None:
        """Let the jobs of a deployment hang in the state they are in."""
        self.tick()
        self.held.add(identifier)

    def fail(self, identifier: str, reason: str) -> None:
        """Let the next job of a deployment fail with a reason, the last line of its message."""
        self.failures[identifier] = reason

    def set_parameter(self, deployment: str, name: str, value: str) -> None:
        """Set a deployment parameter, as an application would."""
        with self.lock:
            self.tick()
            parameters.write(self, self.store[deployment], name, value, at=self.now())

    def add_deployments(
        self, number: int, *, user: str = "alice", state: str = "STOPPED"
    ) -> list[str]:
        """
        Add deployments of the seeded WordPress, one second apart, the last one newest.

        :returns: Their ids, oldest first.
        """
        with self.lock:
            owner, now = self.user_id(user), self.now()
            module = self._named("module", "path", WORDPRESS)
            version = f"{module['id']}_{len(module['versions']) - 1}"
            fields = placement(self, self._named("credential", "name", SWARM))
            fields |= {"module": module_copy(self, module, version), "owner": owner}
            ids = [f"deployment/{self.ids.uuid()}" for _ in range(number)]
            for age, identifier in zip(range(number, 0, -1), ids, strict=True):
                at, rights = now - timedelta(seconds=age), (identifier,)
                fields |= {"id": identifier, "state": state}
                fields["acl"] = acl(owner, view_acl=rights, edit_data=rights)
                self.document("deployment", owner, fields, at=at)
            return ids

    def add_module(
        self,
        path: str,
        *,
        owner: str = "alice",
        contents: Sequence[Document | None] = (),
        published: bool = False,
        **fields: Any,
    ) -> str:
        """
        Add a module, shown to all users unless it is private.

        :param contents: The content of each version; None for a version that was deleted.
        :param published: Whether the newest version is published.
        :param fields: Further attributes, such as ``name`` and ``subtype``.
        :returns: Its id.
        """
        with self.lock:
            user = self.user_id(owner)
            viewers = () if path.startswith("private") else (USER,)
            fields |= {"path": path, "parent-path": path.rpartition("/")[0]}
            fields["acl"] = acl(user, view_data=viewers)
            module = self.document("module", user, fields)
            for content in contents:
                self.add_version(module["id"], content)
            if published:
                module["versions"][-1]["published"] = True
                module |= {"published": True, "updated-by": user}
            return str(module["id"])

    def add_version(self, module: str, content: Document | None) -> None:
        """Add a version to a module; without a content, one that was deleted."""
        document = self.store[module]
        version = modules.new_version(self, document, content) if content else None
        document["versions"] = [*document.get("versions", []), version]

    def _named(self, kind: str, attribute: str, value: str) -> Document:
        documents = self.store.collection(kind)
        return next(document for document in documents if document.get(attribute) == value)

    def set_edge_online(self, name: str, *, online: bool) -> None:
        """Let the edge of a name be heard of, or not."""
        with self.lock:
            self.tick()
            for kind in ("nuvlabox", "nuvlabox-status", "infrastructure-service"):
                self.change(self._named(kind, "name", name)["id"], self.now(), online=online)

    def add_credential(self, service: str, *, user: str = "alice", name: str) -> Document:
        """Add a user's credential of an infrastructure service, which is given by its id."""
        method = f"infrastructure-service-{self.store[service]['subtype']}"
        fields = {"name": name, "parent": service, "subtype": method, "method": method}
        fields |= dict.fromkeys(("ca", "cert", "key"), "-----BEGIN ...")
        owner = self.user_id(user)
        return self.document("credential", owner, fields, acl=managed_acl(owner))
