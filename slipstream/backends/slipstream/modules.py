"""
Modules: their paths and documents, the App Store, projects, components and applications.

Sources: SlipStreamServer, module/ModuleResource.java, persistence/Module.java, ImageModule.java,
DeploymentModule.java, and the stylesheet module-export.xsl, which takes ``name`` and
``resourceUri`` off the root.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import attrs

from slipstream.backends.cimi import MAX_LEVELS, CimiBackend, of_server, read_ahead
from slipstream.backends.slipstream.account import check_location
from slipstream.backends.slipstream.dialect import XML, read_xml, require_status, whole
from slipstream.errors import BadInput, Forbidden, MalformedAnswer, shorten
from slipstream.session import Session
from slipstream.transport.calls import stacklevel
from slipstream.transport.messages import Request, expect
from slipstream.values import Module, ModuleKind, ModuleNode, ModuleParameter
from slipstream.values.plain import CONTROL_CHARACTERS, parse_timestamp, safe_text

MOST_COMPONENTS = 16  # components that are kept
AT_ONCE = 12  # projects of one depth that are read side by side
MAX_PROJECTS = 20_000  # projects that a recursive listing reads
PREFIX = "module/"
ANY_CLOUD = "default"  # what a node or a list of clouds says for the default cloud of the user
_KINDS = {
    "Project": ModuleKind.PROJECT,
    "Image": ModuleKind.COMPONENT,
    "Deployment": ModuleKind.APPLICATION,
}
_SEPARATORS = re.compile(r"[/\\]")
_PATH_HINT = "Paths look like 'apps/WordPress/wordpress', with or without a version."


class SkippedWarning(RuntimeWarning):
    """Some projects may not be read by this user and are missing from a listing."""


def list_modules(
    backend: CimiBackend, path: str | None, recurse: bool, connector: str | None
) -> Iterable[Module]:
    """List modules; a list does not have the clouds of its modules."""
    session = backend.session
    if connector is not None:
        check_location(backend, connector)
    if path is not None:
        return _tree(session, module_path(path, or_root=True), recurse)
    items = read_xml(session, "/appstore", "list", doing="list the App Store").iterfind("item")
    by_id: dict[str, Module] = {}
    for listed in map(_listed, items):
        if by_id.setdefault(listed.id, listed) != listed:
            raise MalformedAnswer(f"The server lists two modules as {shorten(listed.id)}.")
    return by_id.values()


def get_module(backend: CimiBackend, module_id: str) -> Module:
    """
    Read a module, and keep a version of a component: it never changes but for its clouds.

    An application is not kept: what it has of its components may be that of their latest versions.
    """
    result = module(_document(backend.session, module_path(module_id)))
    if result.kind is ModuleKind.COMPONENT and result.version is not None:
        components = backend.components
        components.pop(result.id, None)
        components[result.id] = result
        for identity in list(components)[:-MOST_COMPONENTS]:
            components.pop(identity, None)
    return result


def delete_module(backend: CimiBackend, module_id: str, all_versions: bool) -> bool:
    """Delete one version, or every version by a path with a slash at its end."""
    session, path = backend.session, module_path(module_id)
    target = split_version(path)[0] + "/" if all_versions else path
    doing = f"delete {shorten(path)}"
    request = Request(
        method="DELETE", path=f"/{PREFIX}{quote(target)}", headers=XML, expects=expect(204)
    )
    response = session.send(request, doing=doing)
    hint = "Look with get_image() before you try again."
    require_status(response, 204, doing=doing, hint=hint)
    return True


def _document(session: Session, path: str) -> Element:
    roots = ("imageModule", "deploymentModule", "projectModule")
    return read_xml(session, f"/{PREFIX}{quote(path)}", *roots, doing=f"read {shorten(path)}")


def _tree(session: Session, project: str, recurse: bool) -> Iterator[Module]:
    """
    The content of a project, then that of the projects in it, and so on.

    Each project is read once. Their paths are kept.
    """
    level, paths = [project], {split_version(project)[0]}
    refusals: dict[str, Forbidden] = {}
    for _ in range(1 + MAX_LEVELS if recurse else 1):
        below: list[str] = []
        read = partial(_children, session, refusals)
        with closing(read_ahead(read, level, at_once=AT_ONCE)) as contents:
            for child in chain.from_iterable(contents):
                if child.kind is not ModuleKind.PROJECT:
                    yield child
                elif child.path not in paths:
                    paths.add(child.path)
                    below.append(child.path)
        if project in refusals:
            raise refusals[project]
        level = below
        if not level or len(paths) > MAX_PROJECTS:
            break
    if recurse and level:
        raise MalformedAnswer(
            f"Cannot list {project or 'the root projects'}: {len(paths)} projects were read and"
            f" there are more, such as {shorten(level[0])}.",
            hint="List a project further down.",
        )
    if refusals:
        warnings.warn(
            safe_text(
                f"{len(refusals)} of the projects below {project or 'the root'!r} may not be read"
                f" and were skipped: {', '.join(sorted(refusals))}."
            ),
            SkippedWarning,
            stacklevel=stacklevel(),
        )


def _children(session: Session, refusals: dict[str, Forbidden], path: str) -> list[Module]:
    """What a project holds; a refusal to show it is noted."""
    if not path:
        root = read_xml(session, "/module", "list", doing="list the root projects")
        return [_listed(item) for item in root.iterfind("item")]
    try:
        root = _document(session, path)
    except Forbidden as error:
        refusals[path] = error
        return []
    # Items stand under the module's latest runs too; only the children are its content.
    items = root.iterfind("children/item")
    return [_listed(item, split_version(path)[0]) for item in items]


def _listed(item: Element, parent: str = "") -> Module:
    name = item.get("name", "")
    uri = "/".join(filter(None, (parent, name, item.get("version")))) if name else ""
    identity = item.get("resourceUri", uri).removeprefix(PREFIX)
    with of_server("list modules"):
        path, version = split_version(module_path(identity))
    return Module(
        id=identity,
        path=path,
        name=name,
        kind=_KINDS.get(item.get("category", ""), ModuleKind.COMPONENT),
        version=item.get("version") or version,
        description=item.get("description", ""),
        raw=dict(item.attrib),
    )


def module_path(text: str, *, or_root: bool = False) -> str:
    """
    The path of a module, without ``module/`` before it and slashes around; empty for the root.

    Servers and proxies decode paths, some of them twice: one that would fall apart then, or lead
    to another resource, is refused.
    """
    path = f"{text.strip('/')}/".removeprefix(PREFIX).removesuffix("/")
    decoded = path
    for _ in range(5):
        decoded = unquote(decoded)
    names = [name.partition(";")[0].strip() for name in decoded.split("/")]
    if (
        (path and {"", ".", ".."} & set(names))
        or not (path or or_root)
        or CONTROL_CHARACTERS.search(decoded)
        or _SEPARATORS.findall(decoded) != _SEPARATORS.findall(path)
        or unquote(decoded) != decoded
    ):
        what = "the path of a project" if or_root else "the id of a module"
        raise BadInput(f"{shorten(text)!r} is not {what}.", hint=_PATH_HINT)
    return path


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
    with of_server("read a module"):
        module_path(path)
    names = [cloud.text or "" for cloud in root.iterfind("cloudNames/string")]
    return Module(
        id=f"{path}/{version}" if version else path,
        path=path,
        name=name,
        kind=kind,
        version=version,
        description=root.get("description", ""),
        parameters=tuple(_parameters(root)),
        nodes=tuple(map(_node, root.iterfind("nodes/entry/node"))),
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
        for parameter in element.iterfind(f"{name}/entry/parameter"):
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
                mandatory=parameter.get("mandatory") == "true",
                choices=[choice.text or "" for choice in parameter.iterfind("enumValues/string")],
                mapped_to=value if parameter.get("isMappedValue") == "true" else None,
            )


def _image_ids(element: Element) -> dict[str, str]:
    images = element.iterfind("cloudImageIdentifiers/cloudImageIdentifier")
    identifiers = ((i.get("cloudServiceName"), i.get("cloudImageIdentifier")) for i in images)
    return {cloud: image for cloud, image in identifiers if cloud and image}
