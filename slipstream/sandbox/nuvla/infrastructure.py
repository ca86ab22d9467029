"""
Where things can run: services, and the groups that hold them.

Source: nuvla/api-server, server/resources/infrastructure_service*.clj.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.sandbox.nuvla.access import acl, normalised
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, visible
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

TEMPLATE = "infrastructure-service-template/generic"
_OUTER = ("name", "description", "tags", "parent", "acl")
_TEMPLATE_FIELDS = frozenset(
    {"href", "subtype", "endpoint", "state", "swarm-enabled", "online", *_OUTER}
)


def _add(call: Call) -> Answer:
    body = call.document
    template = body.get("template")
    if not isinstance(template, dict) or template.get("href") != TEMPLATE:
        raise JsonProblem(400, f"resource {SCHEMA}template href is missing\n")
    extra = sorted(set(template) - _TEMPLATE_FIELDS)
    if extra or not template.get("subtype") or not template.get("endpoint"):
        raise JsonProblem(400, f"resource {SCHEMA}subtype and endpoint are needed, not {extra}\n")
    given = {name: value for name, value in template.items() if name not in {"href", "acl"}}
    given |= {name: body[name] for name in _OUTER if name in body and name != "acl"}
    visible(call, given.get("parent"))
    rights = body.get("acl") or template.get("acl")
    owner = call.identity.owner
    service = call.world.document(
        "infrastructure-service",
        owner,
        attributes={"state": "STARTED"} | given,
        created_by=call.identity.user,
        method="generic",
        acl=normalised(rights) if rights else acl(owner),
    )
    return created(service["id"])


def _services(call: Call, group: Document) -> list[Document]:
    every = call.world.store.collection("infrastructure-service")
    return [one for one in every if one.get("parent") == group["id"]]


def _read_group(call: Call, group: Document) -> Document:
    links = [{"href": one["id"]} for one in _services(call, group)]
    return group | {"infrastructure-services": links}


def _delete_group(call: Call, group: Document) -> None:
    number = len(_services(call, group))
    if number:
        identifier = group["id"]
        message = f"cannot delete {identifier}: {number} linked services remain"
        raise JsonProblem(409, message, identifier)


SERVICE = Kind(
    name="infrastructure-service",
    attributes=schema(
        *("method", "endpoint", "state", "swarm-enabled", "swarm-manager", "online"),
        *("capabilities", "management-credential", "cluster-params"),
    ),
    add=_add,
)
GROUP = Kind(
    name="infrastructure-service-group",
    attributes=schema("infrastructure-services", "documentation"),
    read=_read_group,
    delete=_delete_group,
)
