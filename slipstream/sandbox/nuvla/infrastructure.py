"""
Where things can run: services, the groups that hold them, and edges.

Source: nuvla/api-server, server/resources/infrastructure_service*.clj, nuvlabox.clj and
nuvlabox_status.clj.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.sandbox.cimi import JsonProblem, Reply, action, created, not_played
from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.resource import Resource, schema
from slipstream.sandbox.schema import anything, boolean, described, list_of, map_of, matching, text
from slipstream.sandbox.store import Document

PULL = "NUVLA_JOB_PULL"
"""The capability of an edge that fetches its jobs itself."""
_WORDS = "[a-z0-9]+(-[a-z0-9]+)*"
_TEMPLATE = described(
    subtype=matching(_WORDS, f'(fn [%] (re-matches #"^{_WORDS}$" %))'), endpoint=text, state=text
)


class InfrastructureService(Resource):
    """Services."""

    name = "infrastructure-service"
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

    def create(self, body: Document) -> Reply:
        """Add a service; nothing says that its group has to exist."""
        template, values = self.from_template(body)
        if template["method"] != "generic":
            raise not_played(f"adding a service by {template['id']}")
        self.check_template(body, values, _TEMPLATE)
        outer = {name: body[name] for name in ("name", "description", "parent") if name in body}
        return created(self.store(values | outer | {"method": template["method"]})["id"])


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
    _unplayed = (
        *("commission", "decommission", "revoke-ssh-key", "update-nuvlabox", "create-log"),
        *("cluster-nuvlabox", "assemble-playbooks", "enable-emergency-playbooks", "heartbeat"),
        *("enable-host-level-management", "generate-new-api-key"),
    )
    unplayed = ("add", "edit", "bulk", "coe-resource-actions", *_unplayed)

    def deletable(self, document: Document) -> bool:
        return document["state"] in {"NEW", "DECOMMISSIONED", "ERROR"}

    def offered(self, document: Document) -> Sequence[str]:
        is_new = PULL in document.get("capabilities", ())
        actions = ("add-ssh-key", "reboot", *self._unplayed)
        return (*actions, *(["coe-resource-actions"] if is_new else []))

    def remove(self, document: Document) -> None:
        """Refuse in most states."""
        if not self.deletable(document):
            raise self.not_allowed("delete", document)

    @action
    def reboot(self, edge: Document) -> Reply:
        """Queue the job that reboots an edge, which the edge fetches."""
        text_ = f"sending reboot request to NuvlaBox {edge['id']}"
        return self._ask("reboot_nuvlabox", edge, text_)

    @action
    def add_ssh_key(self, edge: Document) -> Reply:
        """Queue the job that lets a key into an edge."""
        key = self.visible(self.body().get("credential"))["id"]
        text_ = f"asking NuvlaBox {edge['id']} to add SSH key {key}"
        return self._ask("nuvlabox_add_ssh_key", edge, text_, affected=[key])

    def _ask(self, name: str, edge: Document, text_: str, affected: Sequence[str] = ()) -> Reply:
        self.require("manage", edge)
        holders: tuple[str, ...] = (self.identity.owner, edge["id"])
        rights = {"view_data": holders, "manage": holders, "edit_data": holders}
        rights["edit_acl"] = holders[:1]
        return queued(self, name, edge, text_, mode="pull", rights=rights, affected=affected)


class NuvlaBoxStatus(Resource):
    """What edges report of themselves."""

    name = "nuvlabox-status"
    adders = ADMIN
    hidden = ("coe-resources",)
