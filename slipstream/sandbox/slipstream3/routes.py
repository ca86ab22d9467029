"""
The XML service, everything but ``/api``.

Source: SlipStreamServer, jar-service RootApplication.java and the resources below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NoReturn, cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, g, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from slipstream.sandbox.cimi import FORM, base_url, current_world, note_user
from slipstream.sandbox.slipstream3 import launch, lifecycle, xml
from slipstream.sandbox.slipstream3.records import Module, Parameter, Run
from slipstream.sandbox.slipstream3.resources import (
    COOKIE,
    RESOURCES,
    JsonService,
    clearing_cookie,
    identify,
)
from slipstream.sandbox.slipstream3.state import Account, State, general_parameters
from slipstream.sandbox.slipstream3.xml import XmlProblem, empty, render, respond, show
from slipstream.sandbox.world import blog

_ORCHESTRATOR_KEY = Parameter(
    "General.orchestrator.publicsshkey",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator orchestrator\n",
    description="",
)
_private = Blueprint("xml", __name__)
"""The addresses that need a login."""
_open = Blueprint("open", __name__)
"""The addresses that need none."""


def _not_played(*_: object, **__: object) -> NoReturn:
    raise XmlProblem(501, f"{request.method} {request.path} is not played by this sandbox.")


def _state() -> State:
    return cast("State", current_world())


def _sender() -> Account:
    return cast("Account", g.account)


def _may(module: Module, right: str) -> bool:
    return _sender().super or module.allows(_sender().name, right)


@_private.before_request
def _identify() -> Response | None:
    if xml.accepted_kind() in {"json", "html"}:
        _not_played()
    state = _state()
    g.identity = identify(state, request.cookies.get(COOKIE))
    note_user(g.identity.name)
    if g.identity.name is None:
        response = xml.refuse(XmlProblem(401))
        response.headers["Set-Cookie"] = clearing_cookie(state)
        return response
    g.account = state.accounts.get(g.identity.name)
    # One whose account is gone gets an empty response.
    return None if g.account else empty(200)


# Users.


@_private.get("/user")
def _list_users() -> Response:
    if not _sender().super:
        raise XmlProblem(403)
    _not_played()


@_private.get("/user/<name>")
def _read_user(name: str) -> Response:
    account = _state().accounts.get(name)
    if account and account is not _sender() and not _sender().super:
        raise XmlProblem(403, f"Not allowed to access: {name}")
    if account is None:
        raise XmlProblem(404)
    return show(render("user", account, g.identity.roles, [_ORCHESTRATOR_KEY]))


def _replace_profile(state: State, account: Account, body: bytes) -> None:
    """Replace a profile; a parameter that was not sent gets its default."""
    root = xml.read_xml(body)
    if "roles" in root.attrib and not account.super:
        raise XmlProblem(403, "Only super users are authorized to update roles!")
    sent = {
        element.get("name", ""): element.findtext("value") or ""
        for element in root.findall("parameters/entry/parameter")
    }
    for name, parameter in account.parameters.items():
        if parameter.type != "Enum" and "'" in sent.get(name, ""):
            raise XmlProblem(409, f"Value of {name} must not contain a single quote")
    account.email, account.organization = root.get("email", ""), root.get("organization", "")
    account.first_name, account.last_name = root.get("firstName", ""), root.get("lastName", "")
    account.password = root.get("password", account.password)
    for parameter in general_parameters(sorted(state.connectors), sent):
        account.parameters[parameter.name] = parameter
    for name, parameter in account.parameters.items():
        if parameter.category != "General":
            parameter.value = sent.get(name, "")
    account.modified = state.now()


@_private.put("/user/<name>")
def _write_user(name: str) -> Response:
    if name != _sender().name:
        _not_played()
    _replace_profile(_state(), _sender(), request.data)
    return empty(202, location=f"{base_url()}/user/{name}")


# Deployments.


def _number(name: str, default: int, least: int, most: float, limits: str) -> int:
    text = request.args.get(name) or str(default)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise XmlProblem(400, f"Invalid format for the {name} attribute")
    if not least <= int(text) <= most:
        raise XmlProblem(400, f"The value for the {name} attribute should be {limits}")
    return int(text)


def _render_runs(
    runs: Iterable[Run], offset: int = 0, limit: int = 20, cloud: str | None = None
) -> Markup:
    """Write a page of runs, newest first."""
    newest_first = sorted(runs, key=lambda run: run.created, reverse=True)
    page = newest_first[offset : offset + limit]
    return render("runs", offset, limit, cloud, page, len(newest_first), _state().store)


@_private.get("/run")
def _list_runs() -> Response:
    account, fields = _sender(), request.args
    owner = fields.get("user")
    if owner and not account.super:
        detail = "You don't have the permission to use the query parameter 'user'"
        raise XmlProblem(403, detail)
    offset = _number("offset", 0, 0, float("inf"), "positive")
    limit = _number("limit", 20, 1, 500, "between 1 and 500")
    owner = (owner or fields.get("runOwner")) if account.super else account.name
    cloud, module = fields.get("cloud"), fields.get("moduleResourceUri")
    is_active_only = launch.is_yes(fields.get("activeOnly"))
    runs = (
        run
        for run in _state().runs.values()
        if owner in {None, run.owner}
        and not (is_active_only and run.ended)
        and module in {None, "", run.module.uri}
        and (cloud or "") in ",".join(run.clouds)
    )
    return show(_render_runs(runs, offset, limit, cloud), default="json")


@_private.post("/run")
def _launch() -> Response:
    if request.mimetype != FORM and request.data:
        raise XmlProblem(415)
    run = launch.launch(_state(), _sender(), request.form.to_dict())
    path = "dashboard" if "redirect_to_dashboard" in request.form else run.href
    return empty(201, location=f"{base_url()}/{path}")


def _find_run(uuid: str) -> Run:
    run = _state().runs.get(uuid)
    if run is None:
        raise XmlProblem(404)
    if run.owner != _sender().name and not _sender().super:
        raise XmlProblem(403)
    return run


@_private.get("/run/<uuid>")
def _read_run(uuid: str) -> Response:
    return show(render("run", _find_run(uuid), _state().library))


@_private.delete("/run/<uuid>")
def _terminate(uuid: str) -> Response:
    lifecycle.terminate(_state(), _find_run(uuid), _state().now())
    return empty(204)


@_private.get("/run/<uuid>/<key>")
def _read_parameter(uuid: str, key: str) -> Response:
    """
    Read a runtime parameter, or the instances of a node, as every logged-in user may.

    Source: SlipStreamServer, jar-service run/RuntimeParameterResource.java and jar-persistence
    RuntimeParameter.java.
    """
    state = _state()
    run = state.runs.get(uuid)
    if run is None:
        raise XmlProblem(404, f"Unknown run id {uuid}")
    is_node = key.isascii() and key.replace("_", "a").isalnum()
    if not is_node and key not in run.runtime:
        # Tested behaviour of the server: the mere request fails the deployment.
        now, group = state.now(), key.partition(":")[0]
        lifecycle.abort(state, run, f"Unknown key {key}", now, group=group, replace=True)
        raise XmlProblem(404, f"Unknown key {key}")
    if run.abort_reason and request.args.get("ignoreabort", "").lower() != "true":
        raise XmlProblem(409, "Abort flag raised!")
    if is_node:
        names = [machine.group for machine in run.instances(key) if machine.group != key]
        return respond(",".join(names), "txt", 200 if names else 204)
    if not run.get(key):
        raise XmlProblem(412, f"key {key} not yet set")
    return respond(run.get(key), "txt")


# Modules.


@_private.get("/appstore")
def _app_store() -> Response:
    modules = [module for module in _state().library.modules() if module.published]
    readable = [module for module in modules if _may(module, "Get")]
    return show(render("store", readable), default="json")


@_private.get("/module")
def _list_roots() -> Response:
    roots = [module for module in _state().library.children("") if _may(module, "Get")]
    return show(render("module_list", roots), default="json")


@_private.get("/module/<path:path>")
def _read_module(path: str) -> Response:
    if path.endswith("/"):
        _not_played()  # its versions
    state = _state()
    module = state.library.find(path)
    if not _may(module, "Get"):
        raise XmlProblem(403, f"Not allowed to access: module/{path}")
    clouds = [*sorted(state.connectors), "default"]
    mine = [run for run in state.runs.values() if run.owner == _sender().name]
    runs = _render_runs(run for run in mine if run.module.uri == module.uri)
    document = render("module", module, state.library, None, clouds, runs)
    return show(xml.exported(document), default="json")


@_private.delete("/module/<path:path>")
def _delete_module(path: str) -> Response:
    """Delete one version, or with a slash at the end of the path all of them."""
    if path.endswith("/publish"):
        _not_played()
    library = _state().library
    if path.endswith("/"):
        for version in library.versions(path.strip("/")):
            if _may(version, "Delete"):
                library.remove(version)
        return empty(204)
    try:
        module = library.find(path)
    except XmlProblem:
        raise XmlProblem(403, "Forbidden") from None
    if not _may(module, "Delete"):
        raise XmlProblem(403, "Forbidden")
    library.remove(module)
    latest = library.latest(module.path)
    target = latest.uri if latest else module.parent.rstrip("/")
    return empty(204, location=f"{base_url()}/{quote(target)}")


for _rule, _methods in (
    ("/user/<name>", ["DELETE"]),
    ("/run/<uuid>/<key>", ["DELETE", "POST", "PUT"]),
    ("/module/<path:path>", ["PUT"]),
):
    _private.add_url_rule(_rule, view_func=_not_played, methods=_methods)
for _rule in (
    *("/action/<path:_>", "/api", "/auth/<path:_>", "/dashboard", "/event", "/login", "/logout"),
    *("/module/", "/run.xml", "/teapot", "/usage"),
):
    _open.add_url_rule(_rule, view_func=_not_played, methods=["GET", "POST"])


@_open.get("/")
def _root() -> Response:
    return empty(303, location=f"{base_url()}/dashboard")


@_open.get("/sites/<uuid>/")
def _site(uuid: str) -> Response:
    run = _state().runs.get(uuid)
    if run is None or run.ended:
        raise XmlProblem(404)
    if not run.url or run.state not in {"Ready", "Finalizing"}:
        return respond("The site is not up yet.\n", "txt", 503)
    return respond(blog(run.get("machine:wordpress_title") or "It works"), "html")


def _failed(error: HTTPException) -> Response:
    allowed = sorted(set(getattr(error, "valid_methods", None) or ()) - {"HEAD", "OPTIONS"})
    return xml.refuse(XmlProblem(error.code or 500, allow=", ".join(allowed)))


@cache
def application() -> Flask:
    """The routes, cached for all servers, because building them is slow."""
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.jinja_options = xml.TEMPLATES
    app.jinja_env.filters.update(xml.FILTERS)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.json.ensure_ascii = True  # type: ignore[attr-defined]
    JsonService(RESOURCES).add_routes(app)
    app.register_blueprint(_open)
    app.register_blueprint(_private)
    app.register_error_handler(XmlProblem, xml.refuse)
    app.register_error_handler(HTTPException, _failed)
    return app
