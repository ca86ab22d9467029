"""
Modules: their paths and documents, the App Store, projects, components and applications.

Sources: SlipStreamServer, module/ModuleResource.java, persistence/Module.java, ImageModule.java,
DeploymentModule.java, and the stylesheet module-export.xsl, which takes ``name`` and
``resourceUri`` off the root.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import attrs

from slipstream.backends import limits
from slipstream.backends.cimi import CimiBackend
from slipstream.backends.prefetch import read_ahead
from slipstream.backends.slipstream import clouds
from slipstream.backends.slipstream.dialect import (
    ANY_CLOUD,
    CONNECTOR,
    XML,
    entries,
    flag,
    get,
    parse,
    require_status,
    whole,
)
from slipstream.errors import BadInput, Forbidden, MalformedAnswer, shorten
from slipstream.session import Session
from slipstream.session.session import expect
from slipstream.transport.call_context import stacklevel
from slipstream.transport.messages import Request
from slipstream.values import Module, ModuleKind, ModuleNode, ModuleParameter
from slipstream.values.plain import CONTROL_CHARACTERS, safe_text
from slipstream.values.timestamps import parse_timestamp

MOST_COMPONENTS = 16
"""Components that are kept."""

AT_ONCE = 12
"""Projects of one depth that are read side by side."""

PREFIX = "module/"
_KINDS = {
    "Project": ModuleKind.PROJECT,
    "Image": ModuleKind.COMPONENT,
    "Deployment": ModuleKind.APPLICATION,
}
_PATH_HINT = "Paths look like 'apps/WordPress/wordpress', with a version behind or without."


class SkippedWarning(RuntimeWarning):
    """Some projects may not be read by this user and are missing from a listing."""


class ModuleBackend(CimiBackend):
    """
    Keeps the components that were read last, so that deploying one does not read it again.

    A version of a component never changes but for the clouds that it may run on. An application
    is not kept: what it holds of its components may be that of their latest versions.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._components: dict[str, Module] = {}

    def keep(self, module: Module) -> Module:
        """Keep a module that was read, and return it."""
        if module.kind is ModuleKind.COMPONENT and module.version is not None:
            self._components.pop(module.id, None)
            self._components[module.id] = module
            for module_id in list(self._components)[:-MOST_COMPONENTS]:
                self._components.pop(module_id, None)
        return module

    def component(self, module_id: str) -> Module | None:
        """The component of an id that names a version, if it is kept."""
        return self._components.get(module_id)


def list_modules(
    backend: CimiBackend, path: str | None, recurse: bool, connector: str | None
) -> Iterable[Module]:
    """Of the listed modules, few tell which clouds they are for."""
    session = backend.session
    if connector is not None:
        clouds.check_location(backend, connector)
    if path is None:
        response = session.send(get("/appstore"), doing="list the App Store")
        by_id: dict[str, Module] = {}
        for listed in map(_listed, parse(response, "list").iterfind("item")):
            if by_id.setdefault(listed.id, listed) != listed:
                raise MalformedAnswer(f"The server lists two modules as {shorten(listed.id)}.")
        modules: Iterable[Module] = by_id.values()
    else:
        modules = _tree(session, "/".join(_segments(path, "the path of a project")), recurse)
    if connector is None:
        return modules
    name = connector.removeprefix(CONNECTOR)
    return (module for module in modules if not module.image_ids or name in module.image_ids)


def get_module(backend: ModuleBackend, module_id: str) -> Module:
    """Read a module, and keep it if it is a component."""
    return backend.keep(read(backend.session, module_id))


def delete_module(backend: CimiBackend, module_id: str, all_versions: bool) -> bool:
    """A path with a slash at its end means every version."""
    session, path = backend.session, module_path(module_id)
    target = split_version(path)[0] + "/" if all_versions else path
    doing = f"delete {shorten(path)}"
    request = Request(
        method="DELETE", path=f"/{PREFIX}{quote(target)}", headers=XML, expects=expect(204)
    )
    response = session.send(request, doing=doing)
    hint = "Look with get_image() before you try again."
    require_status(session, response, {204}, doing=doing, hint=hint)
    return True


