"""
Modules: the app store, projects and applications.

Source: nuvla/api-server, server/resources/module.clj, module/utils.clj, spec/module*.cljc.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slipstream.backends import documents
from slipstream.backends.cimi import UUID, CimiBackend, either, first, search
from slipstream.backends.nuvla.locations import read_service
from slipstream.backends.nuvla.resources import change, get, resource
from slipstream.errors import BadInput, NotFound, shorten
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.values import Module, ModuleKind, ModuleParameter

CONTENT = {
    "environment": ("environmental-variables", "name", "value"),
    "file": ("files", "file-name", "file-content"),
    "output": ("output-parameters", "name", "value"),
}
"""Where the content of a module has each category of parameters: the list, the name, the value."""

_SELECT = (
    "id,name,description,path,parent-path,subtype,compatibility,published,logo-url,versions,tags,"
    "created,updated,price"
)
_KINDS = {
    "project": ModuleKind.PROJECT,
    "component": ModuleKind.COMPONENT,
    "application": ModuleKind.APPLICATION,
    "application_kubernetes": ModuleKind.APPLICATION,
    "application_helm": ModuleKind.APPLICATION,
    "applications_sets": ModuleKind.APPLICATION,
}
SERVICES = {
    "application": "swarm",
    "application_kubernetes": "kubernetes",
    "application_helm": "kubernetes",
}
"""The kind of service that each kind of application runs on."""

_ID = re.compile(rf"(?:module/)?({UUID})(?:_([0-9]+))?")
_NO_PROJECT = attr("subtype").ne("project")
_APP_STORE = attr("published").eq(True) & _NO_PROJECT & attr("parent-path").ne("apps-sets")
_PATH = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)*", re.ASCII)


def list_modules(
    backend: CimiBackend, path: str | None, recurse: bool, connector: str | None
) -> Iterator[Module]:
    """List modules that have a version; a tree is one search."""
    session = backend.session
    where: Filter
    tree: Filter
    if path is None:
        where, doing = _APP_STORE, "list the app store"
    else:
        project = path.strip("/")
        if project and not _PATH.fullmatch(project):
            raise BadInput(
                f"{shorten(path)!r} is not the path of a project.",
                hint="Paths look like 'apps/blog'.",
            )
        doing, tree = f"list {project or 'the root project'}", attr("parent-path").eq(project)
        if recurse:
            tree |= attr("parent-path").startswith(f"{project}/")
        where = tree & _NO_PROJECT if project or not recurse else _NO_PROJECT
    if connector is not None:
        service = read_service(session, connector, "id,subtype")
        kind = documents.text(service, "subtype")
        subtypes = [subtype for subtype, service in SERVICES.items() if service == kind]
        where &= either("subtype", *subtypes)
    entries = search(session, "module", doing=doing, select=_SELECT, where=where)
    # Who may not see all of a module sees neither its path nor its versions.
    return (module(e) for e in entries if "path" not in e or any(e.get("versions") or ()))


def delete_module(backend: CimiBackend, module_id: str, all_versions: bool) -> bool:
    """
    Delete every version, or the one that the id names.

    Without a version in the id that is the newest one. DELETE is never sent to an id with a
    version: the server would take away the content of every version and keep the rest.
    """
    session, doing = backend.session, f"delete {shorten(module_id)}"
    name, version = _parts(module_id) or _by_path(session, module_id)
    if all_versions:
        response = change(session, "DELETE", name, doing=doing, allow={404})
        if response.status == 404 and not response.is_repeat:
            raise session.refusal(response, doing=doing)
        return True
    if version is None:
        version = int(get_module(backend, name).version or 0)
    change(session, "POST", f"{name}_{version}/delete-version", doing=doing)
    return True


def get_module(backend: CimiBackend, module_id: str) -> Module:
    """
    Read a module with its content; one more request when it is named by its path.

    Either may end with a version: ``module/<uuid>_2``, ``apps/blog/wordpress/2``.
    """
    session = backend.session
    identity, version = _parts(module_id) or _by_path(session, module_id)
    target = identity if version is None else f"{identity}_{version}"
    doing = f"read {shorten(module_id)}"
    response = session.send(get(target), doing=doing, allow={500})
    if response.status == 500:
        # The server fails on an application that has no version, or none left.
        where, select = either("id", identity), "id,created,path,versions"
        entry = first(session, "module", doing=doing, select=select, where=where)
        if entry is None or any(entry.get("versions") or []):
            raise session.refusal(response, doing=doing)
        raise NotFound(
            f"Cannot {doing}: {entry.get('path') or identity} has no version, so there is nothing"
            " to deploy.",
            hint="delete_image(image, ex_all_versions=True) deletes it.",
        )
    return module(resource(response, doing, identity), version)


def listed_module(listed: Iterable[Mapping[str, Any]], identity: str) -> Module | None:
    """The module among documents that were read before."""
    name, version = _parts(identity) or ("", None)
    for document in listed:
        read_before = document.get("id") in {name, identity} and document.get("version") == version
        if read_before and version is not None and isinstance(document.get("content"), dict):
            return module(dict(document), version)
    return None


def module(document: dict[str, Any], version: int | None = None) -> Module:
    """A module's document, or a hit of a search, as a value."""
    path = documents.text(document, "path") or document["id"]
    subtype = documents.text(document, "subtype") or ""
    content = documents.mapping(document, "content")
    index = _index(document, content) if version is None else version
    identity = document["id"].partition("_")[0]
    return Module(
        id=identity if index is None else f"{identity}_{index}",
        path=path,
        name=documents.text(document, "name") or path.rpartition("/")[2],
        kind=_KINDS.get(subtype, ModuleKind.APPLICATION),
        version=None if index is None else str(index),
        description=documents.text(document, "description") or "",
        parameters=tuple(_parameters(content)),
        created=documents.timestamp(document, "created"),
        modified=documents.timestamp(document, "updated"),
        raw=document,
    )


