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


class World(State):
    """
    The state of one sandbox, which moves with the clock.

    :param clock: Its clock.
    """

    def tick(self) -> None:
        with self.serving():
            executor.advance(self, self.now())

    # What follows is for tests.

    def two_factor_code(self, username: str) -> str:
        """Read the code that a user's second factor shows now; a KeyError if there is none."""
        return sessions.code(self.second_factors[self.user_id(username)], self.now())

    def hold(self, identifier: str) -> None:
        """Let the jobs of a deployment hang in the state they are in."""
        with self.lock:
            self.tick()
            self.held.add(identifier)

    def fail(self, identifier: str, reason: str) -> None:
        """Let the next job of a deployment fail with a reason, the last line of its message."""
        with self.lock:
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
            owner = self.user_id(user)
            seeded = self.store.collection("module")
            module = next(module for module in seeded if module["path"] == WORDPRESS)
            copy = module_copy(self, module, f"{module['id']}_{len(module['versions']) - 1}")
            swarm = self._named("credential", "swarm-")
            attributes = placement(self, swarm) | {"module": copy, "owner": owner, "state": state}
            added = []
            for age in range(number, 0, -1):
                identifier = f"deployment/{self.ids.uuid()}"
                self.document(
                    "deployment",
                    owner,
                    at=self.now() - timedelta(seconds=age),
                    attributes=attributes,
                    id=identifier,
                    acl=acl(owner, view_acl=(identifier,), edit_data=(identifier,)),
                )
                added.append(identifier)
            return added

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

        :param path: Its path.
        :param owner: The user it belongs to.
        :param contents: The content of each version; None for a version that was deleted.
        :param published: Whether the newest version is published.
        :param fields: Further attributes, such as ``name`` and ``subtype``.
        :returns: Its id.
        """
        with self.lock:
            user = self.user_id(owner)
            module = self.document(
                "module",
                user,
                attributes=fields,
                rights={} if path.startswith("private") else {"view_data": (USER,)},
                path=path,
                parent_path=path.rpartition("/")[0],
            )
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

    def _named(self, kind: str, start: str) -> Document:
        documents = self.store.collection(kind)
        return next(document for document in documents if document["name"].startswith(start))

    def set_edge_online(self, name: str, *, online: bool) -> None:
        """Let the edge of a name be heard of, or not."""
        with self.lock:
            self.tick()
            for kind in ("nuvlabox", "nuvlabox-status", "infrastructure-service"):
                for document in list(self.store.collection(kind)):
                    if document.get("name") == name:
                        self.change(document["id"], self.now(), online=online)

    def add_credential(self, service: str, *, user: str = "alice", name: str) -> Document:
        """Add a user's credential of an infrastructure service, which is given by its id."""
        with self.lock:
            owner = self.user_id(user)
            subtype = f"infrastructure-service-{self.store[service]['subtype']}"
            return self.document(
                "credential",
                owner,
                name=name,
                parent=service,
                subtype=subtype,
                method=subtype,
                acl=managed_acl(owner),
                ca="ca",
                cert="cert",
                key="key",
            )
