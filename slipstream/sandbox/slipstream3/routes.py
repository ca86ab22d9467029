"""
The XML service, everything but ``/api``: one class for each address.

Source: SlipStreamServer, jar-service RootApplication.java and the resources below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, cast
from urllib.parse import parse_qs, quote

from flask import Blueprint, Flask, Response, g, request
from flask.views import MethodView

from slipstream.sandbox.server import USER_KEY, Application, Environ
from slipstream.sandbox.slipstream3 import (
    launch,
    lifecycle,
    module_xml,
    profiles,
    responses,
    run_xml,
    sessions,
)
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.resources import JsonService
from slipstream.sandbox.slipstream3.run_xml import RunQuery, run_list
from slipstream.sandbox.slipstream3.runs import ENDED, LONGEST_VALUE, TRANSITIONAL, Run
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import Element, XmlProblem
from slipstream.sandbox.web import FORM, base_url

_LARGEST_PAGE = 500
_XML_TYPES = {"application/xml", "text/xml"}


def not_played() -> NoReturn:
    """Refuse what the real server does and the sandbox does not."""
    raise XmlProblem(501, f"{request.method} {request.path} is not played by this sandbox.")


class _View(MethodView):
    """An address; ``state`` is the server's."""

    def __init__(self, state: State) -> None:
        self.state = state

    @property
    def account(self) -> Account:
        """Who sends the request."""
        return cast("Account", g.account)

    def find_run(self, uuid: str) -> Run:
        """A run that the sender may see."""
        run = self.state.runs.get(uuid)
        if run is None:
            raise XmlProblem(404)
        if run.owner != self.account.name and not self.account.super:
            raise XmlProblem(403)
        return run

    def may(self, module: Module, right: str) -> bool:
        """Whether the sender has a right on a module."""
        return self.account.super or module.rights.allow(self.account.name, right)


class _Dashboard(_View):
    def get(self) -> Response:
        runs = [run for run in self.state.runs.values() if run.owner == self.account.name]
        active = [cloud for run in runs if run.state not in ENDED for cloud in run.clouds]
        return responses.show(run_xml.dashboard(self.state.connectors, active))


class _Page(_View):
    """A page for browsers."""

    def get(self) -> Response:
        return responses.html_page(request.path)


class _Users(_View):
    def get(self) -> Response:
        if not self.account.super:
            raise XmlProblem(403)
        not_played()


class _User(_View):
    def _find(self, name: str) -> Account:
        account = self.state.accounts.get(name)
        if account is None:
            raise XmlProblem(404)
        if account is not self.account and not self.account.super:
            raise XmlProblem(403, f"Not allowed to access: {name}")
        return account

    def get(self, name: str) -> Response:
        document = profiles.user_document(self._find(name), g.identity)
        return responses.show(document, plain=document)

    def put(self, name: str) -> Response:
        if request.mimetype not in _XML_TYPES:
            raise XmlProblem(415)
        account = self.state.accounts.get(name)
        if account is None:
            not_played()
        if account is not self.account and not self.account.super:
            raise XmlProblem(403, "Forbidden to update this resource.")
        by_super = self.account.super
        profiles.put_user(self.state, account, request.data, by_super=by_super)
        return responses.empty(202, location=f"{base_url()}/user/{name}")

    def delete(self, name: str) -> Response:
        not_played()


def _number(name: str, default: int, least: int, problem: str, most: int | None = None) -> int:
    text = request.args.get(name) or str(default)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise XmlProblem(400, f"Invalid format for the {name} attribute")
    number = int(text)
    if number < least or (most is not None and number > most):
        raise XmlProblem(400, f"The value for the {name} attribute should be {problem}")
    return number


class _RunList(_View):
    def get(self) -> Response:
        account = self.account
        owner = request.args.get("user")
        if owner and not account.super:
            detail = "You don't have the permission to use the query parameter 'user'"
            raise XmlProblem(403, detail)
        limits = f"between 1 and {_LARGEST_PAGE}"
        query = RunQuery(
            offset=_number("offset", 0, 0, "positive"),
            limit=_number("limit", 20, 1, limits, _LARGEST_PAGE),
            cloud=request.args.get("cloud"),
            owner=(owner or request.args.get("runOwner")) if account.super else account.name,
            active=launch.is_yes(request.args.get("activeOnly")),
            module=request.args.get("moduleResourceUri"),
        )
        runs = run_list(self.state, query)
        return responses.show(runs, default="json", has_json=True, plain=runs)

    def post(self) -> Response:
        if request.mimetype != FORM and request.data:
            raise XmlProblem(415)
        run = launch.launch(self.state, self.account, request.form.to_dict())
        path = "dashboard" if "redirect_to_dashboard" in request.form else run.href
        return responses.empty(201, location=f"{base_url()}/{path}")


