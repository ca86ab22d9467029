"""
What can be done to a deployment, and in which state.

Source: nuvla/api-server, server/resources/deployment.clj and deployment/utils.clj.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.nuvla import bulk, parameters, resource_logs
from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER
from slipstream.sandbox.nuvla.call import Answer, Call, required, told
from slipstream.sandbox.nuvla.jobs import queued, start_job
from slipstream.sandbox.nuvla.kind import Action
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

_ALLOWED: Mapping[str, frozenset[str]] = {
    "start": frozenset({"CREATED", "STOPPED"}),
    "stop": frozenset({"PENDING", "STARTING", "UPDATING", "STARTED", "ERROR"}),
    "update_deployment": frozenset({"STARTED", "ERROR"}),
    "create-log": frozenset({"STARTED", "UPDATING", "ERROR"}),
    "delete": frozenset({"CREATED", "STOPPED"}),
}
_ANY_STATE = ("clone", "check-dct", "fetch-module", "fetch-coe-resources", "force-delete")


def check_state(deployment: Document, action: str) -> None:
    """
    Insist on a state that allows an action.

    :param deployment: The deployment.
    :param action: The action, as the message names it.
    :raises JsonProblem: 409 if it does not.
    """
    identifier, state = deployment["id"], deployment["state"]
    if state not in _ALLOWED[action]:
        message = f"Action {action} cannot be called on {identifier} in state {state}!"
        raise JsonProblem(409, message, identifier)


def offered(deployment: Document) -> list[str]:
    """
    List the actions that the state allows.

    :param deployment: The deployment.
    :returns: Their names.
    """
    pairs = (
        ("start", "start"),
        ("stop", "stop"),
        ("update", "update_deployment"),
        ("create-log", "create-log"),
    )
    found = [rel for rel, name in pairs if deployment["state"] in _ALLOWED[name]]
    detachable = ["detach"] if "deployment-set" in deployment else []
    return [*found, *_ANY_STATE, *detachable]


def _start(call: Call, deployment: Document) -> Answer:
    check_state(deployment, "start")
    mode = deployment["execution-mode"]
    if deployment["state"] == "STOPPED":
        parameters.remove(call.world, deployment["id"])
    _set_state(call, deployment, "PENDING" if mode == "pull" else "STARTING")
    # Only now are rights looked at: the server writes before it checks.
    required(call, "manage", deployment)
    if "api-credentials" not in deployment:
        credentials = _api_key(call, deployment)
        call.world.change(deployment["id"], call.world.now(), api_credentials=credentials)
    return queued(call, "start_deployment", deployment, mode=mode)


def _set_state(call: Call, deployment: Document, state: str) -> None:
    call.world.change(deployment["id"], call.world.now(), state=state)


def _api_key(call: Call, deployment: Document) -> dict[str, str]:
    secret = call.world.ids.secret()
    key = call.world.document(
        "credential",
        ADMIN,
        rights={"view_meta": (deployment["owner"],)},
        name=f"API key for {deployment['id']}",
        parent=deployment["id"],
        subtype="api-key",
        method="generate-api-key",
        digest=sha256(bare_secret(secret).encode()).hexdigest(),
        claims={"identity": deployment["id"], "roles": [USER, ANON]},
    )
    return {"api-key": key["id"], "api-secret": secret}


def _stop(call: Call, deployment: Document) -> Answer:
    check_state(deployment, "stop")
    _set_state(call, deployment, "STOPPING")
    required(call, "manage", deployment)
    sent: Mapping[str, Any] = call.body if isinstance(call.body, dict) else {}
    names = ("delete", "remove-volumes", "remove-images")
    payload = {name: sent[name] for name in names if name in sent}
    _drop_jobs(call, deployment)
    mode = deployment["execution-mode"]
    return queued(call, "stop_deployment", deployment, mode=mode, payload=payload)


def _drop_jobs(call: Call, deployment: Document) -> None:
    """Cancel a start that is still under way: it must not win over the stop."""
    world, now = call.world, call.world.now()
    for identifier in list(world.work):
        job = world.store[identifier]
        if job["target-resource"]["href"] == deployment["id"]:
            del world.work[identifier]
            world.change(identifier, now, state="CANCELED", progress=100)


def _update(call: Call, deployment: Document) -> Answer:
    required(call, "manage", deployment)
    check_state(deployment, "update_deployment")
    _set_state(call, deployment, "UPDATING")
    mode = deployment["execution-mode"]
    return queued(call, "update_deployment", deployment, mode=mode)


def _check_dct(call: Call, deployment: Document) -> Answer:
    required(call, "manage", deployment)
    return queued(call, "dct_check", deployment)


def _coe_resources(call: Call, deployment: Document) -> Answer:
    required(call, "view-data", deployment)
    module = deployment["module"]
    if module["subtype"] in {"application_kubernetes", "application_helm"}:
        return Answer(document={"kubernetes": {"deployments": [], "services": [], "pods": []}})
    if module.get("compatibility") == "docker-compose" and "nuvlabox" in deployment:
        empty: dict[str, list[Any]] = {
            name: [] for name in ("containers", "images", "volumes", "networks")
        }
        return Answer(document={"docker": empty})
    return Answer(document={})


def _detach(call: Call, deployment: Document) -> Answer:
    required(call, "manage", deployment)
    identifier = deployment["id"]
    if "deployment-set" not in deployment:
        raise JsonProblem(409, f"operation 'detach' not allowed on {identifier}", identifier)
    left = {
        name: value
        for name, value in deployment.items()
        if name not in {"deployment-set", "deployment-set-name"}
    }
    call.world.store.put(left)
    return told(200, "detached")


def _create_log(call: Call, deployment: Document) -> Answer:
    required(call, "manage", deployment)
    check_state(deployment, "create-log")
    return resource_logs.create(call, deployment)


ACTIONS: Mapping[str, Action] = {
    "start": _start,
    "stop": _stop,
    "update": _update,
    "create-log": _create_log,
    "check-dct": _check_dct,
    "fetch-coe-resources": _coe_resources,
    "detach": _detach,
}


def _bulk(action: str, carry_out: Action) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        matching = bulk.matching(call, "deployment")
        job = start_job(call, action, {"id": "deployment"})
        for deployment in matching:
            bulk.attempt(call, deployment, carry_out)
        message = f"starting {action} with async {job['id']}"
        return told(202, message, "deployment", location=job["id"])

    return run


def _bulk_delete(call: Call, deployment: Document) -> Answer:
    check_state(deployment, "delete")
    required(call, "delete", deployment)
    parameters.remove(call.world, deployment["id"])
    call.world.store.remove(deployment["id"])
    return Answer(document={})


def _bulk_force_delete(call: Call, deployment: Document) -> Answer:
    required(call, "delete", deployment)
    parameters.remove(call.world, deployment["id"])
    call.world.store.remove(deployment["id"])
    return Answer(document={})


BULK: Mapping[str, Callable[[Call], Answer]] = {
    "bulk-stop": _bulk("bulk_stop_deployment", _stop),
    "bulk-update": _bulk("bulk_update_deployment", _update),
    "bulk-delete": _bulk("bulk_delete_deployment", _bulk_delete),
    "bulk-force-delete": _bulk("bulk_force_delete_deployment", _bulk_force_delete),
    **bulk.TAGGING,
}
