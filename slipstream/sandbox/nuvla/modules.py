"""
Modules: what can be deployed, in versions.

Source: nuvla/api-server, server/resources/module.clj and module/utils.clj.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.nuvla.access import acl, normalised
from slipstream.sandbox.nuvla.call import (
    SCHEMA,
    Answer,
    Call,
    created,
    forbidden,
    not_found,
    required,
    told,
)
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

_PATH = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*", re.ASCII)
_VARIABLE = re.compile(r"(?!NUVLA_)[A-Za-z0-9_]+", re.ASCII)
_KINDS_OF_CONTENT = {
    "component": "module-component",
    "application": "module-application",
    "application_kubernetes": "module-application",
    "application_helm": "module-application-helm",
    "applications_sets": "module-applications-sets",
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "component": ("author", "architectures", "image"),
    "application": ("author", "docker-compose"),
    "application_kubernetes": ("author", "docker-compose"),
    "application_helm": ("author",),
    "applications_sets": ("author", "applications-sets"),
}
_CONTENT = frozenset(
    {
        *("author", "commit", "architectures", "image", "docker-compose", "urls", "files"),
        *("environmental-variables", "output-parameters", "private-registries"),
        *("registries-credentials", "minimum-requirements", "requires-user-rights"),
        *("helm-repo-url", "helm-repo-cred", "helm-chart-name", "helm-absolute-url"),
        *("helm-chart-version", "helm-chart-values", "applications-sets", "ports", "mounts"),
        *("cpus", "memory", "restart-policy", "unsupported-vars"),
    }
)
_KEPT_BY_SERVER = frozenset(
    {"id", "resource-type", "created", "updated", "created-by", "updated-by", "operations"}
)


def split_version(identifier: str) -> tuple[str, int | None]:
    """
    Take the version off an id.

    :param identifier: The id, perhaps with ``_N``.
    :returns: The bare id, and N or None.
    """
    bare, _, number = identifier.partition("_")
    return bare, int(number) if number.isdigit() else None


def _find(world: World, identifier: str) -> Document | None:
    return world.store.get(split_version(identifier)[0])


def content_of(world: World, module: Document, identifier: str) -> Document | None:
    """
    Read one version.

    :param world: The world.
    :param module: The module.
    :param identifier: The id as it was asked for; without a version it means the newest.
    :returns: The content; None for a project.
    :raises JsonProblem: 404 if there is no such version, or none at all.
    """
    number = split_version(identifier)[1]
    versions = module.get("versions", [])
    if module["subtype"] == "project":
        return None
    if number is None:
        chosen = next((one for one in reversed(versions) if one), None)
    else:
        chosen = versions[number] if number < len(versions) else None
    if chosen is None or chosen["href"] not in world.store:
        raise not_found(identifier)
    stored = world.store[chosen["href"]]
    return {name: stored[name] for name in stored if name not in {"acl", "resource-type"}}


def _read(call: Call, module: Document) -> Document:
    content = content_of(call.world, module, call.identifier)
    return module if content is None else module | {"content": content}


def _check(body: Document, subtype: str) -> None:
    content = body.get("content")
    if subtype == "project":
        if content is not None:
            raise JsonProblem(400, "Project should not have content attribute!")
        return
    if subtype not in _NEEDED:
        raise JsonProblem(400, f"resource {SCHEMA}unknown subtype {subtype}\n")
    if subtype == "application" and "compatibility" not in body:
        raise JsonProblem(400, "Application subtype should have compatibility attribute set!")
    if not isinstance(content, dict):
        raise JsonProblem(400, f"resource {SCHEMA}content is missing\n")
    _check_content(content, subtype)


def _check_content(content: Document, subtype: str) -> None:
    missing = [name for name in _NEEDED[subtype] if not content.get(name)]
    extra = sorted(set(content) - _CONTENT - _KEPT_BY_SERVER)
    if missing or extra:
        raise JsonProblem(400, f"resource {SCHEMA}missing {missing}, extra keys {extra}\n")
    for variable in content.get("environmental-variables", ()):
        name, value = variable.get("name", ""), variable.get("value")
        if not _VARIABLE.fullmatch(str(name)) or (value is not None and not str(value).strip()):
            raise JsonProblem(400, f"resource {SCHEMA}environmental variable {name!r}\n")


def _parent_path(path: str) -> str:
    return path.rpartition("/")[0]


def _by_path(world: World, path: str) -> Document | None:
    every = world.store.collection("module")
    return next((one for one in every if one["path"] == path), None)


def _check_place(call: Call, path: object, subtype: str) -> None:
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise JsonProblem(400, f"resource {SCHEMA}path {path!r}\n")
    if _by_path(call.world, path):
        raise JsonProblem(409, f"path '{path}' already exist")
    above = _parent_path(path)
    if not above:
        if subtype != "project":
            raise JsonProblem(400, "Application subtype must have a parent project!")
        return
    parent = _by_path(call.world, above)
    if parent is None:
        raise JsonProblem(400, f"No parent project found for path: {above}")
    if not call.identity.may("edit-meta", parent["acl"]):
        refused = f"You do not have edit rights for: {parent['id']} at path: {above}"
        raise JsonProblem(403, refused)
    if parent["subtype"] != "project":
        raise JsonProblem(403, "Parent must be a project!")


def _add(call: Call) -> Answer:
    body = dict(call.document)
    subtype = str(body.get("subtype"))
    _check(body, subtype)
    _check_place(call, body.get("path"), subtype)
    content = body.pop("content", None)
    owner = call.identity.owner
    fixed = {*_KEPT_BY_SERVER, "published", "versions", "parent-path"}
    module = call.world.document(
        "module",
        owner,
        attributes={name: value for name, value in body.items() if name not in fixed},
        parent_path=_parent_path(body["path"]),
        acl=normalised(body["acl"]) if "acl" in body else acl(owner),
        published=False,
    )
    if content is not None:
        append_version(call.world, module, content, owner=owner)
    return created(module["id"])


def append_version(world: World, module: Document, content: Document, *, owner: str) -> None:
    """
    Add a version to a module.

    :param world: The world.
    :param module: The module, which is changed in place.
    :param content: What the version holds.
    :param owner: Who makes it.
    """
    kept = {name: value for name, value in content.items() if name not in _KEPT_BY_SERVER}
    stored = world.document(_KINDS_OF_CONTENT[module["subtype"]], owner, attributes=kept)
    version = {"href": stored["id"], "author": content["author"]}
    if "commit" in content:
        version["commit"] = content["commit"]
    module["versions"] = [*module.get("versions", []), version]


def _edit(call: Call, module: Document, changes: Document) -> Document:
    fixed = {"subtype", "published", "versions", "parent-path"}
    kept = {name: value for name, value in changes.items() if name not in fixed}
    content = kept.pop("content", None)
    if content is None:
        return kept
    if module["subtype"] == "project":
        raise JsonProblem(400, "Project should not have content attribute!")
    _check_content(content, module["subtype"])
    fresh = dict(module)
    append_version(call.world, fresh, content, owner=call.identity.owner)
    return kept | {"versions": fresh["versions"]}


def _delete(call: Call, module: Document) -> None:
    world = call.world
    number = split_version(call.identifier)[1]
    if module["subtype"] == "project":
        inside = module["path"] + "/"
        if any(one["path"].startswith(inside) for one in world.store.collection("module")):
            raise JsonProblem(403, "Cannot delete project with children")
    for version in filter(None, module.get("versions", [])):
        world.store.remove(version["href"])
    if number is not None:
        # The contents are gone by now: the server looks for the suffixed id only afterwards.
        raise not_found(call.identifier)


def _chosen(call: Call, module: Document) -> int:
    versions = module.get("versions", [])
    number = split_version(call.identifier)[1]
    if number is None:
        number = max((place for place, one in enumerate(versions) if one), default=-1)
    if not 0 <= number < len(versions) or versions[number] is None:
        raise not_found(call.identifier)
    return number


def _set_versions(call: Call, module: Document, versions: list[Any]) -> None:
    published = any(one and one.get("published") for one in versions)
    now = call.world.now()
    call.world.change(module["id"], now, versions=versions, published=published)


def _publishing(call: Call, module: Document, *, published: bool) -> Answer:
    required(call, "manage", module)
    if module["subtype"] == "project":
        raise JsonProblem(400, "project cannot be published")
    versions = [dict(one) if one else None for one in module.get("versions", [])]
    chosen = versions[_chosen(call, module)] or {}
    chosen.pop("published", None)
    if published:
        chosen["published"] = True
    _set_versions(call, module, versions)
    return told(200, "published successfully" if published else "unpublished successfully")


def _delete_version(call: Call, module: Document) -> Answer:
    required(call, "manage", module)
    number = _chosen(call, module)
    versions = list(module["versions"])
    href = versions[number]["href"]
    versions[number] = None
    call.world.store.remove(href)
    _set_versions(call, module, versions)
    return told(200, f"{href} deleted", href)


def _validate(call: Call, module: Document) -> Answer:
    required(call, "manage", module)
    if module["subtype"] not in {"application", "application_kubernetes"}:
        raise forbidden(module["id"])
    return queued(call, "validate-docker-compose", module)


def _rels(_: Call, module: Document) -> tuple[str, ...]:
    if module["subtype"] == "project":
        return ()
    validating = ("validate-docker-compose",) if module["subtype"] == "application" else ()
    return (*validating, "publish", "unpublish", "delete-version")


MODULE = Kind(
    name="module",
    attributes=schema(
        *("path", "parent-path", "compatibility", "logo-url", "published", "versions", "price"),
        *("license", "data-accept-content-types", "data-access-protocols", "content", "valid"),
        *("validation-message", "author", "commit", "data-default-content-type"),
    ),
    hidden=("versions",),
    selects=False,
    add=_add,
    find=_find,
    read=_read,
    edit=_edit,
    delete=_delete,
    rels=_rels,
    actions={
        "publish": lambda call, module: _publishing(call, module, published=True),
        "unpublish": lambda call, module: _publishing(call, module, published=False),
        "delete-version": _delete_version,
        "validate-docker-compose": _validate,
    },
)