def _parts(text: str) -> tuple[str, int | None] | None:
    """The id of a module and its version, ``None`` if the text is no id of one."""
    match = _ID.fullmatch(text)
    return match and (f"module/{match[1]}", int(match[2]) if match[2] else None)


def _by_path(session: Session, name: str) -> tuple[str, int | None]:
    path = name.strip("/")
    if not _PATH.fullmatch(path):
        raise BadInput(
            f"{shorten(name)!r} is neither the id nor the path of a module.",
            hint="Write 'apps/blog/wordpress', or 'module/<uuid>'.",
        )
    folder, _, last = path.rpartition("/")
    doing = f"look for {shorten(path)}"
    for candidate, version in ((path, None), (folder, last)):
        if not candidate or (version is not None and not version.isdigit()):
            continue
        where = either("path", candidate)
        hit = first(session, "module", doing=doing, select="id,created", where=where)
        if hit is not None:
            return hit["id"], None if version is None else int(version)
    raise NotFound(
        f"Cannot read {shorten(path)}: there is no module of that path on {session.endpoint}, or"
        " it may not be seen."
    )


def _index(document: Mapping[str, Any], content: Mapping[str, Any]) -> int | None:
    """The number of the version in a document: that of its content, or the newest."""
    versions = document.get("versions")
    if not isinstance(versions, list):
        return None
    hrefs = {n: v.get("href") for n, v in enumerate(versions) if isinstance(v, dict)}
    exact = [n for n, href in hrefs.items() if href == content.get("id")]
    return max(exact or hrefs, default=None)


def _parameters(content: Mapping[str, Any]) -> Iterator[ModuleParameter]:
    for category, (key, name, value) in CONTENT.items():
        for entry in documents.mappings(content, key):
            yield ModuleParameter(
                name=documents.text(entry, name) or "",
                category=category,
                value=documents.text(entry, value),
                description=documents.text(entry, "description") or "",
                mandatory=entry.get("required") is True,
            )