def read(session: Session, module_id: str) -> Module:
    """Read one module."""
    return module(_document(session, module_path(module_id)))


def _document(session: Session, path: str) -> Element:
    response = session.send(get(f"/{PREFIX}{quote(path)}"), doing=f"read {shorten(path)}")
    return parse(response, "imageModule", "deploymentModule", "projectModule")


def _tree(session: Session, path: str, recurse: bool) -> Iterator[Module]:
    """
    What a project holds, then what the projects in it hold, and so on.

    Each project is read once, whatever others say that they hold. Of them the paths are kept.
    """
    paths = {split_version(path)[0]}
    below: list[str] = []
    yield from _new(_children(session, path), paths, below)
    skipped: list[str] = []
    for _ in range(limits.MAX_LEVELS):
        if not (recurse and below) or len(paths) > limits.MAX_PROJECTS:
            break
        level, below = below, []
        reading = read_ahead(lambda child: _readable(session, child), level, at_once=AT_ONCE)
        with closing(reading) as pages:
            for project, children in zip(level, pages, strict=True):
                if children is None:
                    skipped.append(project)
                else:
                    yield from _new(children, paths, below)
    if recurse and below:
        raise MalformedAnswer(
            f"Cannot list {path or 'the root projects'}: {len(paths)} projects were met and there"
            f" are more, such as {shorten(below[0])}.",
            hint="List a project further down.",
        )
    if skipped:
        warnings.warn(
            safe_text(
                f"{len(skipped)} of the projects below {path or 'the root'!r} may not be read and"
                f" were skipped: {', '.join(sorted(skipped))}."
            ),
            SkippedWarning,
            stacklevel=stacklevel(),
        )


def _new(modules: list[Module], paths: set[str], projects: list[str]) -> Iterator[Module]:
    """The modules that are no projects; the paths of projects not met before go to the list."""
    for child in modules:
        if child.kind is not ModuleKind.PROJECT:
            yield child
        elif child.path not in paths:
            paths.add(child.path)
            projects.append(child.path)


def _readable(session: Session, path: str) -> list[Module] | None:
    try:
        return _children(session, path)
    except Forbidden:
        return None


def _children(session: Session, path: str) -> list[Module]:
    if not path:
        response = session.send(get("/module"), doing="list the root projects")
        return [_listed(item) for item in parse(response, "list").iterfind("item")]
    # Items stand under the module's latest runs too; only the children are its content.
    items = _document(session, path).iterfind("children/item")
    return [_listed(item, split_version(path)[0]) for item in items]


def _listed(item: Element, parent: str = "") -> Module:
    name = item.get("name", "")
    uri = "/".join(filter(None, (parent, name, item.get("version")))) if name else ""
    identity = item.get("resourceUri", uri).removeprefix(PREFIX)
    try:
        path, version = split_version(module_path(identity))
    except BadInput as error:
        raise MalformedAnswer(f"The server lists what is no module: {error.summary}") from None
    return Module(
        id=identity,
        path=path,
        name=name,
        kind=_KINDS.get(item.get("category", ""), ModuleKind.COMPONENT),
        version=item.get("version") or version,
        description=item.get("description", ""),
        raw=dict(item.attrib),
    )


def _segments(path: str, what: str) -> list[str]:
    """
    The parts of a module path, none at all for the root.

    A slash at its start or end and ``module/`` before it do not matter. Servers and proxies
    decode paths, some of them twice: a part that would fall apart then, or lead to another
    resource, is refused.
    """
    if CONTROL_CHARACTERS.search(path):
        raise BadInput(f"{path!r:.120} is not {what}: it holds control characters.")
    stripped = path.strip("/")
    parts = stripped.split("/") if stripped else []
    if parts[:1] == ["module"]:
        del parts[0]
    if not all(map(_is_plain, parts)):
        raise BadInput(f"{shorten(path)!r} is not {what}.", hint=_PATH_HINT)
    return parts


def module_path(module_id: str) -> str:
    """The path of one module, checked so that neither the root nor another resource is reached."""
    parts = _segments(module_id, "the id of a module")
    if not parts:
        raise BadInput(
            f"{shorten(module_id)!r} is not the id of a module: it names all of them.",
            hint=_PATH_HINT,
        )
    return "/".join(parts)


