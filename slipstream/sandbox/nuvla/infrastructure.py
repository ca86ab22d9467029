"""
Where things can run: services, the groups that hold them, and edges.

Source: nuvla/api-server, server/resources/infrastructure_service*.clj, nuvlabox.clj and
nuvlabox_status.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.nuvla.access import ADMIN, USER
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.schema import (
    anything,
    boolean,
    list_of,
    map_of,
    text,
)
from slipstream.sandbox.store import Document

PULL = "NUVLA_JOB_PULL"
"""The capability of an edge that fetches its jobs itself."""
TEMPLATE = "infrastructure-service-template/generic"
_DEFAULTS = {"state": "STARTED", "endpoint": "https://service.example.org:1234"}


class InfrastructureServiceTemplate(Resource):
    """What services are made from."""

    name = "infrastructure-service-template"
    methods = ("search", "read")
    adders = None
    editable = False


class InfrastructureService(Resource):
    """Services."""

    name = "infrastructure-service"
    unplayed = ("add",)
    description = schema(
        method=text,
        endpoint=text,
        state=text,
        swarm_enabled=boolean,
        swarm_manager=boolean,
        online=boolean,
        capabilities=list_of(text),
        management_credential=text,
        cluster_params=map_of(),
    )


class InfrastructureServiceGroup(Resource):
    """Groups of services."""

    name = "infrastructure-service-group"
    description = schema(infrastructure_services=anything, documentation=text)

    def _services(self, group: Document) -> list[Document]:
        services = self.world.store.collection("infrastructure-service")
        return [service for service in services if service.get("parent") == group["id"]]

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        """Show a group, and always its services when it is read by itself."""
        presented = super().present(document, select)
        if "/" in self.request.path and self.request.method == "get":
            links = [{"href": service["id"]} for service in self._services(document)]
            presented["infrastructure-services"] = links
        return presented

    def remove(self, document: Document) -> None:
        """Refuse while there are services."""
        number, identifier = len(self._services(document)), document["id"]
        if number:
            text_ = f"cannot delete {identifier}: {number} linked services remain"
            raise JsonProblem(409, text_)


class NuvlaBox(Resource):
    """Edges."""

    name = "nuvlabox"
    bulk = "bulk-action"
    methods = ("search", "add", "read", "edit", "delete")
    _actions = (
        *("commission", "decommission", "add-ssh-key", "revoke-ssh-key", "update-nuvlabox"),
        *("cluster-nuvlabox", "reboot", "assemble-playbooks", "enable-emergency-playbooks"),
        *("enable-host-level-management", "create-log", "generate-new-api-key", "heartbeat"),
    )
    unplayed = ("add", "edit", "bulk", "coe-resource-actions", *_actions)

    def deletable(self, document: Document) -> bool:
        """Whether the state allows to delete."""
        return document["state"] in {"NEW", "DECOMMISSIONED", "ERROR"}

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on an edge, none of which the sandbox plays."""
        is_new = PULL in document.get("capabilities", ())
        return (*self._actions, *(["coe-resource-actions"] if is_new else []))

    def remove(self, document: Document) -> None:
        """Refuse in most states."""
        if not self.deletable(document):
            identifier = document["id"]
            text_ = f"operation 'delete' not allowed on {identifier}"
            raise JsonProblem(409, text_, identifier)


class NuvlaBoxStatus(Resource):
    """What edges report of themselves."""

    name = "nuvlabox-status"
    adders = ADMIN
    hidden = ("coe-resources",)


def add_templates(world: State) -> None:
    """Add what services are made from."""
    world.document(
        "infrastructure-service-template",
        ADMIN,
        attributes=_DEFAULTS,
        rights={"view_acl": (USER,)},
        id=TEMPLATE,
        name="generic service template",
        description="template requiring basic service resource attributes",
        resource_metadata="resource-metadata/infrastructure-service-template-generic",
        method="generic",
        subtype="my-service",
    )
