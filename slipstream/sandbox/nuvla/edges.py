"""
Edges, and what they report of themselves.

Source: nuvla/api-server, server/resources/nuvlabox.clj and nuvlabox_status.clj.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from slipstream.sandbox.nuvla import bulk, resource_logs
from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.call import Answer, Call, required, told, visible
from slipstream.sandbox.nuvla.jobs import queued, start_job
from slipstream.sandbox.nuvla.kind import Action, Kind
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.ssh_keys import generate

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

_DELETABLE = {"NEW", "DECOMMISSIONED", "ERROR"}
_JOBS: Mapping[str, str] = {
    "reboot": "reboot_nuvlabox",
    "update-nuvlabox": "nuvlabox_update",
    "revoke-ssh-key": "nuvlabox_revoke_ssh_key",
}


def _mode(edge: Document) -> str:
    return "pull" if "NUVLA_JOB_PULL" in edge.get("capabilities", ()) else "push"


def _job(action: str) -> Action:
    def run(call: Call, edge: Document) -> Answer:
        required(call, "manage", edge)
        return queued(call, action, edge, mode=_mode(edge))

    return run


def _add_ssh_key(call: Call, edge: Document) -> Answer:
    required(call, "manage", edge)
    if isinstance(call.body, dict) and "credential" in call.body:
        visible(call, call.body["credential"])
        return queued(call, "nuvlabox_add_ssh_key", edge, mode=_mode(edge))
    job = start_job(call, "nuvlabox_add_ssh_key", edge, mode=_mode(edge))
    _, private = generate(3072)
    # The one place where the server tells the key: in the message.
    return told(202, private, edge["id"], location=job["id"])


def _decommission(call: Call, edge: Document) -> Answer:
    required(call, "manage", edge)
    call.world.change(edge["id"], call.world.now(), state="DECOMMISSIONING")
    return queued(call, "decommission_nuvlabox", edge)


def _create_log(call: Call, edge: Document) -> Answer:
    required(call, "manage", edge)
    return resource_logs.create(call, edge)


def _delete(_: Call, edge: Document) -> None:
    if edge["state"] not in _DELETABLE:
        identifier = edge["id"]
        raise JsonProblem(409, f"operation 'delete' not allowed on {identifier}", identifier)


_ACTIONS: Mapping[str, Action] = {
    **{name: _job(action) for name, action in _JOBS.items()},
    "add-ssh-key": _add_ssh_key,
    "decommission": _decommission,
    "create-log": _create_log,
}
EDGE = Kind(
    name="nuvlabox",
    delete=_delete,
    deletable=lambda edge: edge["state"] in _DELETABLE,
    rels=lambda *_: tuple(_ACTIONS),
    actions=_ACTIONS,
    bulk=bulk.TAGGING,
)
STATUS = Kind(name="nuvlabox-status", adders=ADMIN, hidden=("coe-resources",))
