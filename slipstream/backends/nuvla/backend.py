"""The backend for Nuvla's API, version 2: each operation, by the module that has it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from slipstream.backends.cimi import CimiBackend
from slipstream.backends.nuvla import (
    deploying,
    edges,
    lifecycle,
    locations,
    logs,
    modules,
    parameters,
    ssh_keys,
    state_reads,
    termination,
)
from slipstream.backends.nuvla.dialect import GONE, STATES, post
from slipstream.backends.nuvla.ids import is_id
from slipstream.errors import DriverError, InvalidCredentials, MalformedAnswer
from slipstream.session import Session
from slipstream.session.login import LoginAttempt
from slipstream.transport.forking import PerProcess
from slipstream.transport.messages import Response
from slipstream.values import (
    Connector,
    Deployment,
    DeploymentRequest,
    DeploymentState,
    Module,
    RunParameter,
    ServiceOffer,
    SSHKey,
    VirtualMachine,
)

CODE = "code"
"""The login parameter that holds the code of the second factor, or a callable that gives it."""


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
    sessions_key = "resources"
    templates_key = "resources"
    template_key = "template"
    template_aliases: ClassVar = {"internal": "password"}

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._key_lock = PerProcess(threading.Lock)

    def template_fields(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Leave out the code of a second factor, which has a request of its own."""
        return {name: value for name, value in fields.items() if name != CODE}

    def second_factor(
        self,
        attempt: LoginAttempt,
        template: str,
        response: Response,
        fields: Mapping[str, object],
    ) -> Response:
        """
        Send the code of a second factor where a login is answered with 200 instead of 201.

        Source: nuvla/api-server, callback_create_session_2fa.clj.
        """
        callback = _callback(response)
        if callback is None:
            return response
        code = fields.get(CODE)
        code = code() if callable(code) else code
        if not isinstance(code, str) or not code:
            raise InvalidCredentials(
                f"Cannot log in by {template!r} on {attempt.endpoint}: a second factor is needed.",
                code=response.status,
                endpoint=attempt.endpoint.url,
                hint="Pass ex_login_parameters={'code': '123456'}, or a callable that gives it.",
            )
        attempt.hide(code)
        response = attempt.exchange(post(callback, {"token": code}))
        if response.status in {400, 403, 404, 409}:
            raise attempt.refusal(
                response,
                doing="log in",
                hint="Check the code of the second factor; it is good for a short time only.",
                error=InvalidCredentials,
            )
        return response

    def act_for(self, attempt: LoginAttempt, group: str) -> None:
        """Go on as a group; what is created from then on belongs to it."""
        claim = group if group.startswith(("group/", "user/")) else f"group/{group}"
        document = self.session_document(attempt)
        name = document.get("id") if document else None
        if not is_id(name, "session"):
            raise InvalidCredentials(
                f"Cannot act for {claim}: there is no session.", endpoint=attempt.endpoint.url
            )
        response = attempt.exchange(post(f"{name}/switch-group", {"claim": claim}))
        if response.status < 400 and response.status != 200:
            raise MalformedAnswer(
                f"Cannot act for {claim}: HTTP {response.status} says nothing of it.",
                endpoint=attempt.endpoint.url,
            )
        if response.status != 200:
            raise attempt.refusal(
                response,
                doing=f"act for {claim}",
                hint="Check the group's name, and that this account is a member.",
                error=InvalidCredentials if response.status in {400, 403, 404} else None,
            )

    def session_ended(self, response: Response) -> bool:
        """Whether a 403 means that the login has expired; the server has no other status."""
        return response.status == 403 and not self.accepts_session(self.session)

    def preflight(self, request: DeploymentRequest) -> Iterable[DriverError]:
        """Find what the server would refuse of a deployment."""
        return deploying.find_refusals(self.session, request)

    def list_deployments(self, active_only: bool, addresses: bool) -> Iterable[Deployment]:
        """List deployments, newest first; their addresses by a search for each hundred."""
        return lifecycle.list_deployments(self.session, active_only, addresses)

    def get_deployment(self, deployment_id: str) -> Deployment:
        """Read a deployment with its parameters."""
        return lifecycle.get_deployment(self.session, deployment_id)

    def get_deployments(self, deployment_ids: Sequence[str]) -> Iterable[Deployment]:
        """Read several deployments."""
        return state_reads.get_deployments(self.session, deployment_ids)

    def get_state(self, deployment_id: str, states: frozenset[str]) -> DeploymentState:
        """Read the state of a deployment."""
        return lifecycle.get_state(self.session, deployment_id, states)

    def deploy(self, request: DeploymentRequest) -> Deployment:
        """Create, configure and start a deployment."""
        return deploying.deploy(self.session, request)

    def terminate(
        self,
        deployment_id: str,
        force: bool,
        raw: Mapping[str, Any],
    ) -> bool:
        """Stop a deployment and delete it."""
        return termination.terminate(self.session, deployment_id, force, raw)

    def start_deployment(self, deployment_id: str) -> bool:
        """Start a deployment that is created or stopped."""
        return lifecycle.run_action(self.session, deployment_id, "start")

    def stop_deployment(self, deployment_id: str) -> bool:
        """Stop a deployment; it can be started again."""
        return lifecycle.run_action(self.session, deployment_id, "stop")

    def reboot_deployment(self, deployment_id: str) -> bool:
        """Stop a deployment, and start it again."""
        return lifecycle.reboot(self.session, deployment_id)

    def update_deployment(self, deployment_id: str) -> bool:
        """Apply a deployment's application again, with its present values."""
        return lifecycle.run_action(self.session, deployment_id, "update")

    def get_logs(
        self, deployment_id: str, components: Iterable[str], lines: int, timeout: float
    ) -> dict[str, list[str]]:
        """Let the server fetch the logs, and read them."""
        return logs.get_logs(self.session, deployment_id, components, lines, timeout)

    def list_modules(
        self, path: str | None, recurse: bool, connector: str | None
    ) -> Iterable[Module]:
        """List modules."""
        return modules.list_modules(self.session, path, recurse, connector)

    def get_module(self, module_id: str) -> Module:
        """Read a module."""
        return modules.get_module(self.session, module_id)

    def delete_module(self, module_id: str, all_versions: bool) -> bool:
        """Delete a module."""
        return modules.delete_module(self.session, module_id, all_versions)

    def list_service_offers(
        self,
        connector: str | None,  # noqa: ARG002 - there are none anywhere
        usable_only: bool,  # noqa: ARG002
    ) -> Iterable[ServiceOffer]:
        """The one size that stands for what an application takes by itself."""
        return (ServiceOffer(id=deploying.SIZE, name=deploying.SIZE),)

    def list_connectors(self) -> Iterable[Connector]:
        """List the infrastructure services that the user has credentials for."""
        return locations.list_connectors(self.session)

    def list_virtual_machines(
        self, connector: str | None, deployment_id: str | None, raw: Mapping[str, Any]
    ) -> Iterable[VirtualMachine]:
        """List edge devices, or the edge that a deployment runs on."""
        return edges.list_virtual_machines(self.session, connector, deployment_id, raw)

    def get_parameter(self, deployment_id: str, name: str, ignore_abort: bool) -> RunParameter:
        """Read a parameter of a deployment."""
        return parameters.get_parameter(self.session, deployment_id, name, ignore_abort)

    def list_ssh_keys(self) -> Iterable[SSHKey]:
        """List the credentials that are SSH keys."""
        return ssh_keys.list_ssh_keys(self.session)

    def add_ssh_key(self, key: SSHKey) -> SSHKey:
        """Create a credential for a key."""
        return ssh_keys.add_ssh_key(self.session, self._key_lock, key)

    def delete_ssh_key(self, key: SSHKey) -> bool:
        """Delete the credential of a key."""
        return ssh_keys.delete_ssh_key(self.session, key)


def _callback(response: Response) -> str | None:
    """Where to send the code of a second factor; ``None`` if the response asks for none."""
    try:
        document = response.json() if response.status == 200 else None
        location = document.get("location") if isinstance(document, dict) else None
        path = urlsplit(location if isinstance(location, str) else "").path
    except (MalformedAnswer, ValueError):
        return None
    callback = path.rpartition("/api/")[2].removesuffix("/execute")
    return f"{callback}/execute" if is_id(callback, "callback") else None
