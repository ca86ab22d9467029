"""The backend for SlipStream 3: each operation, by the module that has it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from slipstream.backends.cimi import CimiBackend
from slipstream.backends.slipstream import (
    deploying,
    machines,
    modules,
    offers,
    preflight,
    runs,
    ssh_keys,
    state_reads,
    xml,
)
from slipstream.backends.slipstream.dialect import JSON, STATES, WIRE_NAMES
from slipstream.backends.slipstream.form import CONNECTOR
from slipstream.errors import BadInput, DriverError, MalformedAnswer
from slipstream.session import Session
from slipstream.session.login import Client
from slipstream.transport.forking import PerProcess
from slipstream.transport.messages import Request, Response
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

_UP_OR_GONE = (
    "A run is up or gone: end it with destroy_node(), and make it again with create_node()."
)
# A collection that needs a user, and the smallest page of it.
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
    states = STATES
    parameter_roles: ClassVar = {name: role for role, name in WIRE_NAMES.items()}
    takes_ssh_keys = True
    cannot: ClassVar = {
        "start_deployment": _UP_OR_GONE,
        "stop_deployment": _UP_OR_GONE,
        "reboot_deployment": _UP_OR_GONE,
        "update_deployment": "A run keeps the version of the module that it was made from: make"
        " another one with create_node().",
        "get_logs": "The server hands out no logs: read them on the machines of the node, by SSH.",
    }
    sessions_key = "sessions"
    templates_key = "sessionTemplates"
    template_key = "sessionTemplate"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._key_lock = PerProcess(threading.Lock)
        self._components = deploying.ReadComponents()

    def accepts_session(self, client: Client) -> bool:
        """
        Whether the server takes the cookies of a client as a login.

        A cookie made by ``/auth/login`` has no session document, and one whose session was
        deleted still counts until it expires, so the last word has a collection that needs a user.
        """
        return super().accepts_session(client) or client.exchange(_PROBE).status == 200

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
        try:
            detail = self._detail(response)
        except (MalformedAnswer, AttributeError, LookupError, TypeError):
            return None
        return xml.without_markup(detail) if isinstance(detail, str) else None

    def _detail(self, response: Response) -> Any:
        if response.kind.endswith("xml"):
            return xml.parse(response, "error").get("detail")
        if response.kind.endswith("json"):
            # The XML half answers in JSON where a request accepts nothing else.
            error = response.json().get("error")
            return error["detail"] if error else super().error_detail(response)
        return super().error_detail(response)

    @staticmethod
    def location_name(location: str) -> str:
        """Write a connector by its bare name, not by the id that lists give."""
        return location.removeprefix(CONNECTOR)

    def preflight(self, request: DeploymentRequest) -> Iterable[DriverError]:
        """Find what the server would refuse of a deployment."""
        return preflight.find_refusals(self.session, request)

    def list_deployments(self, active_only: bool, addresses: bool) -> Iterable[Deployment]:
        """List runs, newest first; their addresses by a search of machines for each hundred."""
        return runs.list_deployments(self.session, active_only, addresses)

    def get_deployment(self, deployment_id: str) -> Deployment:
        """Read a run with its parameters; megabytes for a large application."""
        return runs.read(self.session, deployment_id)

    def get_deployments(self, deployment_ids: Sequence[str]) -> Iterable[Deployment]:
        """Read several runs."""
        return state_reads.get_deployments(self.session, deployment_ids)

    def get_state(self, deployment_id: str, states: frozenset[str]) -> DeploymentState:
        """Read the state of a run."""
        return runs.get_state(self.session, deployment_id, states)

    def deploy(self, request: DeploymentRequest) -> Deployment:
        """Create a run."""
        return deploying.deploy(self.session, self._key_lock, request, self._components)

    def terminate(
        self,
        deployment_id: str,
        force: bool,
        raw: Mapping[str, Any],  # noqa: ARG002 - the id is enough
    ) -> bool:
        """End a run."""
        if force:
            raise BadInput(
                "ex_force has no meaning here: the server ends its machines in every state.",
                hint="Leave it out.",
            )
        return runs.terminate(self.session, deployment_id)

    def list_modules(
        self, path: str | None, recurse: bool, connector: str | None
    ) -> Iterable[Module]:
        """List modules; which clouds they are made for is known of few."""
        listed = modules.list_modules(self.session, path, recurse)
        if connector is None:
            return listed
        return (m for m in listed if not m.image_ids or connector in m.image_ids)

    def get_module(self, module_id: str) -> Module:
        """Read a module."""
        return self._components.keep(modules.read(self.session, module_id))

    def delete_module(self, module_id: str, all_versions: bool) -> bool:
        """Delete a module."""
        return modules.delete_module(self.session, module_id, all_versions)

    def list_service_offers(
        self, connector: str | None, usable_only: bool
    ) -> Iterable[ServiceOffer]:
        """List service offers of type VM."""
        return offers.list_service_offers(self.session, connector, usable_only)

    def list_connectors(self) -> Iterable[Connector]:
        """List the connectors that the user is set up for."""
        return offers.list_connectors(self.session)

    def list_virtual_machines(
        self,
        connector: str | None,
        deployment_id: str | None,
        raw: Mapping[str, Any],  # noqa: ARG002 - the id says it all
    ) -> Iterable[VirtualMachine]:
        """Search machines."""
        return machines.find(self.session, connector=connector, deployment_id=deployment_id)

    def get_parameter(self, deployment_id: str, name: str, ignore_abort: bool) -> RunParameter:
        """Read a runtime parameter."""
        return runs.get_parameter(self.session, deployment_id, name, ignore_abort)

    def list_ssh_keys(self) -> Iterable[SSHKey]:
        """List the keys of the profile."""
        return ssh_keys.list_ssh_keys(self.session)

    def add_ssh_key(self, key: SSHKey) -> SSHKey:
        """Add a key to the profile."""
        return ssh_keys.add_ssh_key(self.session, self._key_lock, key)

    def delete_ssh_key(self, key: SSHKey) -> bool:
        """Remove a key from the profile."""
        return ssh_keys.delete_ssh_key(self.session, self._key_lock, key)
