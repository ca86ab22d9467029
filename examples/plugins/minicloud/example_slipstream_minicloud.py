"""A backend for MiniCloud, a small JSON service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import attrs

from slipstream import (
    Backend,
    Credentials,
    DeploymentRequest,
    EndpointKind,
    Login,
    LoginAttempt,
    LoginMethod,
    Request,
    Response,
    Role,
    hookimpl,
)
from slipstream.errors import BadInput, MalformedAnswer
from slipstream.values import (
    Connector,
    Deployment,
    Module,
    ModuleKind,
    Phase,
    ServiceOffer,
    parse_timestamp,
)

TICKET = "X-MiniCloud-Ticket"


class MiniCloud(Backend):
    """Servers in zones, made from templates."""

    name = "minicloud"
    states: ClassVar = {
        "booting": Phase.STARTING,
        "up": Phase.RUNNING,
        "halted": Phase.STOPPED,
        "broken": Phase.ERROR,
    }
    cannot: ClassVar = {
        "reboot_deployment": "Call stop_node() and then start_node().",
        "list_ssh_keys": "Templates have their keys built in.",
    }

    def authorise(self, request: Request) -> Request:
        return attrs.evolve(request, headers={**request.headers, TICKET: self.session.login.data})

    def error_detail(self, response: Response) -> str | None:
        message = as_object(response).get("message")
        return message if isinstance(message, str) else None

    def list_deployments(self, active_only: bool, addresses: bool) -> Iterator[Deployment]:
        for server in self.list_of("servers"):
            yield self.deployment(server)

    def get_deployment(self, deployment_id: str) -> Deployment:
        return self.deployment(self.get(server_path(deployment_id), "read a server"))

    def deploy(self, request: DeploymentRequest) -> Deployment:
        for parameter in request.decides(Role.INPUT):
            raise BadInput(f"MiniCloud has no parameter {parameter.name!r}.")
        [(_, zone)] = request.locations().items()
        sizes = [size.value for size in request.decides(Role.SIZE)]
        document = {
            "name": request.name,
            "template": request.module_id,
            "zone": zone,
            "flavour": sizes[0] if sizes else None,
        }
        return self.deployment(self.post("/v1/servers", "make a server", document))

    def terminate(self, deployment_id: str, force: bool, raw: Mapping[str, Any]) -> bool:
        request = Request(method="DELETE", path=server_path(deployment_id))
        response = self.session.send(request, doing="delete a server")
        if response.status != 204:  # the page of a proxy, say
            raise MalformedAnswer("MiniCloud does not confirm that the server is deleted.")
        return True

    def start_deployment(self, deployment_id: str) -> bool:
        self.post(f"{server_path(deployment_id)}/start", "start a server")
        return True

    def stop_deployment(self, deployment_id: str) -> bool:
        self.post(f"{server_path(deployment_id)}/stop", "stop a server")
        return True

    def list_modules(
        self, path: str | None, recurse: bool, connector: str | None
    ) -> Iterator[Module]:
        # Every zone has every template.
        for template in self.list_of("templates"):
            yield self.module(template)

    def get_module(self, module_id: str) -> Module:
        path = f"/v1/templates/{quote(module_id, safe='')}"
        return self.module(self.get(path, "read a template"))

    def list_connectors(self) -> Iterator[Connector]:
        for zone in self.list_of("zones"):
            yield Connector(id=text(zone, "name"), name=text(zone, "name"), raw=zone)

    def list_service_offers(
        self, connector: str | None, usable_only: bool
    ) -> Iterator[ServiceOffer]:
        # Every account may use every zone.
        for flavour in self.list_of("flavours"):
            if connector in (None, flavour.get("zone")):
                yield ServiceOffer(
                    id=text(flavour, "id"),
                    name=text(flavour, "id"),
                    connectors=[text(flavour, "zone")],
                    cpu=number(flavour, "cpus"),
                    ram=number(flavour, "ram_mib"),
                    raw=flavour,
                )

    # Requests, and what the service's documents mean.

    def get(self, path: str, doing: str) -> dict[str, Any]:
        request = Request(method="GET", path=path, repeatable=True)
        return as_object(self.session.send(request, doing=doing))

    def list_of(self, what: str) -> list[dict[str, Any]]:
        request = Request(method="GET", path=f"/v1/{what}", repeatable=True)
        response = self.session.send(request, doing=f"list {what}")
        documents = response.json()
        if not isinstance(documents, list) or not all(isinstance(d, dict) for d in documents):
            raise MalformedAnswer("MiniCloud sent no list of objects.", endpoint=response.url)
        return documents

    def post(
        self, path: str, doing: str, document: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        request = Request(
            method="POST",
            path=path,
            headers={"Content-Type": "application/json"},
            body=json.dumps(document or {}).encode(),
        )
        return as_object(self.session.send(request, doing=doing))

    def deployment(self, server: dict[str, Any]) -> Deployment:
        state = text(server, "state")
        return Deployment(
            id=text(server, "id"),
            name=text(server, "name") if server.get("name") else None,
            state=state,
            phase=self.states.get(state, Phase.UNKNOWN),
            module_id=text(server, "template"),
            module_name=text(server, "template"),
            connectors=[text(server, "zone")],
            started=parse_timestamp(text(server, "created")),
            addresses=[text(server, "address")] if server.get("address") else [],
            raw=server,
        )

    def module(self, template: dict[str, Any]) -> Module:
        name = text(template, "id")
        return Module(id=name, path=name, name=name, kind=ModuleKind.COMPONENT, raw=template)


def as_object(response: Response) -> dict[str, Any]:
    document = response.json()
    if not isinstance(document, dict):
        raise MalformedAnswer("MiniCloud sent no object.", endpoint=response.url)
    return document


def text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not (isinstance(value, str) and value):
        raise MalformedAnswer(f"MiniCloud sent a document without {name!r}.")
    return value


def number(document: dict[str, Any], name: str) -> float:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e15:
        raise MalformedAnswer(f"MiniCloud sent a document without the number {name!r}.")
    return value


def server_path(server_id: str) -> str:
    return f"/v1/servers/{quote(server_id, safe='')}"


def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    if not (credentials.key and credentials.secret):
        raise BadInput("MiniCloud needs a user name and a password.")
    login: dict[str, Any] = {"user": credentials.key, "password": credentials.secret}
    document = attempt.post("/v1/login", json=login, doing="log in to MiniCloud")
    return attempt.finish(
        expires=timedelta(seconds=number(document, "expires_in")),
        user_name=credentials.key,
        data=text(document, "ticket"),
    )


def is_minicloud(response: Response) -> bool:
    return response.status == 200 and as_object(response).get("service") == "minicloud"


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    return [
        LoginMethod(
            name="minicloud-ticket",
            authenticate=authenticate,
            parameters=(),
            secret_fields=("ticket",),
            description="user name and password of MiniCloud",
        )
    ]


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    return [
        EndpointKind(
            name="minicloud",
            backend=MiniCloud,
            endpoint="http://127.0.0.1:8199",
            hosts="minicloud.example:8443",
            probe_path="/v1",
            recognises_response=is_minicloud,
            login_methods="minicloud-ticket",
            default_login="minicloud-ticket",
            secret_fields=(TICKET,),
            description="MiniCloud, a small JSON service",
        )
    ]
