"""
Types that are only read: login templates, groups, events, services and edges.

Source: nuvla/api-server, server/resources/session_template.clj, group.clj, event.clj,
infrastructure_service*.clj, nuvlabox.clj and nuvlabox_status.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.cimi import JsonProblem
from slipstream.sandbox.nuvla.resource import Resource, described
from slipstream.sandbox.nuvla.state import ADMIN, ANON, USER
from slipstream.sandbox.schema import anything, text
from slipstream.sandbox.store import Document, Query, Result


class SessionTemplate(Resource):
    """Ways to log in. The sandbox does not administer them."""

    name = "session-template"
    searchers = ANON
    adders = ADMIN
    unplayed = ("add", "edit", "delete", "bulk-delete")


class Group(Resource):
    """Groups. The sandbox does not administer them."""

    name = "group"
    _actions = ("invite", "add-subgroup", "get-pending-invitations", "revoke-invitation")
    unplayed = ("add", "delete", *_actions)

    def offered(self, document: Document) -> Sequence[str]:
        return self._actions

    def envelope(self, result: Result, query: Query) -> Document:
        envelope = super().envelope(result, query)
        envelope["acl"]["add"] = [ADMIN, USER]
        return envelope


class Event(Resource):
    """Events of resources. The server creates most of them, the sandbox all."""

    name = "event"
    methods = ("search", "add", "read", "delete")
    hidden = ("content/resource/content",)
    bulk = ("bulk-delete", USER)
    unplayed = ("add", "bulk-delete")


PULL = "NUVLA_JOB_PULL"
"""The capability of an edge that fetches its jobs itself."""


class InfrastructureService(Resource):
    """Services. The sandbox does not administer them."""

    name = "infrastructure-service"
    unplayed = ("add", "edit")


class InfrastructureServiceGroup(Resource):
    name = "infrastructure-service-group"
    description = described(infrastructure_services=anything, documentation=text)

    def _services(self, group: Document) -> list[Document]:
        services = self.world.store.collection("infrastructure-service")
        return [service for service in services if service.get("parent") == group["id"]]

    def present(self, document: Document, select: Sequence[str] | None) -> Document:
        """The document of a group, with its services if it is read by its id."""
        presented = super().present(document, select)
        if "/" in self.request.path and self.request.method == "get":
            links = [{"href": service["id"]} for service in self._services(document)]
            presented["infrastructure-services"] = links
        return presented

    def remove(self, document: Document) -> None:
        """Refuse while there are services."""
        if number := len(self._services(document)):
            words = f"{number} linked services remain"
            raise JsonProblem(409, f"cannot delete {document['id']}: {words}")


class NuvlaBox(Resource):
    """Edges. The sandbox does not administer them."""

    name = "nuvlabox"
    bulk = ("bulk-action", USER)
    _actions = (
        *("add-ssh-key", "reboot", "commission", "decommission", "revoke-ssh-key"),
        *("update-nuvlabox", "create-log", "cluster-nuvlabox", "assemble-playbooks"),
        *("enable-emergency-playbooks", "heartbeat", "enable-host-level-management"),
        "generate-new-api-key",
    )
    unplayed = ("add", "edit", "delete", "bulk", "coe-resource-actions", *_actions)

    def deletable(self, document: Document) -> bool:
        return document["state"] in {"NEW", "DECOMMISSIONED", "ERROR"}

    def offered(self, document: Document) -> Sequence[str]:
        is_new = PULL in document.get("capabilities", ())
        return (*self._actions, *(["coe-resource-actions"] if is_new else []))


class NuvlaBoxStatus(Resource):
    """The reports of edges."""

    name = "nuvlabox-status"
    adders = ADMIN
    hidden = ("coe-resources",)


TYPES: tuple[type[Resource], ...] = (
    *(SessionTemplate, Group, Event, InfrastructureService, InfrastructureServiceGroup),
    *(NuvlaBox, NuvlaBoxStatus),
)
