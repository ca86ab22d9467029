"""The addresses of the XML service: everything but ``/api`` and ``/auth``."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, g, request

from slipstream.sandbox.slipstream3 import (
    answers,
    launch,
    lifecycle,
    run_xml,
    runtime,
    scaling,
    sessions,
    user_xml,
)
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.module_routes import ModuleRoutes
from slipstream.sandbox.slipstream3.people import publish_account
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.run_xml import Page, RunQuery
from slipstream.sandbox.slipstream3.runs import Run
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.slipstream3.xmltext import Element
from slipstream.sandbox.web import base_url

_LARGEST_PAGE = 500
_FORM = "application/x-www-form-urlencoded"


class NotLoggedIn(Exception):
    """A request without a valid cookie."""


def _number(name: str, default: int, least: int, most: int | None) -> int:
    text = request.args.get(name) or str(default)
    sign, digits = text[:1] == "-", text.removeprefix("-")
    number = int(text) if digits.isascii() and digits.isdigit() else None
    if number is None or sign or number < least or (most is not None and number > most):
        limits = f"between {least} and {most}" if most is not None else f"{least} or more"
        raise XmlProblem(400, f"The value for the {name} attribute should be {limits}")
    return number


def _page() -> Page:
    return Page(
        offset=_number("offset", 0, 0, None),
        limit=_number("limit", 20, 1, _LARGEST_PAGE),
        cloud=request.args.get("cloud", ""),
    )


def _form() -> dict[str, str]:
    if request.mimetype != _FORM and request.data:
        raise XmlProblem(415)
    return request.form.to_dict()


class _Routes:
    """What each address does."""

    def __init__(self, world: World) -> None:
        self.world = world

    def dashboard(self) -> Response:
        return answers.show(request, run_xml.dashboard(self.world, g.account))

    def users(self) -> Response:
        if not g.account.super:
            raise XmlProblem(403)
        items = [user_xml.user_item(self.world, one) for one in self.world.accounts.values()]
        return answers.show(request, Element("list", {}, items))

    def user(self, name: str) -> Response:
        found = self._account(name, f"Not allowed to access: {name}")
        return answers.show(request, user_xml.user_document(self.world, found))

    def _account(self, name: str, refusal: str) -> Account:
        found = self.world.accounts.get(name)
        if found is None:
            raise XmlProblem(404)
        if found is not g.account and not g.account.super:
            raise XmlProblem(403, refusal)
        return found

    def put_user(self, name: str) -> Response:
        if request.mimetype not in {"application/xml", "text/xml"}:
            raise XmlProblem(415)
        is_new = user_xml.put_user(
            self.world,
            name,
            request.data,
            asker=g.account,
            must_be_new=request.args.get("new") == "true",
        )
        return answers.empty(201 if is_new else 202, location=f"{base_url()}/user/{name}")

    def delete_user(self, name: str) -> Response:
        self._account(name, "Forbidden").state = "DELETED"
        publish_account(self.world, self.world.accounts[name])
        return answers.empty(204)

    def runs(self) -> Response:
        account: Account = g.account
        owner = request.args.get("user")
        if owner and not account.super:
            raise XmlProblem(403)
        query = RunQuery(
            page=_page(),
            owner=(owner or request.args.get("runOwner")) if account.super else account.name,
            active=launch.is_yes(request.args.get("activeOnly")),
            module=request.args.get("moduleResourceUri"),
        )
        found = run_xml.run_list(self.world, query)
        return answers.show(request, found, json_too=self.world.version.since(41))

    def post_run(self) -> Response:
        run = launch.launch(self.world, g.account, _form())
        base = base_url()
        to_dashboard = "redirect_to_dashboard" in request.form
        location = f"{base}/dashboard" if to_dashboard else f"{base}/{run.href}"
        return answers.empty(201, location=location)

    def run(self, uuid: str) -> Response:
        return answers.show(
            request, run_xml.run_document(self.world, self._run(uuid)), json_too=True
        )

    def _run(self, uuid: str) -> Run:
        run = self.world.runs.get(uuid)
        if run is None:
            raise XmlProblem(404)
        if run.owner != g.account.name and not g.account.super:
            raise XmlProblem(403)
        return run

    def delete_run(self, uuid: str) -> Response:
        lifecycle.terminate(self.world, self._run(uuid), self.world.now())
        return answers.empty(204)

    def key(self, uuid: str, key: str) -> Response:
        if (key.isascii() and key.isidentifier()) or key.isdigit():
            return self._node(uuid, key)
        if request.method == "POST":
            return self._complete(uuid, key)
        ignore = request.args.get("ignoreabort", "").lower() == "true"
        if request.method == "PUT":
            value = request.get_data(as_text=True)
            runtime.write(
                self.world, uuid, key, value, ignore_abort=ignore, privileged=g.account.super
            )
            return answers.empty(200)
        if request.method == "DELETE":
            runtime.clear(self.world, uuid, key, ignore_abort=ignore)
            return answers.empty(204)
        return answers.text(runtime.read(self.world, uuid, key, ignore_abort=ignore))

    def _complete(self, uuid: str, key: str) -> Response:
        group, _, name = key.rpartition(":")
        if name != "complete":
            raise XmlProblem(405)
        return answers.text(runtime.complete(self.world, uuid, group))

    def _node(self, uuid: str, node: str) -> Response:
        if request.method == "GET":
            return answers.text(scaling.names(self.world, uuid, node))
        if request.method == "POST":
            added = scaling.grow(self.world, g.account, uuid, node, _form())
            return answers.text(added, status=201)
        if request.method != "DELETE":
            raise XmlProblem(405)
        scaling.shrink(self.world, uuid, node, _form())
        return answers.empty(204)

    def machines(self) -> Response:
        owner = request.args.get("user")
        if owner and not g.account.super and owner != g.account.name:
            raise XmlProblem(403)
        found = run_xml.machine_list(
            self.world, g.identity, _page(), request.args.get("runUuid", ""), g.account.name
        )
        return answers.show(request, found)


def _table(world: World) -> list[tuple[str, Callable[..., Response], str]]:
    routes, modules = _Routes(world), ModuleRoutes(world)
    table: list[tuple[str, Callable[..., Response], str]] = [
        ("/dashboard", routes.dashboard, "GET"),
        ("/user", routes.users, "GET"),
        ("/users", routes.users, "GET"),
        ("/user/<name>", routes.user, "GET"),
        ("/user/<name>", routes.put_user, "PUT"),
        ("/user/<name>", routes.delete_user, "DELETE"),
        ("/run", routes.runs, "GET"),
        ("/run", routes.post_run, "POST"),
        ("/run/<uuid>", routes.run, "GET"),
        ("/run/<uuid>", routes.delete_run, "DELETE"),
        *[
            ("/run/<uuid>/<key>", routes.key, method)
            for method in ("GET", "PUT", "POST", "DELETE")
        ],
        ("/appstore", modules.store, "GET"),
        ("/module", modules.roots, "GET"),
        ("/module/", modules.roots, "GET"),
        ("/module/<path:path>", modules.read, "GET"),
        ("/module/<path:path>", modules.put, "PUT"),
        ("/module/<path:path>", modules.delete, "DELETE"),
    ]
    if not world.version.since(62):
        table.append(("/vms", routes.machines, "GET"))
    return table


def xml_routes(world: World) -> Blueprint:
    """
    Make the routes of the XML service that need a login.

    :param world: The world.
    :returns: The blueprint.
    """
    blueprint = Blueprint("xml", __name__)
    for rule, view, method in _table(world):
        blueprint.add_url_rule(
            rule,
            f"{view.__name__} {method} {rule.count('/')}{len(rule)}",
            view,
            methods=[method],
            provide_automatic_options=False,
        )

    @blueprint.before_request
    def require_login() -> None:
        account = world.accounts.get(g.identity.name or "")
        if account is None and not world.version.since(41):
            account = _basic(world)
        if account is None:
            raise NotLoggedIn
        g.account = account

    @blueprint.errorhandler(NotLoggedIn)
    def not_logged_in(_: NotLoggedIn) -> Response:
        if answers.wanted_kind(request, ["xml", "txt", "json", "html"]) == "html":
            response = answers.empty(
                307, location=f"{base_url()}/login?redirectURL={request.path}"
            )
        else:
            response = answers.refuse(request, XmlProblem(401))
        response.headers["Set-Cookie"] = sessions.clearing_cookie(world)
        return response

    return blueprint


def _basic(world: World) -> Account | None:
    given = request.authorization
    if given is None or given.type != "basic":
        return None
    name, password = given.username or "", given.password or ""
    return world.accounts[name] if sessions.check_password(world, name, password) else None
