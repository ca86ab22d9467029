"""Projects, components and applications, each in versions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import attrs

from slipstream.sandbox.slipstream3.parameters import Parameter
from slipstream.sandbox.slipstream3.problems import XmlProblem

Category = Literal["Project", "Image", "Deployment"]
_LONGEST_VERSION = 10
RIGHTS = ("Get", "Put", "Post", "Delete", "CreateChildren")


@attrs.define(kw_only=True)
class Rights:
    """
    Who may do what with a module; the owner may do everything.

    :param owner: The owner's name.
    :param public: Rights of everyone with an account, out of ``Get Put Post Delete
        CreateChildren``; ``Post`` is the right to deploy.
    :param group: Rights of the group's members.
    :param members: The group's members.
    """

    owner: str
    public: frozenset[str] = frozenset()
    group: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    inherited_members: bool = True

    def allow(self, user: str, right: str) -> bool:
        """
        Ask for one right.

        :param user: The user's name.
        :param right: The right.
        :returns: Whether the user has it.
        """
        if user == self.owner or right in self.public:
            return True
        return user in self.members and right in self.group


@attrs.define(kw_only=True)
class ModuleNode:
    """
    A node of an application.

    :param name: Letters, digits and underscores.
    :param image: Path of its component, with or without a version.
    :param multiplicity: How many instances to start.
    :param cloud: ``default`` or a connector's name.
    :param parameters: Values by name: quoted text is a literal, ``node:parameter`` a mapping.
    """

    name: str
    image: str
    multiplicity: int = 1
    max_provisioning_failures: int = 0
    cloud: str = "default"
    network: str | None = "Public"
    parameters: dict[str, str] = attrs.field(factory=dict)


@attrs.define(kw_only=True)
class Module:
    """
    One version of a module.

    :param path: Its path, without ``module/`` and without the version.
    :param category: What it is.
    :param version: A number unique on the server.
    :param reference: Path of the component it is made from.
    :param images: Image identifiers by connector, of a native component.
    """

    path: str
    category: Category
    version: int = 0
    rights: Rights
    description: str = ""
    created: datetime
    modified: datetime
    author: str = ""
    comment: str = ""
    custom_version: str | None = None
    logo: str | None = None
    note: str | None = None
    placement: str | None = None
    tag: str | None = None
    deleted: bool = False
    publisher: str | None = None
    published: datetime | None = None
    parameters: list[Parameter] = attrs.field(factory=list)
    targets: dict[str, str] = attrs.field(factory=dict)
    packages: list[str] = attrs.field(factory=list)
    reference: str | None = None
    is_base: bool = False
    platform: str | None = None
    login: str | None = None
    images: dict[str, str] = attrs.field(factory=dict)
    nodes: list[ModuleNode] = attrs.field(factory=list)

    @property
    def parent(self) -> str:
        """Path of the project it is in; empty for a root project."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def uri(self) -> str:
        """Its address, with the version."""
        return f"module/{self.path}/{self.version}"


def split_version(path: str) -> tuple[str, int | None]:
    """
    Separate the version from a path.

    :param path: A path such as ``apps/WordPress/wordpress/478``.
    :returns: The path without it, and the version or None.
    """
    head, _, last = path.strip("/").rpartition("/")
    if head and last.isascii() and last.isdigit() and len(last) <= _LONGEST_VERSION:
        return head, int(last)
    return path.strip("/"), None


class Library:
    """Every module of the server."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Module]] = {}
        self._last = 0

    def add(self, module: Module) -> Module:
        """
        Keep a module; one without a version gets the server's next.

        :param module: The module.
        :returns: The same module.
        """
        module.version = module.version or self._last + 1
        self._last = max(self._last, module.version)
        self._versions.setdefault(module.path, []).append(module)
        self._versions[module.path].sort(key=lambda one: one.version)
        return module

    def every(self) -> Iterator[Module]:
        """
        Walk through all versions that are not deleted.

        :returns: The modules, by path.
        """
        for path in sorted(self._versions):
            yield from self.versions(path)

    def versions(self, path: str) -> list[Module]:
        """
        List what there is under a path.

        :param path: The path.
        :returns: The undeleted versions, oldest first.
        """
        return [one for one in self._versions.get(path, []) if not one.deleted]

    def latest(self, path: str) -> Module | None:
        """
        Find the version that a path without one means.

        :param path: The path.
        :returns: The module, or None.
        """
        return next(reversed(self.versions(path)), None)

    def find(self, path: str) -> Module:
        """
        Find a module, deleted or not.

        :param path: The path, with or without a version.
        :returns: The module.
        :raises XmlProblem: 404 if there is none, 403 if that version was deleted.
        """
        name, version = split_version(path)
        if version is None:
            module = self.latest(name)
        else:
            every = self._versions.get(name, [])
            module = next((one for one in every if one.version == version), None)
        if module is None:
            raise XmlProblem(404)
        if module.deleted:
            raise XmlProblem(403, "Module deleted")
        return module

    def children(self, path: str) -> list[Module]:
        """
        List what is directly below a project.

        :param path: The project's path; empty for the root.
        :returns: The latest versions, by name.
        """
        latest = (self.latest(one) for one in sorted(self._versions))
        return [one for one in latest if one and one.parent == path]

    def lineage(self, module: Module) -> list[Module]:
        """
        Follow a component to what it is made from.

        :param module: The component.
        :returns: The component, its parent, and so on.
        """
        found = [module]
        while found[-1].reference:
            name, version = split_version(found[-1].reference.removeprefix("module/"))
            parent = next((one for one in self.versions(name) if one.version == version), None)
            parent = parent or self.latest(name)
            if parent is None or parent in found:
                break
            found.append(parent)
        return found

    def inputs(self, module: Module) -> dict[str, Parameter]:
        """
        Collect the parameters of a component and its parents.

        :param module: The component.
        :returns: Parameters by name; the nearest wins.
        """
        found: dict[str, Parameter] = {}
        for one in reversed(self.lineage(module)):
            found.update({parameter.name: parameter for parameter in one.parameters})
        return found
