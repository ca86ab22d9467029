"""
The application: types that are only read, parsing requests, and routes.

Source: nuvla/api-server, server/app/routes.clj, server/middleware, and of server/resources
session_template.clj, event.clj, infrastructure_service*.clj, nuvlabox.clj, nuvlabox_status.clj.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from flask import Flask, Response, request

from slipstream.sandbox import cimi
from slipstream.sandbox.cimi import ENTRY_POINT, respond
from slipstream.sandbox.nuvla import credentials, deployments, jobs, modules, sessions
from slipstream.sandbox.nuvla.resource import Resource
from slipstream.sandbox.nuvla.state import ADMIN, ANON, PULL, USER, acl, normalise
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import blog


class InfrastructureServiceGroup(Resource):
    name = "infrastructure-service-group"

    def complete(self, document: Document) -> Document:
        services = self.world.store.collection("infrastructure-service")
        mine = [service for service in services if service.get("parent") == document["id"]]
        return document | {"infrastructure-services": [{"href": item["id"]} for item in mine]}


class NuvlaBox(Resource):
    name = "nuvlabox"
    bulk = ("bulk-action", USER)

    def deletable(self, document: Document) -> bool:
        return document["state"] in {"NEW", "DECOMMISSIONED", "ERROR"}

    def offered(self, document: Document) -> Sequence[str]:
        is_new = PULL in document.get("capabilities", ())
        return (
            *("add-ssh-key", "reboot", "commission", "decommission", "revoke-ssh-key"),
            *("update-nuvlabox", "create-log", "cluster-nuvlabox", "assemble-playbooks"),
            *("enable-emergency-playbooks", "heartbeat", "enable-host-level-management"),
            *("generate-new-api-key", *(["coe-resource-actions"] if is_new else [])),
        )


_TYPES: tuple[type[Resource], ...] = (
    *(sessions.Session, sessions.Callback, modules.Module),
    *(deployments.Deployment, deployments.ResourceLog, jobs.Job, credentials.Credential),
    *(InfrastructureServiceGroup, NuvlaBox),
    Resource.of("session-template", searchers=ANON, adders=ADMIN),
    Resource.of("infrastructure-service"),
    Resource.of("deployment-parameter", bulk=("bulk-delete", USER)),
    Resource.of("nuvlabox-status", adders=ADMIN, hidden=("coe-resources",)),
    # The server creates most events, the sandbox all.
    Resource.of(
        "event",
        is_editable=False,
        hidden=("content/resource/content",),
        bulk=("bulk-delete", USER),
    ),
)
RESOURCES = {resource.name: resource for resource in _TYPES}
_UNPLAYED = (
    *("configuration", "configuration-template", "credential-template", "data-object"),
    *("data-object-generic", "data-object-public", "data-object-template", "data-record"),
    *("data-record-key", "data-record-key-prefix", "data-set", "deployment-set", "email"),
    *("evidence-record", "group", "group-template", "hook", "infrastructure-service-template"),
    *("module-application", "module-application-helm", "module-applications-sets"),
    *("module-component", "notification", "notification-method", "nuvlabox-cluster"),
    *("nuvlabox-peripheral", "nuvlabox-playbook", "nuvlabox-release", "resource-metadata"),
    *("subscription-config", "ts-nuvlaedge-availability", "ts-nuvlaedge-telemetry", "user"),
    *("user-identifier", "user-template", "vulnerability"),
)
_LONGEST_LINE = 8192


class Service(cimi.Service):
    cookie, identify = sessions.COOKIE, staticmethod(sessions.identify)

    def entry_point(self) -> Document:
        names = {ENTRY_POINT, *RESOURCES, *_UNPLAYED}
        return {
            "id": ENTRY_POINT,
            "resource-type": ENTRY_POINT,
            "created": "2019-04-02T09:00:00.000Z",
            "updated": "2019-04-02T09:00:00.000Z",
            "acl": normalise(acl(ADMIN, view_acl=(ANON,))),
            "base-uri": f"{cimi.base_url()}/api/",
            "collections": {name: {"href": name} for name in sorted(names)},
        }

    def read_body(self) -> Any:
        kind = request.headers.get("Content-Type", "")
        if request.mimetype == cimi.FORM:
            if request.method != "POST" or kind != cimi.FORM:
                return b""
            # A login may come as a form; a search's fields are read elsewhere.
            fields = request.form.to_dict()
            return {"template": fields} if "href" in fields else {}
        if request.mimetype == "application/json-patch+json":
            raise cimi.not_played("A JSON patch")
        if "Content-Encoding" in request.headers:
            raise cimi.not_played("A compressed body")
        content = request.get_data()
        if not content:
            return None
        if kind and request.mimetype != cimi.JSON:
            return content
        return _read_json(content.decode("utf-8", "replace").lstrip())


def _read_json(text: str) -> Any:
    """Parse the first value of a text, and ignore the rest, as the server does."""
    try:
        # Without NaN and its like, which are no numbers for the server either.
        return json.JSONDecoder(parse_constant=int).raw_decode(text)[0]
    except (ValueError, RecursionError):
        cimi.malformed("text/plain; charset=UTF-8")


@cache
def application() -> Flask:
    """The routes, cached for all worlds, because building them is slow."""
    flask = Flask("slipstream.sandbox.nuvla", static_folder=None)
    flask.url_map.merge_slashes = False
    Service(RESOURCES).add_routes(flask)
    flask.add_url_rule("/site/<uuid>", "site", _site)
    for rule in ("/", "/<path:_>"):
        flask.add_url_rule(rule, view_func=_redirect, methods=cimi.METHODS)

    @flask.before_request
    def refuse_long_lines() -> Response | None:
        if len(str(request.environ.get("RAW_URI", ""))) <= _LONGEST_LINE:
            return None
        response = Response(f"An HTTP line is larger than {_LONGEST_LINE} bytes.", 414)
        del response.headers["Content-Type"]
        return response

    return flask


def _redirect(_: str = "") -> Response:
    return respond(status=302, headers={"Location": f"/api/{ENTRY_POINT}"})


def _site(uuid: str) -> Response:
    """Respond as the deployed blog; 404 while the deployment does not run."""
    deployment = cimi.current_world().store.get(f"deployment/{uuid}")
    if deployment is None or deployment["state"] not in {"STARTED", "UPDATING"}:
        return Response("Nothing runs here.\n", 404, content_type="text/plain; charset=UTF-8")
    variables = deployment["module"]["content"].get("environmental-variables", ())
    titles = [item.get("value", "") for item in variables if item["name"] == "wordpress_title"]
    return Response(blog(titles[0] if titles else "It works"), content_type="text/html")
