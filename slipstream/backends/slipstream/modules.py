"""
Modules: the App Store, projects, components and applications.

Source: SlipStreamServer, module/ModuleResource.java and module-export.xsl.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import closing
from xml.etree.ElementTree import Element

from slipstream.backends import limits
from slipstream.backends.outcomes import require_status
from slipstream.backends.prefetch import read_ahead
from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.module_document import KINDS, PREFIX, module, split_version
from slipstream.backends.slipstream.paths import module_path, quoted, segments
from slipstream.backends.slipstream.profile import XML
from slipstream.errors import BadInput, Forbidden, MalformedAnswer, shorten
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport.messages import Request
from slipstream.transport.stack_level import stacklevel
from slipstream.values import Module, ModuleKind
from slipstream.values.text import safe_text

AT_ONCE = 8
"""Projects of one depth that are read side by side."""


class SkippedWarning(RuntimeWarning):
    """Some projects may not be read by this user and are missing from a listing."""


def list_modules(session: Session, path: str | None, recurse: bool) -> Iterator[Module]:
    """The App Store, the root projects, or what a project holds."""
    if path is None:
        response = session.send(_read("/appstore"), doing="list the App Store")
        modules: dict[str, Module] = {}
        for item in xml.parse(response, "list").iterfind("item"):
            listed = _listed(item)
            if modules.setdefault(listed.id, listed) != listed:
                raise MalformedAnswer(f"The server lists two modules as {shorten(listed.id)}.")
        return iter(modules.values())
    return _tree(session, "/".join(segments(path, "the path of a project")), recurse)


def delete_module(session: Session, module_id: str, all_versions: bool) -> bool:
    """One version, or all: a path with a slash at its end means every version."""
    path = module_path(module_id)
    target = split_version(path)[0] + "/" if all_versions else path
    doing = f"delete {shorten(path)}"
    response = session.send(
        Request(
            method="DELETE", path=f"/{PREFIX}{quoted(target)}", headers=XML, expects=expect(204)
        ),
        doing=doing,
    )
    hint = "Look with get_image() before you try again."
    require_status(session, response, {204}, doing=doing, hint=hint)
    return True


def read(session: Session, module_id: str) -> Module:
    """
    Read one module.

    :param session: The logged-in session.
    :param module_id: Its id, or its path for the latest version.
    """
    return module(_document(session, module_path(module_id)))


def _document(session: Session, path: str) -> Element:
    response = session.send(_read(f"/{PREFIX}{quoted(path)}"), doing=f"read {shorten(path)}")
    return xml.parse(response, "imageModule", "deploymentModule", "projectModule")


def _tree(session: Session, path: str, recurse: bool) -> Iterator[Module]:
    """
    What a project holds, then what the projects in it hold, and so on.

    Each project is read once, whatever others say that they hold. Of them the paths are kept.
    """
    paths = {split_version(path)[0]}
    below: list[str] = []
    yield from _new(_children(session, path), paths, below)
    skipped: list[str] = []
    read = functools.partial(_readable, session)
    for _ in range(limits.MAX_LEVELS):
        if not (recurse and below) or len(paths) > limits.MAX_PROJECTS:
            break
        level, below = below, []
        with closing(read_ahead(read, level, at_once=AT_ONCE)) as pages:
            for project, children in zip(level, pages, strict=True):
                if children is None:
                    skipped.append(project)
                else:
                    yield from _new(children, paths, below)
    if recurse and below:
        raise MalformedAnswer(
            f"Cannot list {path or 'the root projects'}: {len(paths)} projects were met and there"
            f" are more, such as {shorten(below[0])}.",
            endpoint=session.endpoint.url,
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
        response = session.send(_read("/module"), doing="list the root projects")
        return [_listed(item) for item in xml.parse(response, "list").iterfind("item")]
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
        kind=KINDS.get(item.get("category", ""), ModuleKind.COMPONENT),
        version=item.get("version") or version,
        description=item.get("description", ""),
        raw=dict(item.attrib),
    )


def _read(path: str) -> Request:
    return Request(method="GET", path=path, headers=XML, repeatable=True)
