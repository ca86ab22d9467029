"""Projects, components and applications, each in versions, and their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import attrs

from slipstream.sandbox.slipstream3.xml import XmlProblem

Category = Literal["Project", "Image", "Deployment"]
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
