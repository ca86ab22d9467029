"""
Modules in versions. The sandbox implements reading and deleting them.

Source: nuvla/api-server, server/resources/module.clj and module/utils.clj.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, request

from slipstream.sandbox.cimi import JsonProblem, message, not_found, server_error
from slipstream.sandbox.nuvla.resource import Resource
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.store import Document

CONTENTS = {
    "component": "module-component",
    "application": "module-application",
    "application_kubernetes": "module-application",
    "application_helm": "module-application-helm",
    "applications_sets": "module-applications-sets",
}
"""The type of the content's document by subtype."""


def split_version(identifier: str) -> tuple[str, int | None]:
    """Split the version ``_N`` off an id; if ``N`` is no number, the server fails."""
    bare, _, number = identifier.partition("_")
    if number and not number.isdigit():
        raise server_error(
            "class clojure.lang.Symbol cannot be cast to class java.lang.Number "
            "(clojure.lang.Symbol is in unnamed module of loader 'app'; "
            "java.lang.Number is in module java.base of loader 'bootstrap')"
        )
    return bare, int(number) if number else None


def _newest(versions: Sequence[Any]) -> int:
    """The index of the newest version that is left; -1 for none."""
    return max((place for place, version in enumerate(versions) if version), default=-1)


def with_content(world: State, module: Document, identifier: str) -> Document:
    """Add the content of the version that an id names, or of the newest; a project has none."""
    number = split_version(identifier)[1]
    versions = module.get("versions", [])
    if module["subtype"] == "project":
        return module
    if number is not None and number >= len(versions):
        raise not_found(identifier)
    if number is None and _newest(versions) < 0:
        raise server_error("")
    version = versions[_newest(versions) if number is None else number]
    if version is None:
        raise not_found(f"Module version not found: {module['id']}")
    stored = world.store.get(version["href"])
    if stored is None:
        raise not_found(version["href"])
    content = {name: stored[name] for name in stored if name not in {"acl", "resource-type"}}
    return module | {"content": content}


class Module(Resource):
    name = "module"
    hidden = ("versions", "content")
    played = ("search", "read", "delete")
    actions = ("delete-version",)

    def existing(self, identifier: str) -> Document:
        return super().existing(split_version(identifier)[0])

    def complete(self, document: Document) -> Document:
        """Add the content of the version in the address."""
        return with_content(self.world, document, self._identifier)

    def parameters(self, name: str) -> Sequence[str]:
        """The values of a parameter; ``select`` has no effect on a single module."""
        is_single = "/" in self._path
        return () if is_single and name == "select" else super().parameters(name)

    @property
    def _identifier(self) -> str:
        """The id in the address, with the version."""
        return "/".join(self._path.split("/")[:2])

    @property
    def _path(self) -> str:
        return request.path.removeprefix("/api/")

    def href(self, document: Document) -> str:
        number = split_version(self._identifier)[1] if "/" in self._path else None
        return str(document["id"]) + ("" if number is None else f"_{number}")

    def offered(self, document: Document) -> Sequence[str]:
        if document["subtype"] == "project":
            return ("delete-version",)
        is_compose = document["subtype"] == "application"
        validating = ("validate-docker-compose",) if is_compose else ()
        return (*validating, "publish", "unpublish", "delete-version")

    def remove(self, document: Document) -> None:
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

    def delete_version(self, module: Document) -> Response:
        """Delete a version; its number is not used again."""
        self.require("manage", module)
        versions = list(module.get("versions", []))
        number = split_version(self._identifier)[1]
        number = _newest(versions) if number is None else number
        if number >= len(versions):
            raise not_found(self._identifier)
        version = versions[number] if number >= 0 else None
        if version is None:
            raise not_found(f"{CONTENTS.get(module['subtype'], 'module')}/")
        versions[number] = None
        self.world.store.remove(version["href"])
        published = any(version_ and version_.get("published") for version_ in versions)
        now, user = self.world.now(), self.identity.user
        self.world.change(module["id"], now, by=user, versions=versions, published=published)
        return message(200, f"{version['href']} deleted", version["href"])
