"""
Modules: what can be deployed, in versions.

Source: nuvla/api-server, server/resources/module.clj, module/utils.clj and spec/module*.cljc.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slipstream.sandbox.cimi import Reply, action, created, message, not_found
from slipstream.sandbox.nuvla.access import ADMIN, INTERNAL, acl
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.resource import COMMON, Resource, schema, server_error, unfit
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.schema import (
    Description,
    anything,
    boolean,
    described,
    list_of,
    map_of,
    matching,
    string,
    text,
    violation,
)
from slipstream.sandbox.store import Document

_VARIABLE = matching(
    r"(?!NUVLA_)[A-Za-z0-9_]+",
    "(fn [%] (re-matches container/env-var-regex %))",
)
_NAMED = described({"name": text}, description=string, value=string)
_CONTENT: Description = COMMON | described(
    author=text,
    commit=text,
    architectures=list_of(text),
    urls=list_of(list_of(text)),
    files=list_of(map_of(described({"file-name": text, "file-content": string}))),
    environmental_variables=list_of(
        map_of(described({"name": _VARIABLE}, description=text, value=text, required=boolean))
    ),
    output_parameters=list_of(map_of(_NAMED)),
    private_registries=list_of(text),
    registries_credentials=list_of(string),
    minimum_requirements=map_of(),
    requires_user_rights=boolean,
    unsupported_vars=anything,
)
_COMPOSE = _CONTENT | described({"author": text, "docker-compose": text})
_CONTENTS: Mapping[str, tuple[str, Description]] = {
    "component": (
        "module-component",
        _CONTENT
        | described(
            {"author": text, "architectures": list_of(text, least=1), "image": map_of()},
            ports=anything,
            mounts=anything,
            cpus=anything,
            memory=anything,
            restart_policy=anything,
        ),
    ),
    "application": ("module-application", _COMPOSE),
    "application_kubernetes": ("module-application", _COMPOSE),
    "application_helm": (
        "module-application-helm",
        _CONTENT
        | described(
            {"author": text},
            helm_repo_url=text,
            helm_repo_cred=text,
            helm_chart_name=text,
            helm_chart_version=text,
            helm_chart_values=string,
            helm_absolute_url=text,
            docker_compose=text,
        ),
    ),
    "applications_sets": (
        "module-applications-sets",
        _CONTENT | described({"author": text, "applications-sets": list_of(map_of())}),
    ),
}
"""The type of the content's document, and what it holds, by subtype."""
_FIXED = frozenset({"subtype", "published", "versions", "parent-path"})


def split_version(identifier: str) -> tuple[str, int | None]:
    """
    Take the version off an id.

    :param identifier: The id, perhaps with ``_N``.
    :returns: The bare id, and N or None.
    :raises JsonProblem: 500 if what follows is no number.
    """
    bare, _, number = identifier.partition("_")
    if number and not number.isdigit():
        raise server_error(
            "class clojure.lang.Symbol cannot be cast to class java.lang.Number "
            "(clojure.lang.Symbol is in unnamed module of loader 'app'; "
            "java.lang.Number is in module java.base of loader 'bootstrap')"
        )
    return bare, int(number) if number else None


def newest(versions: Sequence[Any]) -> int:
    """The place of the newest version that is left; -1 for none."""
    return max((place for place, version in enumerate(versions) if version), default=-1)


def content_of(world: State, module: Document, identifier: str) -> Document | None:
    """
    Read one version.

    :param world: The world.
    :param module: The module.
    :param identifier: The id in the request; without a version it means the newest.
    :returns: The content; None for a project.
    :raises JsonProblem: 404 if there is no such version, 500 if there is none at all.
    """
    number = split_version(identifier)[1]
    versions = module.get("versions", [])
    if module["subtype"] == "project":
        return None
    if number is not None and number >= len(versions):
        raise not_found(identifier)
    if number is None and newest(versions) < 0:
        raise server_error("")
    version = versions[newest(versions) if number is None else number]
    if version is None:
        raise not_found(f"Module version not found: {module['id']}")
    stored = world.store.get(version["href"])
    if stored is None:
        raise not_found(version["href"])
    return {name: stored[name] for name in stored if name not in {"acl", "resource-type"}}