class _Run(_View):
    def get(self, uuid: str) -> Response:
        return responses.show(run_xml.run_document(self.state, self.find_run(uuid)), has_json=True)

    def delete(self, uuid: str) -> Response:
        lifecycle.terminate(self.state, self.find_run(uuid), self.state.now())
        return responses.empty(204)


class _RuntimeParameter(_View):
    """
    A runtime parameter, or the instances of a node; open to everyone who is logged in.

    Source: SlipStreamServer, jar-service run/RuntimeParameterResource.java and jar-persistence
    RuntimeParameter.java.
    """

    def _run(self, uuid: str) -> Run:
        if uuid not in self.state.runs:
            raise XmlProblem(404, f"Unknown run id {uuid}")
        return self.state.runs[uuid]

    def _check(self, run: Run, key: str) -> None:
        if not _is_node(key) and key not in run.runtime:
            # Tested behaviour of the server: the mere request fails the deployment.
            now, group = self.state.now(), key.partition(":")[0]
            detail = f"Unknown key {key}"
            lifecycle.abort(self.state, run, detail, now, group=group, replace=True)
            raise XmlProblem(404, detail)
        ignored = request.args.get("ignoreabort", "").lower() == "true"
        if run.abort_reason and not ignored:
            raise XmlProblem(409, "Abort flag raised!")

    def get(self, uuid: str, key: str) -> Response:
        run = self._run(uuid)
        self._check(run, key)
        if _is_node(key):
            names = ",".join(
                machine.group for machine in run.instances(key) if machine.group != key
            )
            return responses.text(names, status=200 if names else 204)
        if key.endswith(":vmstate"):
            return responses.text(self._machine_state(run, key.partition(":")[0]))
        if not run.get(key):
            raise XmlProblem(412, f"key {key} not yet set")
        return responses.text(run.get(key))

    def _machine_state(self, run: Run, group: str) -> str:
        for machine in run.machines:
            document = self.state.store.get(machine.document or "")
            if machine.group == group and document:
                return str(document["state"])
        return "Unknown"

    def put(self, uuid: str, key: str) -> Response:
        run = self._run(uuid)
        if _is_node(key):
            raise XmlProblem(405)
        self._check(run, key)
        value = request.get_data(as_text=True)
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
        response = responses.empty(200)
        response.headers["Content-Type"] = "*/*; charset=UTF-8"
        return response

    def _put_state(self, run: Run, value: str) -> NoReturn:
        states = {*TRANSITIONAL, *ENDED, "Ready"}
        if value not in states:
            raise XmlProblem(400, f"Requested transition to unknown state: {value}")
        if run.mutable or self.account.super:
            not_played()
        detail = (
            "Via API state can be advanced only on a mutable run and only from Ready to "
            "Provisioning"
        )
        raise XmlProblem(400, detail)

    def post(self, uuid: str, key: str) -> Response:
        run = self._run(uuid)
        self._check(run, key)
        # Scaling, and the executors' own messages until Ready, are not played.
        if _is_node(key) or run.state in TRANSITIONAL:
            not_played()
        return responses.text(run.state)

    def delete(self, uuid: str, key: str) -> Response:
        run = self._run(uuid)
        self._check(run, key)
        if _is_node(key):
            not_played()
        if key.endswith(":abort"):
            run.put("ss:abort", "")
            run.hurried = None
        run.put(key, "")
        return responses.empty(204)


def _is_node(key: str) -> bool:
    """Whether the server takes a key for the name of a node."""
    return key.isascii() and key.replace("_", "a").isalnum()


class _AppStore(_View):
    def get(self) -> Response:
        items = [
            module_xml.store_item(module)
            for module in self.state.library.modules()
            if module.published and self.may(module, "Get")
        ]
        return responses.show(Element("list", {}, items), default="json", has_json=True)


class _ModuleList(_View):
    def get(self) -> Response:
        if request.path.endswith("/"):
            raise XmlProblem(404)
        items = [
            module_xml.root_item(module)
            for module in self.state.library.children("")
            if self.may(module, "Get")
        ]
        return responses.show(Element("list", {}, items), default="json", has_json=True)


