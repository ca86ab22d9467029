"""The backend for SlipStream 3: each operation, by the module that has it."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

from slipstream.backends import documents
from slipstream.backends.cimi import JSON, CimiBackend, json_object
from slipstream.backends.slipstream import account, deploying, modules, runs
from slipstream.backends.slipstream.dialect import without_markup
from slipstream.errors import MalformedAnswer
from slipstream.hookspecs import EndpointKind, hookimpl
from slipstream.session.login import Client
from slipstream.transport.messages import Request, Response
from slipstream.values import CloudEntryPoint

_COOKIE = "com.sixsq.slipstream.cookie"
_NEEDED = {"serviceOffers", "virtualMachines", "sessions"}
_NO_RESTART = (
    "A run cannot be stopped and started again: destroy it with destroy_node(), and create another"
    " one with create_node()."
)
_PROBE = Request(
    method="GET",
    path="/api/service-offer",
    query=(("$last", "0"),),
    headers=JSON,
    repeatable=True,
)


class SlipStream3(CimiBackend):
    """SlipStream 3: XML for modules, runs and users, and CIMI resources in JSON."""

    name = "slipstream"
    states = runs.STATES
    parameter_roles: ClassVar = {name: role for role, name in deploying.WIRE_NAMES.items()}
    takes_ssh_keys = True
    cannot: ClassVar = {
        "start_deployment": _NO_RESTART,
        "stop_deployment": _NO_RESTART,
        "reboot_deployment": _NO_RESTART,
        "update_deployment": "A run keeps the version of its module: create"
        " another one with create_node().",
        "get_logs": "The server has no logs: read them on the node's machines by SSH.",
    }
    template_key = "sessionTemplate"
    list_keys: ClassVar = {
        "credential": "credentials",
        "service-offer": "serviceOffers",
        "session": "sessions",
        "session-template": "sessionTemplates",
        "virtual-machine": "virtualMachines",
    }
    search_prefix = "$"
    page_size = 1000
    most_counted = 10_000_000

    def accepts_session(self, client: Client) -> bool:
        """
        Whether there is a session, or the smallest read that needs a user succeeds.

        A cookie made by ``/auth/login`` has no session document, and one whose session was
        deleted still counts until it expires, so the last word has a collection that needs a user.
        """
        return super().accepts_session(client) or client.exchange(_PROBE).status == 200

    def read_user_name(self, client: Client) -> str | None:
        """Read it from the session's document, or without one from the cookie."""
        name = super().read_user_name(client) or _token_claims(client).get("username")
        return name if isinstance(name, str) else None

    def session_ended(self, response: Response) -> bool:
        """
        Whether a refusal means that the login has expired.

        The XML half says 401 then. The CIMI half says 403, as it does for what belongs to others;
        only its own session list tells which (SlipStreamServer, resources/session.clj).
        """
        if response.status == 401:
            return True
        return "/api/" in response.url and self.session_document(self.session) is None

    def error_detail(self, response: Response) -> str | None:
        """Read a CIMI message, or the detail of an error of the XML half."""
        if response.kind.endswith("xml"):
            try:
                return without_markup(response.xml().get("detail"))
            except MalformedAnswer:
                return None
        # The XML half writes JSON where a request accepts nothing else.
        error = documents.mapping(json_object(response), "error")
        detail = documents.text(error, "detail") or super().error_detail(response)
        return without_markup(detail)

    @staticmethod
    def location_name(location: str) -> str:
        """The bare name, from the name or the id."""
        return location.removeprefix(account.CONNECTOR)

    preflight = deploying.preflight
    deployment_locations = deploying.deployment_locations
    list_deployments = runs.list_deployments
    get_deployment = runs.get_deployment
    get_deployments = runs.get_deployments
    get_state = runs.get_state
    get_parameter = runs.get_parameter
    deploy = deploying.deploy
    terminate = runs.terminate
    list_modules = modules.list_modules
    get_module = modules.get_module
    delete_module = modules.delete_module
    list_service_offers = account.list_service_offers
    list_connectors = account.list_connectors
    list_virtual_machines = runs.list_virtual_machines
    list_ssh_keys = account.list_ssh_keys
    add_ssh_key = account.add_ssh_key
    delete_ssh_key = account.delete_ssh_key


def _token_claims(client: Client) -> dict[str, Any]:
    """Read the claims of the cookie, which is ``token=`` and a JSON web token; not verified."""
    for cookie in client.cookies:
        if cookie.name == _COOKIE and cookie.value:
            payload = cookie.value.partition(".")[2].partition(".")[0]
            try:
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            except (ValueError, RecursionError):
                continue
            if isinstance(claims, dict):
                return claims
    return {}


def _is_slipstream(entry_point: CloudEntryPoint) -> bool:
    """Whether the entry point is one of version 3: camel case, and a ``resourceURI``."""
    return "resourceURI" in entry_point.raw and entry_point.collections.keys() >= _NEEDED


HOSTED = EndpointKind(
    name="nuv.la",
    title="SlipStream",
    backend=SlipStream3,
    hosts={"nuv.la"},
    description="the hosted SlipStream service",
)
SELF_HOSTED = EndpointKind(
    name="slipstream",
    title="SlipStream",
    backend=SlipStream3,
    recognises=_is_slipstream,
    api_version="1",
    description="a SlipStream 3 server of one's own",
)


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    """The endpoints that speak the protocol of SlipStream 3."""
    return [HOSTED, SELF_HOSTED]
