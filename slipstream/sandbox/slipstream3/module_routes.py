"""The addresses of modules: ``/appstore`` and ``/module``."""

from __future__ import annotations

from flask import Response, g, request

from slipstream.sandbox.slipstream3 import answers, module_xml
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.java_moments import timestamp
from slipstream.sandbox.slipstream3.module_read import (
    check_module,
    read_category,
    read_module,
    read_xml,
)
from slipstream.sandbox.slipstream3.modules import Module, split_version
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.run_xml import RunQuery, run_list
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.slipstream3.xmltext import Element
from slipstream.sandbox.web import base_url

_PUBLISH = "/publish"


class ModuleRoutes:
    """
    What the addresses of modules do.

    :param world: The world.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def _allowed(self, module: Module, right: str) -> bool:
        account: Account = g.account
        return account.super or module.rights.allow(account.name, right)

    def store(self) -> Response:
        """
        Answer ``GET /appstore``.

        :returns: The list of published modules.
        """
        items = [
            module_xml.store_item(one)
            for one in self.world.library.every()
            if one.published and self._allowed(one, "Get")
        ]
        return self._list(items)

    def roots(self) -> Response:
        """
        Answer ``GET /module``.

        :returns: The list of root projects.
        """
        items = [
            module_xml.root_item(one)
            for one in self.world.library.children("")
            if self._allowed(one, "Get")
        ]
        return self._list(items)

    def _list(self, items: list[Element]) -> Response:
        found = Element("list", {}, items)
        return answers.show(request, found, json_too=self.world.version.since(41))

    def read(self, path: str) -> Response:
        """
        Answer ``GET /module/PATH``, or with a slash at the end the list of versions.

        :param path: The path.
        :returns: The module.
        :raises XmlProblem: 404 or 403.
        """
        if path.endswith("/"):
            return self._versions(path.strip("/"))
        module = self.world.library.find(path)
        if not self._allowed(module, "Get"):
            raise XmlProblem(403, f"Not allowed to access: {module.uri}")
        query = RunQuery(owner=g.account.name, module=module.uri)
        runs = run_list(self.world, query, shows_cloud=False)
        document = module_xml.exported(module_xml.document(self.world, module, runs=runs))
        return answers.show(request, document, json_too=True, declaration=module_xml.DECLARATION)

    def _versions(self, path: str) -> Response:
        versions = self.world.library.versions(path)
        if not versions or not self._allowed(versions[-1], "Get"):
            raise XmlProblem(403)
        found = module_xml.version_list(versions)
        return answers.show(request, found, json_too=self.world.version.since(41))

    def put(self, path: str) -> Response:
        """
        Answer ``PUT /module/PATH``: a new module, a new version, or a publication.

        :param path: The path.
        :returns: The address of the version.
        :raises XmlProblem: If it is refused.
        """
        if path.endswith(_PUBLISH):
            return self._publish(path.removesuffix(_PUBLISH))
        if request.mimetype not in {"application/xml", "text/xml"}:
            raise XmlProblem(415)
        name, _ = split_version(path)
        old = self.world.library.latest(name)
        document = read_xml(request.data)
        read_category(document)
        self._check_may_put(old, name, must_be_new=request.args.get("new") == "true")
        module = read_module(document, name, user=g.account.name, now=self.world.now())
        check_module(self.world, module)
        if old is not None:
            module.created = old.created
        self.world.library.add(module)
        location = f"{base_url()}/{module.uri}"
        return answers.empty(200 if old else 201, location=location)

    def _check_may_put(self, old: Module | None, path: str, *, must_be_new: bool) -> None:
        # The right to create is asked of the project only if the module must be new.
        parent = self.world.library.latest(path.rpartition("/")[0]) if must_be_new else None
        if old is not None:
            allowed = self._allowed(old, "Put")
        else:
            allowed = parent is None or self._allowed(parent, "CreateChildren")
        if not allowed:
            raise XmlProblem(403, "Forbidden to update this resource.")
        if must_be_new and old is not None:
            raise XmlProblem(403, "Cannot create this resource. It already exists.")

    def delete(self, path: str) -> Response:
        """
        Answer ``DELETE /module/PATH``: one version, or with a slash at the end all of them.

        :param path: The path.
        :returns: The address of what is now the latest version, or of the parent.
        :raises XmlProblem: 403 if it is refused.
        """
        if path.endswith(_PUBLISH):
            return self._unpublish(path.removesuffix(_PUBLISH))
        if path.endswith("/"):
            for version in self.world.library.versions(path.strip("/")):
                version.deleted = version.deleted or self._allowed(version, "Delete")
            return answers.empty(204)
        module = self._deletable(path)
        module.deleted = True
        latest = self.world.library.latest(module.path)
        target = latest.uri if latest else f"module/{module.parent}".rstrip("/")
        return answers.empty(204, location=f"{base_url()}/{target}")

    def _deletable(self, path: str) -> Module:
        try:
            module = self.world.library.find(path)
        except XmlProblem as problem:
            detail = problem.detail if problem.status == 403 else "Forbidden"
            raise XmlProblem(403, detail) from None
        if not self._allowed(module, "Delete"):
            raise XmlProblem(403, "Forbidden")
        return module

    def _publish(self, path: str) -> Response:
        # The server asks for no right here, beyond being logged in.
        module = self._to_publish(path, XmlProblem(404, "Not found"))
        if module.published:
            moment = timestamp(module.published)
            raise XmlProblem(409, f"The module was already published: {moment}")
        module.published, module.publisher = self.world.now(), g.account.name
        return answers.empty(200)

    def _unpublish(self, path: str) -> Response:
        module = self._to_publish(path, XmlProblem(500))
        module.published = module.publisher = None
        return answers.empty(204)

    def _to_publish(self, path: str, unknown: XmlProblem) -> Module:
        try:
            return self.world.library.find(path)
        except XmlProblem as problem:
            raise (unknown if problem.status == 404 else problem) from None
