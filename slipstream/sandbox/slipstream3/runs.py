"""Deployments and their runtime parameters."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import attrs

from slipstream.sandbox.slipstream3.modules import Module, Parameter

Kind = Literal["Run", "Orchestration"]
_Moving = Literal["Initializing", "Provisioning", "Executing", "SendingReports", "Finalizing"]
_Ended = Literal["Done", "Aborted", "Cancelled"]
RunState = Literal[_Moving, "Ready", _Ended]
TRANSITIONAL: frozenset[RunState] = frozenset(get_args(_Moving))
ENDED: frozenset[RunState] = frozenset(get_args(_Ended))
LONGEST_VALUE = 4096


@attrs.define
class RuntimeParameter:
    """A value of a deployment, empty if it is not set, which the targets take too."""

    key: str
    value: str = ""
    description: str = ""
    targets: list[str] = attrs.field(factory=list)
    is_mapped: bool = False

    @property
    def group(self) -> str:
        return self.key.partition(":")[0]

    @property
    def name(self) -> str:
        return self.key.partition(":")[2]


@attrs.define(kw_only=True)
class Machine:
    """A virtual machine of a run; an orchestrator has no component."""

    group: str
    cloud: str
    node: str | None = None
    offer: str | None = None
    component: Module | None = None
    instance: str = ""
    ip: str = ""
    document: str | None = None


@attrs.define(kw_only=True, eq=False)
class Run:
    """A deployment: a ``Run`` of a component, or an ``Orchestration`` of an application."""

    uuid: str
    module: Module
    kind: Kind
    owner: str
    created: datetime
    changed: datetime
    ended: datetime | None = None
    state: RunState = "Initializing"
    mutable: bool = False
    keep_running: str = "on-success"
    parameters: dict[str, Parameter] = attrs.field(factory=dict)
    runtime: dict[str, RuntimeParameter] = attrs.field(factory=dict)
    machines: list[Machine] = attrs.field(factory=list)
    nodes: list[str] = attrs.field(factory=list)
    milestones: int = 0
    hurried: datetime | None = None
    held: bool = False
    """A held run does not move by itself."""
    invalid: str = ""
    """Why it could never be launched; empty if it could."""
    starts_late: bool = False
    """Whether its machine starts although it was terminated."""

    @property
    def href(self) -> str:
        return f"run/{self.uuid}"

    @property
    def clouds(self) -> list[str]:
        return sorted({machine.cloud for machine in self.machines})

    @property
    def orchestrators(self) -> list[Machine]:
        """The machines of an application that only control the others."""
        return [machine for machine in self.machines if machine.component is None]

    @property
    def node_names(self) -> list[str]:
        """The groups of its machines, the orchestrators last."""
        last = sorted(self.machines, key=lambda machine: machine.component is None)
        return [machine.group for machine in last]

    @property
    def tags(self) -> str:
        return self.get("ss:tags")

    @property
    def url(self) -> str:
        """The address of the deployed service; empty if it has none."""
        return self.get("ss:url.service")

    @property
    def abort_reason(self) -> str:
        """The reason of the abort; empty if it was not aborted."""
        return self.get("ss:abort")

    def get(self, key: str) -> str:
        """The value of a runtime parameter; empty if it is not set or not declared."""
        parameter = self.runtime.get(key)
        return parameter.value if parameter else ""

    def put(self, key: str, value: str) -> None:
        """Set a declared runtime parameter, and those mapped from it."""
        parameter = self.runtime[key]
        parameter.value = value
        for target in parameter.targets:
            self.put(target, value)

    def declare(self, key: str, value: str = "", description: str = "") -> None:
        """Add a runtime parameter; whatever its type in the module, it is a String."""
        self.runtime[key] = RuntimeParameter(key, value, description)

    def instances(self, node: str) -> list[Machine]:
        return [machine for machine in self.machines if machine.node == node]
