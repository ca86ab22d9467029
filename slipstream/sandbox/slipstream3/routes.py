"""
The XML service, everything but ``/api``: one class for each address.

Source: SlipStreamServer, jar-service RootApplication.java and the resources below it.
"""

from __future__ import annotations

from functools import cache
from typing import NoReturn, cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, g, request
from flask.views import MethodView
from markupsafe import Markup

from slipstream.sandbox.cimi import FORM, base_url, current_world
from slipstream.sandbox.overview import blog
from slipstream.sandbox.server import USER_KEY
from slipstream.sandbox.slipstream3 import launch, lifecycle, users
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.resources import RESOURCES, UNPLAYED, JsonService
from slipstream.sandbox.slipstream3.runs import ENDED, Run, RunQuery
from slipstream.sandbox.slipstream3.state import Account, State
from slipstream.sandbox.slipstream3.xml import (
    FILTERS,
    TEMPLATES,
    XmlProblem,
    accepted_kind,
    empty,
    exported,
    refuse,
    render,
    respond,
    show,
)

_XML_TYPES = {"application/xml", "text/xml"}


def not_played() -> NoReturn:
    raise XmlProblem(501, f"{request.method} {request.path} is not played by this sandbox.")


def _unplayed(*_: object, **__: object) -> Response:
    not_played()


class _View(MethodView):
    """An address; ``state`` is the server's."""

    @property
    def state(self) -> State:
        return cast("State", current_world())

    @property
    def account(self) -> Account:
        return cast("Account", g.account)

    def may(self, module: Module, right: str) -> bool:
        return self.account.super or module.allows(self.account.name, right)

    def runs(self, query: RunQuery) -> Markup:
        """Write the runs that a query finds, newest first."""
        runs = sorted(self.state.runs.values(), key=lambda run: run.created, reverse=True)
        runs = [run for run in runs if query.matches(run)]
        page = runs[query.offset : query.offset + query.limit]
        return render("runs", query, page, len(runs), self.state.store)


class _Users(_View):
    def get(self) -> Response:
        if not self.account.super:
            raise XmlProblem(403)
        not_played()


class _User(_View):
    def _find(self, name: str, refusal: str) -> Account | None:
        account = self.state.accounts.get(name)
        if account and account is not self.account and not self.account.super:
            raise XmlProblem(403, refusal)
        return account

    def get(self, name: str) -> Response:
        account = self._find(name, f"Not allowed to access: {name}")
        if account is None:
            raise XmlProblem(404)
        return show(render("user", account, g.identity.roles, [users.ORCHESTRATOR_KEY]))

    def put(self, name: str) -> Response:
        if request.mimetype not in _XML_TYPES:
            raise XmlProblem(415)
        account = self._find(name, "Forbidden to update this resource.")
        if account is None:
            not_played()
        users.put_user(self.state, account, request.data, by_super=self.account.super)
        return empty(202, location=f"{base_url()}/user/{name}")

    delete = _unplayed


def _number(name: str, default: int, least: int, most: float, limits: str) -> int:
    text = request.args.get(name) or str(default)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise XmlProblem(400, f"Invalid format for the {name} attribute")
    if not least <= int(text) <= most:
        raise XmlProblem(400, f"The value for the {name} attribute should be {limits}")
    return int(text)


class _RunList(_View):
    def get(self) -> Response:
        account, fields = self.account, request.args
        owner = fields.get("user")
        if owner and not account.super:
            detail = "You don't have the permission to use the query parameter 'user'"
            raise XmlProblem(403, detail)
        query = RunQuery(
            offset=_number("offset", 0, 0, float("inf"), "positive"),
            limit=_number("limit", 20, 1, 500, "between 1 and 500"),
            cloud=fields.get("cloud"),
            owner=(owner or fields.get("runOwner")) if account.super else account.name,
            active=launch.is_yes(fields.get("activeOnly")),
            module=fields.get("moduleResourceUri"),
        )
        return show(self.runs(query), default="json")

    def post(self) -> Response:
        if request.mimetype != FORM and request.data:
            raise XmlProblem(415)
        run = launch.launch(self.state, self.account, request.form.to_dict())
        path = "dashboard" if "redirect_to_dashboard" in request.form else run.href
        return empty(201, location=f"{base_url()}/{path}")


class _Run(_View):
    def _find(self, uuid: str) -> Run:
        run = self.state.runs.get(uuid)
        if run is None:
            raise XmlProblem(404)
        if run.owner != self.account.name and not self.account.super:
            raise XmlProblem(403)
        return run

    def get(self, uuid: str) -> Response:
        return show(render("run", self._find(uuid), self.state.library))

    def delete(self, uuid: str) -> Response:
        lifecycle.terminate(self.state, self._find(uuid), self.state.now())
        return empty(204)