def with_version(world: State, module: Document, content: Document) -> Document:
    """
    Add a version to a module.

    :param world: The world.
    :param module: The module.
    :param content: What the version holds.
    :returns: The attribute of the module that is new.
    :raises JsonProblem: 400 if the content does not fit.
    """
    kind, description = _CONTENTS[module["subtype"]]
    identifier = f"{kind}/{world.ids.uuid()}"
    wrong = violation(description, content)
    if wrong is not None:
        raise unfit(wrong, identifier)
    kept = {name: value for name, value in content.items() if name not in Module.kept_by_server}
    world.document(
        kind, ADMIN, attributes=kept, id=identifier, created_by=INTERNAL, acl=acl(ADMIN)
    )
    version = {"href": identifier, "author": content["author"]}
    if "commit" in content:
        version["commit"] = content["commit"]
    return {"versions": [*module.get("versions", []), version]}


class Module(Resource):
    """Modules."""

    name = "module"
    hidden = ("versions", "content")
    description = schema(
        described(
            {
                "path": matching(
                    r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*",
                    "com.sixsq.nuvla.server.resources.spec.module/path?",
                ),
                "parent-path": string,
                "subtype": text,
            }
        ),
        compatibility=text,
        logo_url=text,
        published=boolean,
        versions=anything,
        price=map_of(),
        license=map_of(),
        data_accept_content_types=list_of(text),
        data_access_protocols=list_of(text),
        data_default_content_type=text,
        valid=boolean,
        validation_message=text,
        content=anything,
    )

    # Reading.

    def find(self, identifier: str) -> Document | None:
        """Find a module by its id, with a version or without."""
        return self.world.store.get(split_version(identifier)[0])

    def existing(self, identifier: str) -> Document:
        """Find a module, or refuse."""
        document = self.find(identifier)
        if document is None:
            raise not_found(split_version(identifier)[0])
        return document

    def complete(self, document: Document) -> Document:
        """Add the content of the version in the address."""
        content = content_of(self.world, document, self._identifier)
        return document if content is None else document | {"content": content}

    def parameters(self, name: str) -> Sequence[str]:
        """The values of a parameter; a single module heeds no ``select``."""
        is_single = "/" in self.request.path
        return () if is_single and name == "select" else super().parameters(name)

    @property
    def _identifier(self) -> str:
        return "/".join(self.request.path.split("/")[:2])

    def href(self, document: Document) -> str:
        """The address of the operations, with the version that was asked for."""
        number = split_version(self._identifier)[1] if "/" in self.request.path else None
        return str(document["id"]) + ("" if number is None else f"_{number}")

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a module."""
        if document["subtype"] == "project":
            return ("delete-version",)
        is_compose = document["subtype"] == "application"
        validating = ("validate-docker-compose",) if is_compose else ()
        return (*validating, "publish", "unpublish", "delete-version")

    # Writing.

    def create(self, body: Document) -> Reply:
        """Add a module with its first version."""
        subtype, path, content = body.get("subtype"), body.get("path"), body.get("content")
        path = path if isinstance(path, str) else ""
        if subtype == "project":
            if content is not None:
                raise JsonProblem(400, "Project should not have content attribute!")
        elif "/" not in path:
            raise JsonProblem(400, "Application subtype must have a parent project!")
        self._check_path(path)
        if subtype != "project":
            self._check_content(str(subtype or ""), body, content)
        sent = {key: value for key, value in body.items() if key not in self.kept_by_server}
        sent = {key: value for key, value in sent.items() if key not in {*_FIXED, "content"}}
        if subtype is not None:
            sent["subtype"] = subtype
        if "path" in body:
            sent["parent-path"] = path.rpartition("/")[0]
        if content is not None:
            # The content is checked before the module is kept, the module before its content is.
            self.check_schema(sent | {"id": "module/new"})
            sent |= with_version(self.world, sent, content)
        return created(self.store(sent)["id"])

    def _by_path(self, path: str) -> Document | None:
        modules = self.world.store.collection("module")
        return next((module for module in modules if module["path"] == path), None)

    def _check_path(self, path: str) -> None:
        if path and self._by_path(path):
            raise JsonProblem(409, f"path '{path}' already exist")
        above = path.rpartition("/")[0]
        if not above:
            return
        parent = self._by_path(above)
        if parent is None or not self.may("view-meta", parent):
            raise JsonProblem(400, f"No parent project found for path: {above}")
        if not self.may("edit-meta", parent):
            denied = f"You do not have edit rights for: {parent['id']} at path: {above}"
            raise JsonProblem(403, denied)
        if parent["subtype"] != "project":
            raise JsonProblem(403, "Parent must be a project!")

    def _check_content(self, subtype: str, body: Document, content: Any) -> None:
        if subtype not in _CONTENTS:
            raise JsonProblem(400, f"unknown module subtype: {subtype}")
        if subtype == "application" and "compatibility" not in body:
            raise JsonProblem(400, "Application subtype should have compatibility attribute set!")
        if not isinstance(content, dict):
            return
        chart = {"helm-repo-url", "helm-chart-name", "helm-chart-version"} & set(content)
        if subtype == "application_helm" and "helm-absolute-url" in content and chart:
            raise JsonProblem(
                400,
                "Mandatory fields mismatch: :helm-absolute-url can't be provided with any of "
                ":helm-repo-url, :helm-chart-name, :helm-chart-version",
            )
        registries = content.get("private-registries") or ()
        if any(registry not in self.world.store for registry in registries):
            raise JsonProblem(403, "Private registries can't be resolved!")

    def edit(self, identifier: str) -> Reply:
        """Edit a module by its bare id."""
        if split_version(identifier)[1] is not None:
            raise not_found(identifier)
        return super().edit(identifier)

    def changed(self, document: Document, changes: Document) -> Document:
        """Append a version for a content that was sent; move what has a new path."""
        changes = {name: value for name, value in changes.items() if name not in _FIXED}
        content = changes.pop("content", None)
        if "path" in changes:
            changes["parent-path"] = str(changes["path"]).rpartition("/")[0]
        if content is None:
            return changes
        if document["subtype"] == "project":
            raise JsonProblem(400, "Project should not have content attribute!")
        return changes | with_version(self.world, document, content)

    def remove(self, document: Document) -> None:
        """Remove the contents too."""
        if document["subtype"] == "project":
            inside = document["path"] + "/"
            modules = self.world.store.collection("module")
            if any(module["path"].startswith(inside) for module in modules):
                raise JsonProblem(403, "Cannot delete project with children")
        for version in filter(None, document.get("versions", [])):
            self.world.store.remove(version["href"])
        if split_version(self._identifier)[1] is not None:
            # The contents are gone by now: the server looks for the suffixed id only afterwards.
            raise not_found(self._identifier)

    # Actions.

    def _set_versions(self, module: Document, versions: list[Any]) -> None:
        published = any(version and version.get("published") for version in versions)
        now, user = self.world.now(), self.identity.user
        self.world.change(module["id"], now, by=user, versions=versions, published=published)

    def _publish(self, module: Document, *, published: bool) -> None:
        self.require("manage", module)
        if module["subtype"] == "project":
            raise JsonProblem(400, "project cannot be published")
        versions = [dict(version) if version else None for version in module.get("versions", [])]
        number = split_version(self._identifier)[1]
        number = newest(versions) if number is None else number
        if number >= len(versions):
            raise server_error("")
        version = versions[number] if number >= 0 else None
        if version is not None:
            version.pop("published", None)
            version |= {"published": True} if published else {}
        self._set_versions(module, versions)

    @action
    def publish(self, module: Document) -> Reply:
        """Publish a version."""
        self._publish(module, published=True)
        return message(200, "published successfully")

    @action
    def unpublish(self, module: Document) -> Reply:
        """Withdraw a version."""
        self._publish(module, published=False)
        return message(200, "unpublished successfully")

    @action
    def delete_version(self, module: Document) -> Reply:
        """Delete a version; its number is not given to another one."""
        self.require("manage", module)
        versions = list(module.get("versions", []))
        number = split_version(self._identifier)[1]
        number = newest(versions) if number is None else number
        if number >= len(versions):
            raise not_found(self._identifier)
        version = versions[number] if number >= 0 else None
        if version is None:
            raise not_found(f"{_CONTENTS[module['subtype']][0]}/")
        versions[number] = None
        self.world.store.remove(version["href"])
        self._set_versions(module, versions)
        return message(200, f"{version['href']} deleted", version["href"])

    @action
    def validate_docker_compose(self, module: Document) -> Reply:
        """Queue a job that reads the Compose file."""
        self.require("manage", module)
        if module["subtype"] not in {"application", "application_kubernetes"}:
            raise self.refused(module)
        begun = f"validating application docker-compose {module['id']}"
        return queued(self, "validate-docker-compose", module, begun)