class _Module(_View):
    """A module; with a slash at the end, its versions."""

    def get(self, path: str) -> Response:
        if path.endswith("/"):
            return self._versions(path.strip("/"))
        module = self.state.library.find(path)
        if not self.may(module, "Get"):
            raise XmlProblem(403, f"Not allowed to access: module/{path}")
        runs = run_list(self.state, RunQuery(owner=self.account.name, module=module.uri))
        document = module_xml.module_document(self.state, module, runs=runs)
        return responses.show(
            module_xml.exported(document),
            default="json",
            has_json=True,
            plain=module_xml.module_document(self.state, module),
            declaration=module_xml.DECLARATION,
        )

    def _versions(self, path: str) -> Response:
        versions = [
            version for version in self.state.library.versions(path) if self.may(version, "Get")
        ]
        if not versions:
            raise XmlProblem(404)
        return responses.show(module_xml.version_list(versions), has_json=True)

    def put(self, path: str) -> Response:
        not_played()

    def delete(self, path: str) -> Response:
        """Delete one version, or with a slash at the end of the path all of them."""
        if path.endswith("/publish"):
            not_played()
        if path.endswith("/"):
            for version in self.state.library.versions(path.strip("/")):
                version.deleted = version.deleted or self.may(version, "Delete")
            return responses.empty(204)
        module = self._deletable(path)
        module.deleted = True
        latest = self.state.library.latest(module.path)
        target = latest.uri if latest else f"module/{module.parent}".rstrip("/")
        return responses.empty(204, location=f"{base_url()}/{quote(target)}")

    def _deletable(self, path: str) -> Module:
        try:
            module = self.state.library.find(path)
        except XmlProblem as problem:
            detail = problem.detail if problem.status == 403 else "Forbidden"
            raise XmlProblem(403, detail) from None
        if not self.may(module, "Delete"):
            raise XmlProblem(403, "Forbidden")
        return module


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


def _empty_if_deleted(state: State) -> Response | None:
    """Find out who sends a request; one whose account is gone gets an empty response."""
    g.identity = sessions.identify(state, request.cookies.get(sessions.COOKIE))
    request.environ[USER_KEY] = g.identity.name
    if g.identity.name is None:
        raise _NotLoggedIn
    account = state.accounts.get(g.identity.name)
    if account is None or not account.active:
        return responses.empty(200)
    g.account = account
    return None


class _NotLoggedIn(Exception):
    """A request without a valid cookie."""


def _private(state: State) -> Blueprint:
    """The addresses that need a login."""
    blueprint = Blueprint("xml", __name__)
    for rule, view in _VIEWS.items():
        blueprint.add_url_rule(
            rule,
            view_func=view.as_view(rule.replace(".", "_"), state),
            provide_automatic_options=False,
        )
    blueprint.before_request(lambda: _empty_if_deleted(state))

    @blueprint.errorhandler(_NotLoggedIn)
    def not_logged_in(_: _NotLoggedIn) -> Response:
        if responses.prefers_html():
            location = f"{base_url()}/login?redirectURL={request.path}"
            response = responses.empty(307, location=location)
        else:
            response = responses.refuse(XmlProblem(401))
        response.headers["Set-Cookie"] = sessions.java_clearing_cookie(state)
        return response

    return blueprint


def _open(state: State) -> Blueprint:
    """The addresses that need no login."""
    blueprint = Blueprint("open", __name__)

    @blueprint.get("/")
    def root() -> Response:
        return responses.empty(303, location=f"{base_url()}/dashboard")

    @blueprint.get("/login")
    @blueprint.get("/logout")
    def page() -> Response:
        return responses.html_page(request.path)

    @blueprint.delete("/logout")
    def log_out() -> Response:
        response = responses.empty(303, location=f"{base_url()}/login")
        response.headers["Set-Cookie"] = sessions.java_clearing_cookie(state)
        return response

    @blueprint.get("/teapot")
    def teapot() -> Response:
        return responses.refuse(XmlProblem(418))

    @blueprint.route("/action/<path:_>", methods=["GET", "POST"])
    def act(_: str) -> Response:
        return responses.refuse(XmlProblem(404, f"\nInvalid action URL: {request.base_url}\n"))

    @blueprint.post("/auth/login")
    def log_in() -> Response:
        name, password = (request.form.get(field, "") for field in ("username", "password"))
        account = sessions.check_password(state, name, password)
        ends = state.now() + sessions.LIFETIME
        response = Response(b"", content_type="text/plain; charset=utf-8")
        cookie = sessions.make_cookie(state, account.name, " ".join(account.roles), ends)
        response.headers["Set-Cookie"] = cookie
        return response

    blueprint.add_url_rule("/sites/<uuid>/", "site", lambda uuid: _site(state, uuid))
    return blueprint


def _site(state: State, uuid: str) -> Response:
    run = state.runs.get(uuid)
    if run is None or run.state in ENDED:
        raise XmlProblem(404)
    if not run.get("ss:url.service") or run.state not in {"Ready", "Finalizing"}:
        return responses.text("The site is not up yet.\n", status=503)
    titles = (
        parameter.value
        for parameter in run.runtime.values()
        if parameter.name == "wordpress_title"
    )
    return responses.site(next(titles, "It works"))


def application(state: State) -> Application:
    """Make the WSGI application that serves a server's state."""
    app = Flask("slipstream.sandbox", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.json.ensure_ascii = True  # type: ignore[attr-defined]
    JsonService(state).add_routes(app)
    app.register_blueprint(_open(state))
    app.register_blueprint(_private(state))
    app.register_error_handler(XmlProblem, responses.refuse)

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/api"):
            _tunnel(environ)
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
