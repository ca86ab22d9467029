"""
Deployments: adding, editing, starting, stopping, updating and deleting them.

Source: nuvla/api-server, server/resources/deployment.clj and deployment/utils.clj.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from slipstream.sandbox.cimi import JsonProblem, base_url, created, message, not_found, respond
from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla.jobs import cancel, queue_job, under_way
from slipstream.sandbox.nuvla.modules import split_version, with_content
from slipstream.sandbox.nuvla.resource import COMMON, Resource
from slipstream.sandbox.nuvla.state import ADMIN, ANON, INTERNAL, PULL, USER, State, acl, normalise
from slipstream.sandbox.schema import anything, count, describe, one_of, texts, timestamp
from slipstream.sandbox.store import Document, Query, without_none

_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "start": ("CREATED", "STOPPED"),
    "stop": ("PENDING", "STARTING", "UPDATING", "STARTED", "ERROR"),
    "update_deployment": ("STARTED", "ERROR"),
    "create-log": ("STARTED", "UPDATING", "ERROR"),
    "delete": ("CREATED", "STOPPED"),
}
# Attributes that clients do not set.
_READ_ONLY = {
    *("id", "resource-type", "created", "updated", "created-by", "updated-by", "operations"),
    *("owner", "infrastructure-service", "deployment-set", "subscription-id", "nuvlabox"),
}
# How the server fails on a body that is no map.
_FAILURES: dict[type, str] = {
    bytes: "Don't know how to create ISeq from: java.io.ByteArrayInputStream",
    list: (
        "class java.lang.Integer cannot be cast to class java.util.Map$Entry (java.lang.Integer "
        "and java.util.Map$Entry are in module java.base of loader 'bootstrap')"
    ),
}
# What may be changed in the copy of the module: the list, and the value of its elements.
_OPEN = (
    ("environmental-variables", "name", "value"),
    ("output-parameters", "name", "value"),
    ("files", "file-name", "file-content"),
)


def _is_data(value: Any) -> bool:
    """Whether each filter of data records says from when until when."""
    filters = value.get("records", {}).get("filters") or ()
    ends = ("time-start", "time-end")
    return all(timestamp(item.get(end)) for item in filters for end in ends)


def placement(world: State, credential: Document) -> Document:
    """The attributes of a deployment about its location."""
    service = world.store.get(credential.get("parent", "")) or {}
    group = world.store.get(service.get("parent", "")) or {}
    edge = world.store.get(group.get("parent", "")) or {}
    mode = "push"
    if edge:
        mode = "pull" if PULL in edge.get("capabilities", ()) else "mixed"
    placed = {
        "parent": credential["id"],
        "credential-name": credential.get("name"),
        "infrastructure-service": service.get("id"),
        "infrastructure-service-name": service.get("name"),
        "nuvlabox": edge.get("id"),
        "nuvlabox-name": edge.get("name"),
        "execution-mode": mode,
    }
    return without_none(placed)


def _with_values(content: Document, sent: Mapping[str, Any]) -> Document:
    """Merge the values that may be changed, by name."""
    changed = dict(content)
    for list_name, key, value in _OPEN:
        if list_name in content and isinstance(sent.get(list_name), list):
            items = (item for item in sent[list_name] if isinstance(item, dict))
            values = {item.get(key): item.get(value) for item in items}
            changed[list_name] = [
                without_none(item | {value: values.get(item[key], item.get(value))})
                for item in content[list_name]
            ]
    return changed


class Deployment(Resource):
    name = "deployment"
    hidden = ("module/content", "module/versions", "api-endpoint")
    bulk = ("bulk-action", USER)
    played = ("search", "read", "add", "edit", "delete")
    actions = ("start", "stop", "update", "create-log", "clone", "force-delete")
    description = COMMON | describe(
        *("owner", "credential-name", "infrastructure-service", "infrastructure-service-name"),
        *("nuvlabox", "nuvlabox-name", "api-endpoint", "deployment-set", "app-set", "coupon"),
        *("deployment-set-name", "subscription-id"),
        state=one_of(
            *("CREATED", "STARTING", "STARTED", "STOPPING", "STOPPED", "PAUSING", "PAUSED"),
            *("SUSPENDING", "SUSPENDED", "UPDATING", "UPDATED", "PENDING", "ERROR"),
        ),
        execution_mode=one_of("pull", "push", "mixed"),
        data=_is_data,
        module=anything,
        api_credentials=anything,
        registries_credentials=anything,
        data_records_filter=anything,
    )

    def create(self) -> Response:
        body = self.body()
        module = body.get("module")
        if not isinstance(module, dict) or "href" not in module:
            raise JsonProblem(400, "Request body is missing a module href!")
        copy = self._module_copy(str(module["href"]))
        names = ("execution-mode", "deployment-set", "app-set", "api-endpoint")
        attributes = {name: body[name] for name in names if name in body}
        if "parent" in body:
            attributes |= placement(self.world, self.visible(body["parent"]))
        return created(self._keep(copy, attributes)["id"])

    def clone(self, deployment: Document) -> Response:
        """Add another one with the same module and texts, and without a credential."""
        self.require("view-data", deployment)
        names = ("name", "description", "tags")
        texts: Document = {name: deployment[name] for name in names if name in deployment}
        return created(self._keep(deployment["module"], texts)["id"])

    def _module_copy(self, href: str) -> Document:
        bare = split_version(href)[0]
        module = self.world.store.get(bare)
        if not href.startswith("module/"):
            raise JsonProblem(405, "invalid method (get) for UNKNOWN")
        if module is None:
            raise not_found(bare)
        self.require("view-data", module)
        return with_content(self.world, module, href) | {"href": href}

    def _keep(self, module: Document, attributes: Document) -> Document:
        owner = self.identity.owner
        edges = [attributes["nuvlabox"]] if "nuvlabox" in attributes else []
        rights = {"edit-data": edges, "view-acl": edges} if edges else {}
        fixed: Document = {
            "state": "CREATED",
            "owner": owner,
            "module": module,
            "acl": {"owners": [owner], **rights},
        }
        return self.store({"api-endpoint": base_url(), **attributes, **fixed})

    def edit(self, identifier: str) -> Response:
        """Merge the body into a document; ``select`` names attributes to remove first."""
        document = self.existing(identifier)
        self.require("edit-meta", document)
        sent = self.body(_FAILURES)
        changes = {name: value for name, value in sent.items() if name not in _READ_ONLY}
        dropped = set(Query.read(self.parameters).select or ()) - {*_READ_ONLY, "acl"}
        merged = {name: value for name, value in document.items() if name not in dropped}
        merged |= self._derived(document, changes)
        merged |= {"updated": iso(self.world.now()), "updated-by": self.identity.user or INTERNAL}
        self.check_schema(merged, identifier)
        stored = self.world.save(merged | {"acl": normalise(merged["acl"])})
        self.record("edit", identifier, success=True)
        presented = self.present(stored, None)
        if "acl" in sent and "acl" in presented:
            # As it was sent; the stored one is complete.
            presented["acl"] = sent["acl"]
        return respond(presented)

    def _derived(self, document: Document, changes: Document) -> Document:
        """The changes without derived attributes, and these computed again."""
        if "module" in changes:
            changes["module"] = self._edited_module(document["module"], changes["module"])
        parent = changes["parent"] if "parent" in changes else document.get("parent")
        if parent is None:
            changes.pop("parent", None)
            return changes
        credential = self.visible(parent)
        if parent != document.get("parent"):
            # A whole document sent back holds the old place: the new credential goes before it.
            changes |= placement(self.world, credential)
            if "nuvlabox" in changes:
                changes["acl"] = self._shared_with(document, changes["nuvlabox"])
        return changes

    def _shared_with(self, document: Document, principal: str) -> Document:
        rights = dict(document["acl"])
        for right in ("edit-data", "view-acl"):
            rights[right] = [*rights.get(right, ()), principal]
        return normalise(rights)

    def _edited_module(self, module: Document, sent: Any) -> Document:
        sent = sent if isinstance(sent, dict) else {}
        href = sent.get("href", module["href"])
        if href != module["href"]:
            module = self._module_copy(str(href))
        content = sent.get("content")
        if not isinstance(content, dict) or "content" not in module:
            return module
        return module | {"content": _with_values(module["content"], content)}

    def deletable(self, document: Document) -> bool:
        return document["state"] in _ALLOWED["delete"]

    def remove(self, document: Document) -> None:
        self._check_state(document, "delete")
        self._clear_up(document)

    def _clear_up(self, deployment: Document, *kinds: str) -> None:
        store = self.world.store
        for kind in kinds or ("deployment-parameter", "resource-log", "credential"):
            for document in list(store.collection(kind)):
                if document.get("parent") == deployment["id"]:
                    store.remove(document["id"])

    def force_delete(self, deployment: Document) -> Response:
        """Delete in any state; containers go on running."""
        self.require("delete", deployment)
        identifier = deployment["id"]
        self._clear_up(deployment)
        self.world.store.remove(identifier)
        return message(200, f"{identifier} deleted", identifier)

    # Starting, stopping, updating.

    def offered(self, document: Document) -> Sequence[str]:
        state = document["state"]
        names = [name for name in _ALLOWED if name != "delete" and state in _ALLOWED[name]]
        always = ("clone", "check-dct", "fetch-module", "fetch-coe-resources", "force-delete")
        return [*(name.removesuffix("_deployment") for name in names), *always]

    def _check_state(self, deployment: Document, name: str) -> None:
        identifier, state = deployment["id"], deployment["state"]
        if state not in _ALLOWED[name]:
            text = f"Action {name} cannot be called on {identifier} in state {state}!"
            raise JsonProblem(409, text, identifier)

    def _enter(self, state: str, deployment: Document, action: str) -> None:
        self._check_state(deployment, action)
        # The server writes the state as an edit, which reads the credential; that it is gone is
        # then taken for an answer about the deployment.
        parent = deployment.get("parent")
        if parent is not None and parent not in self.world.store:
            raise self.required()
        user = self.identity.user or ANON
        self.world.change(deployment["id"], self.world.now(), by=user, state=state)

    def _queue(self, name: str, deployment: Document, **options: Any) -> Response:
        mode = deployment.get("execution-mode", "push")
        text = f"{name} {deployment['id']}"
        if mode == "pull":
            holders = (self.identity.owner, deployment["nuvlabox"])
            edge = (deployment["nuvlabox"],)
            options["rights"] = {"view_data": holders, "manage": holders, "edit_data": edge}
        return queue_job(self, name, deployment, text, mode=mode, **options)

    def start(self, deployment: Document) -> Response:
        is_pull = deployment.get("execution-mode") == "pull"
        self._enter("PENDING" if is_pull else "STARTING", deployment, "start")
        if deployment["state"] == "STOPPED":
            self._clear_up(deployment, "deployment-parameter")
        if "api-credentials" not in deployment:
            rights = self._shared_with(deployment, deployment["id"])
            key = self._api_key(deployment)
            now = self.world.now()
            self.world.change(deployment["id"], now, api_credentials=key, acl=rights)
        # Only now are rights looked at: the server writes before it checks.
        self.require("manage", deployment)
        return self._queue("start_deployment", deployment)

    def _api_key(self, deployment: Document) -> Document:
        identifier = deployment["id"]
        secret, fields = self.world.new_api_key(identifier, [USER, ANON])
        fields |= {"name": f"API key for {identifier}", "parent": identifier}
        rights = acl(ADMIN, view_meta=(deployment["owner"],))
        key = self.world.document("credential", ADMIN, fields, subtype="api-key", acl=rights)
        return {"api-key": key["id"], "api-secret": secret}

    def stop(self, deployment: Document) -> Response:
        """Queue the job that stops a deployment, and deletes it if the body says so."""
        self._enter("STOPPING", deployment, "stop")
        self.require("manage", deployment)
        sent, names = self.body(), ("delete", "remove-volumes", "remove-images")
        payload = {name: sent[name] for name in names if name in sent}
        # A start that is still under way must not win over the stop.
        for job in under_way(self.world, deployment["id"]):
            cancel(self.world, job, by=ADMIN)
        return self._queue("stop_deployment", deployment, payload=payload)

    def update(self, deployment: Document) -> Response:
        self.require("manage", deployment)
        self._enter("UPDATING", deployment, "update_deployment")
        return self._queue("update_deployment", deployment)

    def create_log(self, deployment: Document) -> Response:
        self.require("manage", deployment)
        self._check_state(deployment, "create-log")
        log = ResourceLog(self.world, self.identity, self.sent, {})
        return log.create_for(deployment, self.body())


class ResourceLog(Resource):
    """
    Logs of a deployment. Each belongs to the session that created it, and to no later one.

    Source: nuvla/api-server, server/resources/resource_log.clj.
    """

    name = "resource-log"
    adders = ADMIN
    bulk = ("bulk-delete", ADMIN)
    actions = ("fetch",)
    description = COMMON | describe(
        components=texts,
        since=timestamp,
        last_timestamp=timestamp,
        lines=count,
        log=anything,
    )

    @property
    def _holder(self) -> str:
        return self.identity.session or self.identity.owner

    def create_for(self, parent: Document, sent: Document) -> Response:
        fields: Document = {name: sent[name] for name in ("since", "lines") if name in sent}
        fields |= {"parent": parent["id"], "components": sent.get("components")}
        rights = acl(ADMIN, edit_acl=(self._holder,))
        return created(self.store(fields | {"created-by": INTERNAL, "acl": rights})["id"])

    def offered(self, document: Document) -> Sequence[str]:
        return ("fetch",)

    def fetch(self, log: Document) -> Response:
        """Queue the job that fetches new lines, unless there is one."""
        self.require("manage", log)
        identifier = log["id"]
        for job in under_way(self.world, identifier):
            text = f"existing async {job} for {identifier}"
            return message(202, text, identifier, location=job)
        parent = self.world.store.get(log["parent"]) or {}
        mode = "pull" if parent.get("execution-mode") == "pull" else "push"
        rights = {"view_acl": (self._holder,)}
        text = f"starting {identifier}"
        return queue_job(self, "fetch_deployment_log", log, text, mode=mode, rights=rights)