def _is_plain(part: str) -> bool:
    decoded = part
    for _ in range(5):
        decoded = unquote(decoded)
    name = decoded.partition(";")[0].strip()
    return not (
        name in {"", ".", ".."}
        or CONTROL_CHARACTERS.search(decoded)
        or (decoded != part and {"/", "\\"} & set(decoded))
        or unquote(decoded) != decoded
    )


def split_version(identity: str) -> tuple[str, str | None]:
    """Take the version off the end of a module's id: the path, and the version or ``None``."""
    path, _, last = identity.rpartition("/")
    return (path, last) if path and last.isascii() and last.isdigit() else (identity, None)


def module(root: Element) -> Module:
    """A module's document as a value."""
    name, version = root.get("shortName"), root.get("version")
    kind = _KINDS.get(root.get("category", ""))
    if not name or kind is None:
        raise MalformedAnswer("The document of a module has no name or no category.")
    parent = root.get("parentUri", "").removeprefix(PREFIX).strip("/")
    path = f"{parent}/{name}" if parent else name
    if not all(map(_is_plain, path.split("/"))):
        raise MalformedAnswer("The document of a module has no path that leads to it.")
    names = [cloud.text or "" for cloud in root.iterfind("cloudNames/string")]
    return Module(
        id=f"{path}/{version}" if version else path,
        path=path,
        name=name,
        kind=kind,
        version=version,
        description=root.get("description", ""),
        parameters=tuple(_parameters(root)),
        nodes=tuple(map(_node, entries(root, "nodes", "node"))),
        image_ids=_image_ids(root),
        connectors=[cloud for cloud in names if cloud not in {"", ANY_CLOUD}],
        parent_id=root.get("moduleReferenceUri", "").removeprefix(PREFIX) or None,
        created=parse_timestamp(root.get("creation")),
        modified=parse_timestamp(root.get("lastModified")),
        raw=dict(root.attrib),
    )


def _node(element: Element) -> ModuleNode:
    image = element.find("image")
    parameters = {} if image is None else {p.name: p for p in _parameters(image)}
    # A node's own parameters are values for those of its component, without their types.
    for own in _parameters(element, "parameters", "parameterMappings"):
        parameter = parameters.get(own.name, own)
        parameters[own.name] = attrs.evolve(parameter, value=own.value, mapped_to=own.mapped_to)
    connector = element.get("cloudService", ANY_CLOUD)
    multiplicity = whole(element.get("multiplicity"))
    return ModuleNode(
        name=element.get("name", ""),
        module_id=element.get("imageUri", "").removeprefix(PREFIX),
        multiplicity=1 if multiplicity is None else multiplicity,
        connector=None if connector == ANY_CLOUD else connector,
        parameters=tuple(parameters.values()),
        image_ids=_image_ids(image) if image is not None else {},
    )


def _parameters(element: Element, *maps: str) -> Iterator[ModuleParameter]:
    # A module repeats its own parameters among those that it inherits.
    names: set[str] = set()
    for name in maps or ("parameters", "inputParametersExpanded"):
        for parameter in entries(element, name, "parameter"):
            own, value = parameter.get("name", ""), parameter.findtext("value")
            if own in names:
                continue
            names.add(own)
            yield ModuleParameter(
                name=own,
                category=parameter.get("category", ""),
                value=parameter.findtext("defaultValue") if value is None else value,
                type=parameter.get("type", ""),
                description=parameter.get("description", ""),
                mandatory=flag(parameter, "mandatory"),
                choices=[choice.text or "" for choice in parameter.iterfind("enumValues/string")],
                mapped_to=value if flag(parameter, "isMappedValue") else None,
            )


def _image_ids(element: Element) -> dict[str, str]:
    images = element.iterfind("cloudImageIdentifiers/cloudImageIdentifier")
    identifiers = ((i.get("cloudServiceName"), i.get("cloudImageIdentifier")) for i in images)
    return {cloud: image for cloud, image in identifiers if cloud and image}
