"""Modules, each in versions, their parameters, and deployments of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, get_args

import attrs

from slipstream.sandbox.slipstream3.xml import XmlProblem

Category = Literal["Project", "Image", "Deployment"]
Kind = Literal["Run", "Orchestration"]
_Moving = Literal["Initializing", "Provisioning", "Executing", "SendingReports", "Finalizing"]
_Ended = Literal["Done", "Aborted", "Cancelled"]
RunState = Literal[_Moving, "Ready", _Ended]
TRANSITIONAL: frozenset[RunState] = frozenset(get_args(_Moving))
ENDED: frozenset[RunState] = frozenset(get_args(_Ended))
_LONGEST_VERSION = 10


@attrs.define
class Parameter:
    """A parameter of an XML document: of a module, of a user, of a run."""

    name: str
    value: str | None = None
    default: str | None = None
    category: str = attrs.field(default="General", kw_only=True)
    type: str = attrs.field(default="String", kw_only=True)
    description: str | None = attrs.field(default=None, kw_only=True)
    mandatory: bool = attrs.field(default=False, kw_only=True)
    order: int = attrs.field(default=0, kw_only=True)
    instructions: str | None = attrs.field(default=None, kw_only=True)
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """What an ``Enum`` may be."""
    mapped: bool | None = attrs.field(default=None, kw_only=True)
    """Whether the value names a parameter of another node; None to leave that open."""
    shows_set: bool = attrs.field(default=False, kw_only=True)
    """Whether the document says if the value is set."""

    @property
    def is_set(self) -> bool | None:
        return bool(self.value) if self.shows_set else None


@attrs.define(kw_only=True)
class ModuleNode:
    """A node of an application; its parameters are mapped from ``node:parameter``."""

    name: str
    image: str
    parameters: dict[str, str] = attrs.field(factory=dict)

    @property
    def path(self) -> str:
        """Path of its component, without ``module/``."""
        return self.image.removeprefix("module/")

    @property
    def mappings(self) -> list[Parameter]:
        return [Parameter(name, text, mapped=True) for name, text in self.parameters.items()]


@attrs.define(kw_only=True)
class Module:
    """One version of a module, which has a number that is unique on the server."""

    path: str
    category: Category
    version: int = 0
    owner: str = "sixsq"
    public: frozenset[str] = frozenset()
    """What everyone may do with it; its owner may do everything, and ``Post`` is to deploy."""
    description: str = ""
    created: datetime
    modified: datetime
    custom_version: str | None = None
    logo: str | None = None
    published: datetime | None = None
    parameters: list[Parameter] = attrs.field(factory=list)
    targets: dict[str, str] = attrs.field(factory=dict)
    sets: dict[str, str] = attrs.field(factory=dict)
    """What its script sets, by the runtime parameter; values of others stand in braces."""
    fails: bool = False
    """Whether its script fails."""
    reference: str | None = None
    is_base: bool | None = None
    platform: str | None = None
    login: str | None = None
    images: dict[str, str] = attrs.field(factory=dict)
    nodes: list[ModuleNode] = attrs.field(factory=list)

    @property
    def parent(self) -> str:
        return f"module/{self.path.rpartition('/')[0]}"

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def uri(self) -> str:
        return f"module/{self.path}/{self.version}"

    def allows(self, user: str, right: str) -> bool:
        return user == self.owner or right in self.public


def split_version(path: str) -> tuple[str, int | None]:
    head, _, last = path.strip("/").rpartition("/")
    if head and last.isascii() and last.isdigit() and len(last) <= _LONGEST_VERSION:
        return head, int(last)
    return path.strip("/"), None


class Library:
    def __init__(self) -> None:
        self._versions: dict[str, list[Module]] = {}
        self._last = 0

    def add(self, module: Module) -> Module:
        """Store a module; one without a version gets the server's next."""
        module.version = module.version or self._last + 1
        self._last = max(self._last, module.version)
        self._versions.setdefault(module.path, []).append(module)
        self._versions[module.path].sort(key=lambda version: version.version)
        return module

    def remove(self, module: Module) -> None:
        self._versions[module.path].remove(module)

    def modules(self) -> Iterator[Module]:
        """All versions, by path."""
        for path in sorted(self._versions):
            yield from self.versions(path)

    def versions(self, path: str) -> list[Module]:
        """The versions of a path, oldest first."""
        return [*self._versions.get(path, ())]

    def latest(self, path: str) -> Module | None:
        """The version that a path without one means, or None."""
        return next(reversed(self.versions(path)), None)

    def find(self, path: str) -> Module:
        """Find a module, by a path with or without a version."""
        name, version = split_version(path)
        if version is None:
            module = self.latest(name)
        else:
            versions = self.versions(name)
            module = next((item for item in versions if item.version == version), None)
        if module is None:
            raise XmlProblem(404)
        return module

    def children(self, path: str) -> list[Module]:
        """The latest versions of the modules in a project; the root is an empty path."""
        latest = (self.latest(name) for name in sorted(self._versions))
        return [module for module in latest if module and module.parent == f"module/{path}"]

    def lineage(self, module: Module) -> list[Module]:
        """A component, the component that it is built on, and so on."""
        modules: list[Module] = []
        parent: Module | None = module
        while parent is not None:
            modules.append(parent)
            parent = self.latest((parent.reference or "").removeprefix("module/"))
        return modules

    def parameters(self, module: Module) -> dict[str, Parameter]:
        """The parameters of a component and of those it is built on; the nearest wins."""
        lineage = reversed(self.lineage(module))
        return {own.name: own for ancestor in lineage for own in ancestor.parameters}


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
