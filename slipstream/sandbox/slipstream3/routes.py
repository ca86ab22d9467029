"""
The XML service, everything but ``/api``: one class for each address.

Source: SlipStreamServer, jar-service RootApplication.java and the resources below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NoReturn, cast
from urllib.parse import parse_qs, quote

from flask import Blueprint, Flask, Response, g, request
from flask.views import MethodView
from markupsafe import Markup

from slipstream.sandbox.cimi import FORM, WORLD_KEY, base_url, current_world
from slipstream.sandbox.overview import blog
from slipstream.sandbox.server import USER_KEY, Application, Environ
from slipstream.sandbox.slipstream3 import launch, lifecycle, users
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.resources import RESOURCES, UNPLAYED, JsonService
from slipstream.sandbox.slipstream3.runs import ENDED, LONGEST_VALUE, TRANSITIONAL, Run, RunQuery
from slipstream.sandbox.slipstream3.state import Account, State
from slipstream.sandbox.slipstream3.xml import (
    FILTERS,
    TEMPLATES,
    XmlProblem,
    empty,
    exported,
    page,
    prefers_html,
    refuse,
    render,
    respond,
    show,
)

_XML_TYPES = {"application/xml", "text/xml"}


def not_played() -> NoReturn:
    raise XmlProblem(501, f"{request.method} {request.path} is not played by this sandbox.")


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


class _Dashboard(_View):
    def get(self) -> Response:
        own = [run for run in self.state.runs.values() if run.owner == self.account.name]
        active = [cloud for run in own if run.state not in ENDED for cloud in run.clouds]
        quotas = {name: int(own["quotaVm"]) for name, own in self.state.connectors.items()}
        return show(render("dashboard", quotas, active))


class _Page(_View):
    """A page for browsers."""

    def get(self) -> Response:
        return respond(page(request.path), "html")


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
        return show(render("user", account, g.identity.roles, [users.ORCHESTRATOR_KEY]), "txt")

    def put(self, name: str) -> Response:
        if request.mimetype not in _XML_TYPES:
            raise XmlProblem(415)
        account = self._find(name, "Forbidden to update this resource.")
        if account is None:
            not_played()
        users.put_user(self.state, account, request.data, by_super=self.account.super)
        return empty(202, location=f"{base_url()}/user/{name}")

    def delete(self, name: str) -> Response:
        not_played()


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
        return show(self.runs(query), "json", "txt", default="json")

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
        return show(render("run", self._find(uuid), self.state.library), "json")

    def delete(self, uuid: str) -> Response:
        lifecycle.terminate(self.state, self._find(uuid), self.state.now())
        return empty(204)


class _RuntimeParameter(_View):
    """
    A runtime parameter, or the instances of a node; open to everyone who is logged in.

    Source: SlipStreamServer, jar-service run/RuntimeParameterResource.java and jar-persistence
    RuntimeParameter.java.
    """

    def _find(self, uuid: str, key: str) -> Run:
        run = self.state.runs.get(uuid)
        if run is None:
            raise XmlProblem(404, f"Unknown run id {uuid}")
        if not _is_node(key) and key not in run.runtime:
            # Tested behaviour of the server: the mere request fails the deployment.
            now, group = self.state.now(), key.partition(":")[0]
            lifecycle.abort(self.state, run, f"Unknown key {key}", now, group=group, replace=True)
            raise XmlProblem(404, f"Unknown key {key}")
        if run.abort_reason and request.args.get("ignoreabort", "").lower() != "true":
            raise XmlProblem(409, "Abort flag raised!")
        return run

    def get(self, uuid: str, key: str) -> Response:
        run = self._find(uuid, key)
        if _is_node(key):
            names = [machine.group for machine in run.instances(key) if machine.group != key]
            return respond(",".join(names), "txt", 200 if names else 204)
        if not run.get(key):
            raise XmlProblem(412, f"key {key} not yet set")
        return respond(run.get(key), "txt")

    def put(self, uuid: str, key: str) -> Response:
        if _is_node(key):
            raise XmlProblem(405)
        run, value = self._find(uuid, key), request.get_data(as_text=True)
        group, _, name = key.partition(":")
        if name == "abort":
            lifecycle.abort(self.state, run, value, self.state.now(), group=group)
        elif len(value) > LONGEST_VALUE:
            longest = f"Maximum length allowed: {LONGEST_VALUE}."
            raise XmlProblem(400, f"Value too long ({len(value)}). {longest}")
        elif key == "ss:state":
            self._put_state(run, value)
        else:
            run.put(key, value)
        response = empty(200)
        response.headers["Content-Type"] = "*/*; charset=UTF-8"
        return response

    def _put_state(self, run: Run, value: str) -> NoReturn:
        if value not in {*TRANSITIONAL, *ENDED, "Ready"}:
            raise XmlProblem(400, f"Requested transition to unknown state: {value}")
        if run.mutable or self.account.super:
            not_played()
        way = "only on a mutable run and only from Ready to Provisioning"
        raise XmlProblem(400, f"Via API state can be advanced {way}")

    def post(self, uuid: str, key: str) -> Response:
        run = self._find(uuid, key)
        # Scaling, and the executors' own messages until Ready, are not played.
        if _is_node(key) or run.state in TRANSITIONAL:
            not_played()
        return respond(run.state, "txt")

    def delete(self, uuid: str, key: str) -> Response:
        run = self._find(uuid, key)
        if _is_node(key):
            not_played()
        if key.endswith(":abort"):
            run.put("ss:abort", "")
            run.hurried = None
        run.put(key, "")
        return empty(204)


def _is_node(key: str) -> bool:
    """Whether the server takes a key for the name of a node."""
    return key.isascii() and key.replace("_", "a").isalnum()


class _AppStore(_View):
    def get(self) -> Response:
        modules = [module for module in self.state.library.modules() if module.published]
        readable = [module for module in modules if self.may(module, "Get")]
        return show(render("store", readable), "json", default="json")


class _ModuleList(_View):
    def get(self) -> Response:
        if request.path.endswith("/"):
            raise XmlProblem(404)
        roots = [own for own in self.state.library.children("") if self.may(own, "Get")]
        return show(render("module_list", roots), "json", default="json")


class _Module(_View):
    """A module; with a slash at the end, its versions."""

    def get(self, path: str) -> Response:
        if path.endswith("/"):
            return self._versions(path.strip("/"))
        library = self.state.library
        module = library.find(path)
        if not self.may(module, "Get"):
            raise XmlProblem(403, f"Not allowed to access: module/{path}")
        clouds = [*sorted(self.state.connectors), "default"]
        runs = self.runs(RunQuery(owner=self.account.name, module=module.uri))
        stored = render("module", module, library, None, clouds)
        shown = exported(render("module", module, library, None, clouds, runs))
        return show(shown, "json", "txt", default="json", plain=stored, guesses=True)

    def _versions(self, path: str) -> Response:
        versions = [own for own in self.state.library.versions(path) if self.may(own, "Get")]
        if not versions:
            raise XmlProblem(404)
        return show(render("version_list", versions), "json")

    def put(self, path: str) -> Response:
        not_played()

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
    "/dashboard": _Dashboard,
    "/event": _Page,
    "/usage": _Page,
    "/user": _Users,
    "/user/<name>": _User,
    "/run": _RunList,
    "/run/<uuid>": _Run,
    "/run/<uuid>/<key>": _RuntimeParameter,
    "/appstore": _AppStore,
    "/module": _ModuleList,
    "/module/": _ModuleList,
    "/module/<path:path>": _Module,
}


_private = Blueprint("xml", __name__)
"""The addresses that need a login."""
_open = Blueprint("open", __name__)
"""The addresses that need none."""
for _rule, _view in _VIEWS.items():
    _function = _view.as_view(_rule)
    _private.add_url_rule(_rule, view_func=_function, provide_automatic_options=False)


@_private.before_request
def _identify() -> Response | None:
    state = current_world()
    g.identity = users.identify(state, request.cookies.get(users.COOKIE))
    request.environ[USER_KEY] = g.identity.name
    if g.identity.name is None:
        response = refuse(XmlProblem(401))
        if prefers_html():
            response = empty(307, location=f"{base_url()}/login?redirectURL={request.path}")
        response.headers["Set-Cookie"] = users.java_clearing_cookie(state)
        return response
    g.account = state.accounts.get(g.identity.name)
    # One whose account is gone gets an empty response.
    return None if g.account and g.account.active else empty(200)


@_open.get("/")
def _root() -> Response:
    return empty(303, location=f"{base_url()}/dashboard")


@_open.get("/login")
@_open.get("/logout")
def _login_page() -> Response:
    return respond(page(request.path), "html")


@_open.delete("/logout")
def _log_out() -> Response:
    response = empty(303, location=f"{base_url()}/login")
    response.headers["Set-Cookie"] = users.java_clearing_cookie(current_world())
    return response


@_open.get("/teapot")
def _teapot() -> Response:
    raise XmlProblem(418)


@_open.route("/action/<path:_>", methods=["GET", "POST"])
def _act(_: str) -> Response:
    raise XmlProblem(404, f"\nInvalid action URL: {request.base_url}\n")


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
def _flask() -> Flask:
    """The routes of every server: to make them takes longer than all else of a sandbox."""
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


def application(state: State) -> Application:
    app = _flask()

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/api"):
            _tunnel(environ)
        environ[WORLD_KEY] = state
        with state.lock:
            state.tick()
            return list(app.wsgi_app(environ, start_response))

    return serve


def _tunnel(environ: Environ) -> None:
    # The XML service lets a POST name another method, and an address name the variant.
    query = environ.get("QUERY_STRING", "")
    method = parse_qs(query).get("method")
    if method and environ["REQUEST_METHOD"] == "POST":
        environ["REQUEST_METHOD"] = method[0].upper()
    path, _, extension = environ["PATH_INFO"].rpartition(".")
    if extension == "xml":
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = f"media=xml&{query}".rstrip("&")
