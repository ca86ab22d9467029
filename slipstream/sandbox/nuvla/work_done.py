"""
What a job brings about when it ends.

Source: nuvla/job-engine, job/actions/deployment_{start,stop,update}.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla import parameters
from slipstream.sandbox.nuvla.access import ADMIN

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

Effect: TypeAlias = "Callable[[World, Document, Document, datetime], str | None]"
MISSING_IMAGE = "sandbox/no-such-image"
"""An application with this image does not start."""
_DEPLOYABLE = {"application", "application_kubernetes", "application_helm"}


def failure(kind: str, reason: str) -> str:
    """
    Word the message of a job that failed: a whole traceback.

    :param kind: The exception's class.
    :param reason: What it says.
    :returns: The message.
    """
    return (
        f"{kind}-Traceback (most recent call last):\n"
        '  File "/app/nuvla/job_engine/job/executor/executor.py", line 150, in process_job\n'
        "    return_code = self._process_action(job)\n"
        f"{kind}: {reason}\n"
    )


UNREACHABLE = failure("ConnectionError", "the edge cannot be reached from here")


def is_edge_online(world: World, target: str) -> bool:
    """
    Tell whether the edge that a job waits for fetches jobs.

    :param world: The world.
    :param target: What the job is done to.
    :returns: Whether it does.
    """
    document = world.store.get(target) or {}
    if document.get("resource-type") == "resource-log":
        document = world.store.get(document["parent"]) or {}
    edge = (
        document
        if target.startswith("nuvlabox/")
        else world.store.get(document.get("nuvlabox", ""))
    )
    return edge is None or bool(edge.get("online", True))


def carry_out(world: World, job: Document, at: datetime) -> str | None:
    """
    Carry a job out.

    :param world: The world.
    :param job: The job.
    :param at: The moment.
    :returns: None if all went well, otherwise the job's message.
    """
    identifier = job["target-resource"]["href"]
    target = world.store.get(identifier)
    effect = _EFFECTS.get(job["action"])
    if effect is None:
        return None
    if target is None:
        return failure("NuvlaError", f"{identifier} not found")
    reason = world.failures.pop(identifier, None)
    message = failure("RuntimeError", reason) if reason else effect(world, job, target, at)
    if message and identifier.startswith("deployment/"):
        world.change(identifier, at, state="ERROR")
    return message


def _deploy(world: World, _: Document, deployment: Document, at: datetime) -> str | None:
    module = deployment["module"]
    if module["subtype"] not in _DEPLOYABLE:
        return failure("NotImplementedError", f"Unsupported module subtype: {module['subtype']}")
    if "parent" not in deployment:
        return failure("KeyError", "'parent'")
    if MISSING_IMAGE in str(module.get("content", {}).get("docker-compose", "")):
        reason = f"manifest for {MISSING_IMAGE}:latest not found: manifest unknown"
        return failure("RuntimeError", reason)
    world.change(deployment["id"], at, state="STARTED")
    parameters.publish(world, deployment, at)
    _refresh(world, deployment, at + timedelta(seconds=10))
    return None


def _refresh(world: World, deployment: Document, at: datetime) -> None:
    world.document(
        "job",
        ADMIN,
        at=at,
        rights={"view_data": (deployment["owner"],)},
        version=2,
        action="deployment_state_10",
        state="SUCCESS",
        progress=100,
        return_code=0,
        execution_mode="push",
        target_resource={"href": deployment["id"]},
        affected_resources=[{"href": deployment["id"]}],
        started=iso(at),
        duration=0,
        time_of_status_change=iso(at),
    )


def _stop(world: World, job: Document, deployment: Document, at: datetime) -> str | None:
    if json.loads(job.get("payload", "{}")).get("delete") is True:
        # The parameters stay behind, as they do on the server.
        world.store.remove(deployment["id"])
        world.store.remove(deployment.get("api-credentials", {}).get("api-key", ""))
    else:
        world.change(deployment["id"], at, state="STOPPED")
    return None


def _fetch_log(world: World, _: Document, log: Document, at: datetime) -> str | None:
    since = log.get("last-timestamp") or log.get("since") or ""
    lines = {
        component: [f"{iso(at)} {component} is up"] if iso(at) > since else []
        for component in log["components"]
    }
    world.change(log["id"], at, log=lines, last_timestamp=iso(at))
    return None


def _check(world: World, _: Document, credential: Document, at: datetime) -> str | None:
    world.change(credential["id"], at, status="VALID", last_check=iso(at))
    return None


_EFFECTS: Mapping[str, Effect] = {
    "start_deployment": _deploy,
    "update_deployment": _deploy,
    "stop_deployment": _stop,
    "fetch_deployment_log": _fetch_log,
    "credential_check": _check,
}
