"""Everything the sandbox knows, and the small levers for tests to arrange special cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.moments import iso
from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.access import owned_by
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.launch import finished_run
from slipstream.sandbox.slipstream3.machines import describe
from slipstream.sandbox.slipstream3.modules import Library, Module
from slipstream.sandbox.slipstream3.people import credential_of
from slipstream.sandbox.slipstream3.runs import Machine, Run
from slipstream.sandbox.slipstream3.version import Version
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import BaseWorld


class World(BaseWorld):
    """
    The state of one sandbox.

    :param clock: Its clock.
    :param version: The server it plays.
    """

    def __init__(self, *, clock: Clock, version: Version) -> None:
        super().__init__(clock=clock)
        self.version = version
        self.library = Library()
        self.accounts: dict[str, Account] = {}
        self.runs: dict[str, Run] = {}
        self.connectors: dict[str, Document] = {}
        self.provider_tokens: dict[str, str] = {}

    def tick(self) -> None:
        """Bring everything that moves by itself up to date."""
        now = self.now()
        for run in list(self.runs.values()):
            lifecycle.advance(self, run, now)

    def document(self, kind: str, uri: str, /, **fields: Any) -> Document:
        """
        Make a JSON document of a kind, with a new id unless one is given, and keep it.

        :param kind: The collection's name.
        :param uri: Its ``resourceURI``.
        :param fields: Its attributes.
        :returns: The document.
        """
        now = iso(self.now())
        start = {
            "id": f"{kind}/{self.ids.uuid()}",
            "resourceURI": uri,
            "created": now,
            "updated": now,
        }
        return self.store.put(start | fields)

    def event(
        self,
        run: Run,
        text: str,
        at: datetime,
        *,
        kind: str = "state",
        severity: str = "medium",
    ) -> None:
        """
        Write an event about a run.

        :param run: The run.
        :param text: Its new state, or what was done to it.
        :param at: The moment.
        :param kind: ``state`` or ``action``.
        :param severity: ``critical``, ``high``, ``medium`` or ``low``.
        """
        self.document(
            "event",
            "http://schemas.dmtf.org/cimi/2/Event",
            timestamp=iso(at),
            created=iso(at),
            updated=iso(at),
            type=kind,
            severity=severity,
            content={"resource": {"href": run.href}, "state": text},
            acl=owned_by(run.owner),
        )

    def timeout(self, user: str) -> int:
        """
        Ask how long a run of a user may stay in one state.

        :param user: The user's name.
        :returns: Minutes.
        """
        account = self.accounts.get(user)
        text = account.value("General.Timeout") if account else ""
        return int(text) if text.isdigit() and int(text) else 30

    def cloud_credential(self, user: str, cloud: str) -> str:
        """
        Find what virtual machines name as the credential that sees them.

        :param user: The user.
        :param cloud: The connector.
        :returns: An href.
        """
        if self.version.since(42):
            found = credential_of(self, user, cloud)
            if found:
                return str(found["id"])
        return f"user/{user}"

    # What follows is for tests.

    def run(self, uuid: str) -> Run:
        """
        Find a deployment.

        :param uuid: Its id.
        :returns: The deployment, up to date.
        :raises KeyError: If there is none.
        """
        with self.lock:
            self.tick()
            return self.runs[uuid]

    def abort_run(self, uuid: str, reason: str) -> None:
        """
        Raise the abort flag of a deployment.

        :param uuid: Its id.
        :param reason: Why.
        """
        self._change(uuid, lambda run: lifecycle.abort(self, run, reason, self.now()))

    def hold_run(self, uuid: str) -> None:
        """
        Let a deployment hang in the state it is in.

        :param uuid: Its id.
        """
        self._change(uuid, lambda run: setattr(run, "held", True))

    def release_run(self, uuid: str) -> None:
        """
        Let a held deployment move again, as if it had just come into its state.

        :param uuid: Its id.
        """

        def release(run: Run) -> None:
            run.held, run.changed = False, self.now()

        self._change(uuid, release)

    def set_parameter(self, uuid: str, key: str, value: str) -> None:
        """
        Set a runtime parameter, as a script on a machine would.

        :param uuid: The deployment's id.
        :param key: The key; made known if it is not.
        :param value: The value.
        """

        def change(run: Run) -> None:
            if key not in run.runtime:
                run.declare(key)
            run.put(key, value)

        self._change(uuid, change)

    def _change(self, uuid: str, change: Callable[[Run], None]) -> None:
        with self.lock:
            self.tick()
            change(self.runs[uuid])

    def add_runs(
        self, number: int, *, user: str = "alice", module: str = "apps/WordPress/wordpress"
    ) -> list[str]:
        """
        Add deployments that are up, one second apart, the last one newest.

        :param number: How many.
        :param user: Whose.
        :param module: What was deployed.
        :returns: Their ids, oldest first.
        """
        with self.lock:
            start = self.now() - timedelta(seconds=number)
            added = [
                finished_run(self, user, module, start + timedelta(seconds=place))
                for place in range(number)
            ]
            self.runs.update({run.uuid: run for run in added})
        return [run.uuid for run in added]

    def add_machine(
        self, *, user: str = "alice", cloud: str = "exoscale-ch-gva", state: str = "running"
    ) -> Document:
        """
        Add a virtual machine that was not started by this server.

        :param user: Who sees it.
        :param cloud: Its connector.
        :param state: Its state, in lower case.
        :returns: Its document.
        """
        with self.lock:
            machine = Machine(group="", cloud=cloud, instance=self.ids.uuid())
            machine.ip = self.ids.address()
            now = self.now()
            return self.store.put(describe(self, None, machine, owner=user, state=state, now=now))

    def add_module(self, module: Module) -> Module:
        """
        Add a module.

        :param module: The module.
        :returns: The same module, with its version.
        """
        with self.lock:
            return self.library.add(module)

    def close_module(self, path: str) -> None:
        """
        Let nobody but its owner read a module.

        :param path: Its path.
        """
        with self.lock:
            module = self.library.find(path)
            module.rights.public = module.rights.group = frozenset()