class _RuntimeParameter(_View):
    """
    A runtime parameter, or the instances of a node; every logged-in user may read it.

    Source: SlipStreamServer, jar-service run/RuntimeParameterResource.java and jar-persistence
    RuntimeParameter.java.
    """

    def get(self, uuid: str, key: str) -> Response:
        run = self.state.runs.get(uuid)
        if run is None:
            raise XmlProblem(404, f"Unknown run id {uuid}")
        is_node = key.isascii() and key.replace("_", "a").isalnum()
        if not is_node and key not in run.runtime:
            # Tested behaviour of the server: the mere request fails the deployment.
            now, group = self.state.now(), key.partition(":")[0]
            lifecycle.abort(self.state, run, f"Unknown key {key}", now, group=group, replace=True)
            raise XmlProblem(404, f"Unknown key {key}")
        if run.abort_reason and request.args.get("ignoreabort", "").lower() != "true":
            raise XmlProblem(409, "Abort flag raised!")
        if is_node:
            names = [machine.group for machine in run.instances(key) if machine.group != key]
            return respond(",".join(names), "txt", 200 if names else 204)
        if not run.get(key):
            raise XmlProblem(412, f"key {key} not yet set")
        return respond(run.get(key), "txt")

    delete = post = put = _unplayed


class _AppStore(_View):
    def get(self) -> Response:
        modules = [module for module in self.state.library.modules() if module.published]
        readable = [module for module in modules if self.may(module, "Get")]
        return show(render("store", readable), default="json")


class _ModuleList(_View):
    def get(self) -> Response:
        roots = [own for own in self.state.library.children("") if self.may(own, "Get")]
        return show(render("module_list", roots), default="json")


class _Module(_View):
    def get(self, path: str) -> Response:
        if path.endswith("/"):
            not_played()  # its versions
        library = self.state.library
        module = library.find(path)
        if not self.may(module, "Get"):
            raise XmlProblem(403, f"Not allowed to access: module/{path}")
        clouds = [*sorted(self.state.connectors), "default"]
        runs = self.runs(RunQuery(owner=self.account.name, module=module.uri))
        return show(
            exported(render("module", module, library, None, clouds, runs)), default="json"
        )

    put = _unplayed

    def delete(self, path: str) -> Response:
        """Delete one version, or with a slash at the end of the path all of them."""
        if path.endswith("/publish"):
            not_played()
        if path.endswith("/"):
            for version in self.state.library.versions(path.strip("/")):
                version.deleted = version.deleted or self.may(version, "Delete")
            return empty(204)
        try:
            module = self.state.library.find(path)
        except XmlProblem as problem:
            detail = problem.detail if problem.status == 403 else "Forbidden"
            raise XmlProblem(403, detail) from None
        if not self.may(module, "Delete"):
            raise XmlProblem(403, "Forbidden")
        module.deleted = True
        latest = self.state.library.latest(module.path)
        target = latest.uri if latest else module.parent.rstrip("/")
        return empty(204, location=f"{base_url()}/{quote(target)}")


_VIEWS: dict[str, type[_View]] = {
    "/user": _Users,
    "/user/<name>": _User,
    "/run": _RunList,
    "/run/<uuid>": _Run,
    "/run/<uuid>/<key>": _RuntimeParameter,
    "/appstore": _AppStore,
    "/module": _ModuleList,
    "/module/<path:path>": _Module,
}
_UNPLAYED = (
    *("/action/<path:_>", "/dashboard", "/event", "/login", "/logout", "/module/"),
    *("/run.xml", "/teapot", "/usage"),
)


_private = Blueprint("xml", __name__)
"""The addresses that need a login."""
_open = Blueprint("open", __name__)
"""The addresses that need none."""
for _rule, _view in _VIEWS.items():
    _function = _view.as_view(_rule)
    _private.add_url_rule(_rule, view_func=_function, provide_automatic_options=False)


@_private.before_request
def _identify() -> Response | None:
    if accepted_kind() in {"json", "html"}:
        not_played()
    state = current_world()
    g.identity = users.identify(state, request.cookies.get(users.COOKIE))
    request.environ[USER_KEY] = g.identity.name
    if g.identity.name is None:
        response = refuse(XmlProblem(401))
        response.headers["Set-Cookie"] = users.java_clearing_cookie(state)
        return response
    g.account = state.accounts.get(g.identity.name)
    # One whose account is gone gets an empty response.
    return None if g.account and g.account.active else empty(200)


@_open.get("/")
def _root() -> Response:
    return empty(303, location=f"{base_url()}/dashboard")


for _rule in _UNPLAYED:
    _open.add_url_rule(_rule, view_func=_unplayed)


@_open.post("/auth/login")
def _log_in() -> Response:
    name, password = (request.form.get(field, "") for field in ("username", "password"))
    state = current_world()
    account = users.check_password(state, name, password)
    ends = state.now() + users.LIFETIME
    response = Response(b"", content_type="text/plain; charset=utf-8")
    cookie = users.make_cookie(state, account.name, " ".join(account.roles), ends)
    response.headers["Set-Cookie"] = cookie
    return response


@_open.get("/sites/<uuid>/")
def _site(uuid: str) -> Response:
    run = current_world().runs.get(uuid)
    if run is None or run.state in ENDED:
        raise XmlProblem(404)
    if not run.url or run.state not in {"Ready", "Finalizing"}:
        return respond("The site is not up yet.\n", "txt", 503)
    return respond(blog(run.get("machine:wordpress_title") or "It works"), "html")


@cache
def application() -> Flask:
    """The routes, cached for all servers, because building them is slow."""
    app = Flask(__name__, static_folder=None)
    app.jinja_options = TEMPLATES
    app.jinja_env.filters.update(FILTERS)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.json.ensure_ascii = True  # type: ignore[attr-defined]
    JsonService(RESOURCES, UNPLAYED).add_routes(app)
    app.register_blueprint(_open)
    app.register_blueprint(_private)
    app.register_error_handler(XmlProblem, refuse)
    return app
