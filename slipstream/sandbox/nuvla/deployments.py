"""
Deployments.

Source: nuvla/api-server, server/resources/deployment.clj and deployment/utils.clj.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.nuvla import parameters
from slipstream.sandbox.nuvla.access import acl, normalised
from slipstream.sandbox.nuvla.call import Answer, Call, created, not_found, required, visible
from slipstream.sandbox.nuvla.deployment_actions import (
    ACTIONS,
    BULK,
    check_state,
    offered,
)
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.nuvla.modules import content_of, split_version
from slipstream.sandbox.nuvla.placement import placement
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

_COPIED = ("execution-mode", "deployment-set", "app-set", "api-endpoint")
_FIXED = frozenset(
    {"owner", "infrastructure-service", "deployment-set", "subscription-id", "nuvlabox"}
)
# What may be changed in the copy of the module: the list, and the value of its elements.
_OPEN = (
    ("environmental-variables", "name", "value"),
    ("output-parameters", "name", "value"),
    ("files", "file-name", "file-content"),
)


def module_copy(call: Call, href: object) -> Document:
    """
    Copy a module, as a deployment holds it.

    :param call: The request.
    :param href: The module's id, with its version or without.
    :returns: The copy.
    :raises JsonProblem: 404 or 403.
    """
    identifier = str(href)
    module = call.world.store.get(split_version(identifier)[0])
    if module is None or module["resource-type"] != "module":
        raise not_found(identifier)
    required(call, "view-data", module)
    content = content_of(call.world, module, identifier)
    if content is None:
        raise JsonProblem(400, "projects cannot be deployed")
    kept = {name: value for name, value in module.items() if name != "acl"}
    return kept | {"href": identifier, "content": content}


def _add(call: Call) -> Answer:
    body = call.document
    module = body.get("module")
    if not isinstance(module, dict) or "href" not in module:
        raise JsonProblem(400, "Request body is missing a module href!")
    copied = module_copy(call, module["href"])
    given = {name: body[name] for name in _COPIED if name in body}
    place: Document = {"execution-mode": "push"} | given
    if "parent" in body:
        place = given | placement(call.world, visible(call, body["parent"]))
    return created(_keep(call, copied, place)["id"])


def _keep(call: Call, module: Document, attributes: Mapping[str, Any]) -> Document:
    owner, identifier = call.identity.owner, f"deployment/{call.world.ids.uuid()}"
    edges = [attributes["nuvlabox"]] if "nuvlabox" in attributes else []
    return call.world.document(
        "deployment",
        owner,
        attributes={"api-endpoint": call.base} | dict(attributes),
        id=identifier,
        created_by=call.identity.user,
        state="CREATED",
        owner=owner,
        module=module,
        acl=acl(owner, view_acl=[identifier], edit_data=[identifier, *edges]),
    )


def _edit(call: Call, deployment: Document, changes: Document) -> Document:
    kept = {name: value for name, value in changes.items() if name not in _FIXED}
    if "module" in kept:
        kept["module"] = _edited_module(call, deployment["module"], kept["module"])
    if kept.get("parent") and kept["parent"] != deployment.get("parent"):
        # A whole document sent back holds the old place: the new credential goes before it.
        kept |= placement(call.world, visible(call, kept["parent"]))
        edges = [kept["nuvlabox"]] if "nuvlabox" in kept else []
        rights = dict(deployment["acl"])
        rights["edit-data"] = [*rights.get("edit-data", []), *edges]
        kept["acl"] = normalised(rights)
    return kept


def _edited_module(call: Call, module: Document, sent: Any) -> Document:
    sent = sent if isinstance(sent, dict) else {}
    href = sent.get("href", module["href"])
    if href != module["href"]:
        module = module_copy(call, href)
    content = sent.get("content")
    if not isinstance(content, dict):
        return module
    return module | {"content": with_values(module["content"], content)}


def with_values(content: Document, sent: Mapping[str, Any]) -> Document:
    """
    Take over the values that may be changed, matched by name; everything else stays.

    :param content: The content of the copy of a module.
    :param sent: What was sent.
    :returns: The new content.
    """
    changed = dict(content)
    for list_name, key, value_name in _OPEN:
        if list_name not in content or not isinstance(sent.get(list_name), list):
            continue
        given = {one.get(key): one for one in sent[list_name] if isinstance(one, dict)}
        changed[list_name] = [
            _with_value(one, given.get(one[key]), value_name) for one in content[list_name]
        ]
    return changed


def _with_value(element: Document, sent: Document | None, value_name: str) -> Document:
    if sent is None:
        return element
    bare = {name: value for name, value in element.items() if name != value_name}
    return bare | ({value_name: sent[value_name]} if value_name in sent else {})


def _delete(call: Call, deployment: Document) -> None:
    check_state(deployment, "delete")
    clear_up(call, deployment)


def clear_up(call: Call, deployment: Document) -> None:
    """
    Remove what goes with a deployment: parameters, logs and API key.

    :param call: The request.
    :param deployment: The deployment.
    """
    store = call.world.store
    parameters.remove(call.world, deployment["id"])
    for log in list(store.collection("resource-log")):
        if log["parent"] == deployment["id"]:
            store.remove(log["id"])
    store.remove(deployment.get("api-credentials", {}).get("api-key", ""))


def _clone(call: Call, deployment: Document) -> Answer:
    required(call, "view-data", deployment)
    names = ("name", "description", "tags", "data")
    kept = {name: deployment[name] for name in names if name in deployment}
    copy = _keep(call, deployment["module"], kept | {"execution-mode": "push"})
    return created(copy["id"])


def _fetch_module(call: Call, deployment: Document) -> Answer:
    required(call, "edit-data", deployment)
    href = str(call.document.get("module-href"))
    bare, number = split_version(href)
    if number is None or bare != deployment["module"]["id"]:
        raise JsonProblem(400, "invalid module-href", deployment["id"])
    fresh = module_copy(call, href)
    fresh["content"] = with_values(fresh["content"], _bearing(deployment["module"]["content"]))
    call.world.change(deployment["id"], call.world.now(), module=fresh)
    return Answer(document=call.world.store[deployment["id"]])


def _bearing(content: Document) -> Document:
    """The elements that have a value: those without must not take away a default."""
    return {
        list_name: [one for one in content.get(list_name, ()) if value_name in one]
        for list_name, _, value_name in _OPEN
    }


def _force_delete(call: Call, deployment: Document) -> Answer:
    required(call, "delete", deployment)
    clear_up(call, deployment)
    call.world.store.remove(deployment["id"])
    return Answer(
        document={
            "status": 200,
            "message": f"{deployment['id']} deleted",
            "resource-id": deployment["id"],
        }
    )


DEPLOYMENT = Kind(
    name="deployment",
    attributes=schema(
        *("state", "owner", "credential-name", "infrastructure-service", "nuvlabox", "module"),
        *("infrastructure-service-name", "nuvlabox-name", "execution-mode", "api-endpoint"),
        *("api-credentials", "registries-credentials", "data", "deployment-set", "app-set"),
        *("deployment-set-name", "coupon", "subscription-id", "data-records-filter"),
    ),
    hidden=("module/content", "module/versions", "api-endpoint"),
    add=_add,
    edit=_edit,
    delete=_delete,
    deletable=lambda one: one["state"] in {"CREATED", "STOPPED"},
    rels=lambda _, one: offered(one),
    actions={
        **ACTIONS,
        "clone": _clone,
        "fetch-module": _fetch_module,
        "force-delete": _force_delete,
    },
    bulk=BULK,
)
