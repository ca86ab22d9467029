"""The backend for Nuvla's API, version 2: each operation, by the module that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, Entry, is_id, json_object
from slipstream.backends.nuvla import deployments, lifecycle, locations, modules, ssh_keys
from slipstream.backends.nuvla.deployments import GONE, STATES
from slipstream.backends.nuvla.resources import write
from slipstream.errors import BadInput, InvalidCredentials, MalformedAnswer
from slipstream.filters import Filter, attr
from slipstream.hookspecs import EndpointKind, hookimpl
from slipstream.session.login import LoginAttempt
from slipstream.transport.messages import Response
from slipstream.values import CloudEntryPoint

CODE = "code"
"""The login parameter that holds the code of the second factor, or a function that returns it."""


class Nuvla(CimiBackend):
    """Nuvla's API, version 2: JSON in kebab case."""

    name = "nuvla"
    states = STATES
    state_aliases: ClassVar = {
        "Initializing": "PENDING",
        "Provisioning": "STARTING",
        "Ready": "STARTED",
        "Finalizing": "STOPPING",
        "Done": GONE,
        "Cancelled": GONE,
        "Aborted": "ERROR",
    }
    template_key = "template"
    user_key = "user"
    template_aliases: ClassVar = {"internal": "password"}
    search_order = "created:desc,id:asc"
    with_uuids = frozenset({"credential", "deployment", "infrastructure-service", "module"})
    page_size = 500
    most_counted = 10_000

    @staticmethod
    def behind(entry: Entry) -> Filter:
        """Entries without a time of creation come last."""
        later, created = attr("id").gt(entry["id"]), documents.text(entry, "created")
        if created is None:
            return attr("created").is_null() & later
        same = attr("created").eq(created) & later
        return attr("created").lt(created) | same | attr("created").is_null()

    @staticmethod
    def is_ordered(last: Entry | None, entries: list[Entry]) -> bool:
        """Whether the first entry is older than the last one before, or has a greater id."""
        if last is None or not entries:
            return True
        before = documents.timestamp(last, "created")
        after = documents.timestamp(entries[0], "created")
        if before == after:
            return str(last["id"]) < str(entries[0]["id"])
        return before is None or after is None or after < before

    def create_session(
        self, attempt: LoginAttempt, template: str, fields: Mapping[str, object]
    ) -> Response:
        """
        Send the code of a second factor if the response to a login is 200 instead of 201.

        Source: nuvla/api-server, callback_create_session_2fa.clj.
        """
        others = {name: value for name, value in fields.items() if name != CODE}
        response = super().create_session(attempt, template, others)
        callback = _callback(response)
        if callback is None:
            return response
        code = fields.get(CODE)
        if callable(code):
            try:
                code = code()
            except Exception as error:
                raise BadInput(
                    f"The function that returns the code failed: {type(error).__name__}."
                ) from error
        if not isinstance(code, str) or not code:
            raise InvalidCredentials(
                f"Cannot log in by {template!r} on {attempt.endpoint}: a second factor is needed.",
                code=response.status,
                endpoint=attempt.endpoint.url,
                hint="Pass ex_login_parameters={'code': '123456'}, or a function that returns it.",
            )
        attempt.hide(code)
        response = attempt.exchange(write("POST", callback, {"token": code}))
        if response.status in {400, 403, 404, 409}:
            raise attempt.refusal(
                response,
                doing="log in",
                hint="Check the code of the second factor; it is good for a short time only.",
                error=InvalidCredentials,
            )
        return response

    def act_for(self, attempt: LoginAttempt, group: str) -> None:
        """Act for a group, which then owns new resources."""
        claim = group if group.startswith(("group/", "user/")) else f"group/{group}"
        doing, endpoint = f"act for {claim}", attempt.endpoint.url
        name = (self.session_document(attempt) or {}).get("id")
        if not is_id(name, "session"):
            raise InvalidCredentials(f"Cannot {doing}: there is no session.", endpoint=endpoint)
        response = attempt.exchange(write("POST", f"{name}/switch-group", {"claim": claim}))
        if response.status >= 400:
            raise attempt.refusal(
                response,
                doing=doing,
                hint="Check the group's name, and that this account is a member.",
                error=InvalidCredentials if response.status in {400, 403, 404} else None,
            )
        if response.status != 200:
            raise MalformedAnswer(
                f"Cannot {doing}: HTTP {response.status} is no confirmation.", endpoint=endpoint
            )

    def session_ended(self, response: Response) -> bool:
        """Whether a 403 means that the login has expired; the server has no status of its own."""
        return response.status == 403 and not self.accepts_session(self.session)

    preflight = lifecycle.preflight
    deployment_locations = lifecycle.deployment_locations
    list_deployments = deployments.list_deployments
    get_deployment = deployments.get_deployment
    get_deployments = deployments.get_deployments
    get_state = deployments.get_state
    get_parameter = deployments.get_parameter
    deploy = lifecycle.deploy
    terminate = lifecycle.terminate
    start_deployment = lifecycle.start_deployment
    stop_deployment = lifecycle.stop_deployment
    reboot_deployment = lifecycle.reboot_deployment
    update_deployment = lifecycle.update_deployment
    get_logs = deployments.get_logs
    list_modules = modules.list_modules
    get_module = modules.get_module
    delete_module = modules.delete_module
    list_service_offers = lifecycle.list_service_offers
    list_connectors = locations.list_connectors
    list_virtual_machines = locations.list_virtual_machines
    list_ssh_keys = ssh_keys.list_ssh_keys
    add_ssh_key = ssh_keys.add_ssh_key
    delete_ssh_key = ssh_keys.delete_ssh_key


def _callback(response: Response) -> str | None:
    """The path for the code of a second factor; ``None`` if none is needed."""
    if response.status != 200:
        return None
    try:
        path = urlsplit(documents.text(json_object(response), "location") or "").path
    except ValueError:
        return None
    callback = path.rpartition("/api/")[2].removesuffix("/execute")
    return f"{callback}/execute" if is_id(callback, "callback") else None


def _is_nuvla(entry_point: CloudEntryPoint) -> bool:
    """Whether the entry point is one of version 2: kebab case, one map of collections."""
    is_entry_point = entry_point.raw.get("resource-type") == "cloud-entry-point"
    return is_entry_point and "deployment" in entry_point.collections


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    """The endpoints that speak Nuvla's API, version 2."""
    return [
        EndpointKind(
            name="nuvla.io",
            title="Nuvla",
            backend=Nuvla,
            hosts={"nuvla.io"},
            description="the hosted Nuvla service",
        ),
        EndpointKind(
            name="nuvla",
            title="Nuvla",
            backend=Nuvla,
            recognises=_is_nuvla,
            api_version="2",
            description="a Nuvla API server of one's own",
        ),
    ]
