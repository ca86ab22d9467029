"""The state that moves by itself, and the levers with which tests arrange special cases."""

from __future__ import annotations

from datetime import timedelta

from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.launch import finished_run
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.runs import Machine, Run
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.store import Document


class World(State):
    """The state of one sandbox."""

    def tick(self) -> None:
        now = self.now()
        for run in list(self.runs.values()):
            lifecycle.advance(self, run, now)

    def run(self, uuid: str) -> Run:
        """Find a deployment, up to date; a KeyError if there is none."""
        with self.lock:
            self.tick()
            return self.runs[uuid]

    def abort_run(self, uuid: str, reason: str) -> None:
        """Raise the abort flag of a deployment."""
        with self.lock:
            lifecycle.abort(self, self.run(uuid), reason, self.now())

    def hold_run(self, uuid: str) -> None:
        """Let a deployment hang in the state it is in."""
        self.run(uuid).held = True

    def set_parameter(self, uuid: str, key: str, value: str) -> None:
        """Set a runtime parameter, as a script would; it is declared if it is not."""
        with self.lock:
            run = self.run(uuid)
            if key not in run.runtime:
                run.declare(key)
            run.put(key, value)

    def add_runs(
        self, number: int, *, user: str = "alice", module: str = "apps/WordPress/wordpress"
    ) -> list[str]:
        """
        Add deployments that are up, one second apart, the last one newest.

        :returns: Their ids, oldest first.
        """
        with self.lock:
            start = self.now() - timedelta(seconds=number)
            times = [start + timedelta(seconds=offset) for offset in range(number)]
            added = [finished_run(self, user, module, at) for at in times]
            self.runs.update({run.uuid: run for run in added})
        return [run.uuid for run in added]

    def add_machine(
        self, *, user: str = "alice", cloud: str = "exoscale-ch-gva", state: str = "running"
    ) -> Document:
        """Add a virtual machine that was not started by this server, and return its document."""
        with self.lock:
            machine = Machine(group="", cloud=cloud, instance=self.ids.uuid())
            machine.ip = self.ids.address()
            return lifecycle.describe_machine(self, machine, owner=user, word=state)

    def add_module(self, module: Module) -> Module:
        """Add a module; one without a version gets the server's next."""
        with self.lock:
            return self.library.add(module)
