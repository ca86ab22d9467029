"""
Types that are only read: login templates, events, services and edges.

Source: nuvla/api-server, server/resources/session_template.clj, event.clj,
infrastructure_service*.clj, nuvlabox.clj and nuvlabox_status.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.nuvla.resource import Resource
from slipstream.sandbox.nuvla.state import ADMIN, ANON, USER
from slipstream.sandbox.store import Document


class SessionTemplate(Resource):
    name = "session-template"
    searchers = ANON
    adders = ADMIN


class Event(Resource):
    """Events of resources. The server creates most of them, the sandbox all."""

    name = "event"
    is_editable = False
    hidden = ("content/resource/content",)
    bulk = ("bulk-delete", USER)


PULL = "NUVLA_JOB_PULL"
"""The capability of an edge that fetches its jobs itself."""


class InfrastructureService(Resource):
    name = "infrastructure-service"


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


class NuvlaBoxStatus(Resource):
    name = "nuvlabox-status"
    adders = ADMIN
    hidden = ("coe-resources",)


TYPES: tuple[type[Resource], ...] = (
    *(SessionTemplate, Event, InfrastructureService, InfrastructureServiceGroup),
    *(NuvlaBox, NuvlaBoxStatus),
)
