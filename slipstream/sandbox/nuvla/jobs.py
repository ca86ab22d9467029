"""
Jobs: queueing, reading, cancelling and executing them.

Source: nuvla/api-server, server/resources/job.clj and job/utils.clj; nuvla/job-engine,
job/executor/executor.py and job/actions/deployment_*.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from flask import Response

from slipstream.sandbox.cimi import message, respond
from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla import parameters
from slipstream.sandbox.nuvla.resource import Resource, forbidden
from slipstream.sandbox.nuvla.state import ADMIN, INTERNAL, State, Work, acl
from slipstream.sandbox.store import Document

FINAL = frozenset({"SUCCESS", "FAILED", "CANCELED"})
DELAYS = {"push": 5.0, "mixed": 5.0, "pull": 20.0}
"""Seconds until the server's executor, or the edge itself, takes a job."""
_LIFE_CYCLE = frozenset({"start_deployment", "stop_deployment", "update_deployment"})


def queue_job(
    resource: Resource,
    name: str,
    target: Document,
    text: str,
    *,
    mode: str = "push",
    payload: Mapping[str, Any] | None = None,
    rights: Mapping[str, Sequence[str]] | None = None,
) -> Response:
    world, identity, identifier = resource.world, resource.identity, target["id"]
    number = len(list(world.store.collection("job"))) + 1
    owner = (identity.owner,)
    job = world.document(
        "job",
        ADMIN,
        payload=json.dumps(payload) if payload else None,
        tags=None if mode == "pull" else [f"/job/entries/entry-050-{number:010}"],
        created_by=identity.user,
        version=2,
        action=name,
        state="QUEUED",
        progress=0,
        priority=50,
        execution_mode=mode,
        target_resource={"href": identifier},
        affected_resources=[{"href": identifier}],
        acl=acl(ADMIN, **(rights or {"view_data": owner, "manage": owner})),
    )["id"]
    world.work[job] = Work(job, world.now() + timedelta(seconds=DELAYS[mode]), mode)
    return message(202, f"{text} with async {job}", identifier, location=job)


def under_way(world: State, target: str) -> list[str]:
    """The jobs of a resource that have not ended."""
    return [job for job in world.work if world.store[job]["target-resource"]["href"] == target]


def cancel(world: State, job: str, *, by: str | None) -> None:
    world.work.pop(job, None)
    fields = {"state": "CANCELED", "progress": 100}
    world.change(job, world.now(), by=by, priority=None, **fields)


class Job(Resource):
    """Jobs, which users read and cancel."""

    name = "job"
    adders = ADMIN
    hidden = ("status-message",)
    bulk = ("bulk-delete", ADMIN)
    actions = ("cancel",)

    def offered(self, document: Document) -> Sequence[str]:
        return () if document["state"] in FINAL else ("cancel",)

    def cancel(self, job: Document) -> Response:
        """Cancel a job; a deployment that it starts, stops or updates is left in ERROR."""
        if job["state"] in FINAL or not self.may("manage", job):
            raise forbidden(job["id"])
        user = self.identity.user
        cancel(self.world, job["id"], by=user)
        if job["action"] in _LIFE_CYCLE:
            target = job["target-resource"]["href"]
            self.world.change(target, self.world.now(), by=user, state="ERROR")
        return respond(self.world.store[job["id"]])


Effect: TypeAlias = Callable[[State, Document, Document, datetime], str | None]
MISSING_IMAGE = "sandbox/no-such-image"
"""An application with this image does not start."""
SECOND_CHANCE = "Re-running job in pull mode after failed first attempt"
_DEPLOYABLE = frozenset({"application", "application_kubernetes", "application_helm"})


def _failure(kind: str, reason: str) -> str:
    """The message of a failed job: a whole traceback."""
    return (
        f"{kind}-Traceback (most recent call last):\n"
        '  File "/app/nuvla/job_engine/job/executor/executor.py", line 61, in try_action_run\n'
        "    return action_instance.do_work()\n"
        f"{kind}: {reason}\n"
    )


_UNREACHABLE = _failure("ConnectionError", "the edge cannot be reached from here")


def advance(world: State, now: datetime) -> None:
    for work in sorted(world.work.values(), key=lambda work: work.due):
        while work.job in world.work and work.due <= now:
            if _is_stuck(world, work):
                work.due = now + timedelta(seconds=DELAYS["pull"])
                break
            _step(world, work, work.due)


def _is_stuck(world: State, work: Work) -> bool:
    target = world.store[work.job]["target-resource"]["href"]
    document = world.store.get(target) or {}
    if document.get("resource-type") == "resource-log":
        document = world.store.get(document["parent"]) or {}
    edge = world.store.get(document.get("nuvlabox", "")) or {}
    return target in world.held or (work.mode == "pull" and not edge.get("online", True))


def _set(world: State, work: Work, at: datetime, **fields: Any) -> None:
    if "state" in fields:
        fields.setdefault("time_of_status_change", iso(at))
    world.change(work.job, at, by=ADMIN, **fields)


def _step(world: State, work: Work, at: datetime) -> None:
    """Take the next step of a job, and set when the one after it is due."""
    work.step, pause = work.step + 1, 20.0
    if work.step == 1:
        _set(world, work, at, state="RUNNING", progress=10, started=iso(at), priority=None)
        pause = 20.0 if work.mode == "mixed" else 15.0
    elif work.mode == "mixed":
        text = f"{SECOND_CHANCE}.\n{_UNREACHABLE}"
        fields = {"execution_mode": "pull", "status_message": text}
        _set(world, work, at, state="QUEUED", progress=0, **fields)
        work.mode, work.step = "pull", 0
    elif work.step == 2:
        _set(world, work, at, progress=50)
    else:
        _finish(world, work, at)
    work.due = at + timedelta(seconds=pause)


def _finish(world: State, work: Work, at: datetime) -> None:
    job = world.store[work.job]
    reason = _carry_out(world, job, at)
    fields: Document = {"state": "FAILED" if reason else "SUCCESS", "status_message": reason}
    if job["action"] == "fetch_deployment_log":
        # What fetches a log has nothing to say of itself.
        fields["time_of_status_change"] = None
    elif reason is None:
        fields["status_message"] = "StdOut: \n done"
    seconds = round((at - datetime.fromisoformat(job["started"])).total_seconds())
    code = 1 if reason else 0
    _set(world, work, at, progress=100, return_code=code, duration=seconds, **fields)
    del world.work[work.job]


def _carry_out(world: State, job: Document, at: datetime) -> str | None:
    """Execute a job; return the message if it failed."""
    identifier = job["target-resource"]["href"]
    target, effect = world.store.get(identifier), _EFFECTS[job["action"]]
    if target is None:
        return _failure("NuvlaError", f"{identifier} not found")
    reason = world.failures.pop(identifier, None)
    if reason is None and job["action"] == "start_deployment":
        reason = world.take_failure()
    text = _failure("RuntimeError", reason) if reason else effect(world, job, target, at)
    if text and identifier.startswith("deployment/"):
        world.change(identifier, at, by=identifier, state="ERROR")
    return text


def _unsupported(deployment: Document) -> str | None:
    subtype = deployment["module"]["subtype"]
    if subtype == "project":
        return _failure("KeyError", "'content'")
    if subtype not in _DEPLOYABLE:
        return _failure("ValueError", f'Unsupported deployment subtype "{subtype}"')
    return None


def _deploy(world: State, _: Document, deployment: Document, at: datetime) -> str | None:
    if "parent" not in deployment:
        return _failure("KeyError", "'parent'")
    # The executor does so first.
    words = "Hostname or IP to access the service."
    hostname = parameters.hostname(world, deployment)
    parameters.write(world, deployment, "hostname", hostname, at=at, description=words)
    if reason := _unsupported(deployment):
        return reason
    content = deployment["module"].get("content", {})
    if MISSING_IMAGE in str(content.get("docker-compose", "")):
        return _failure(
            "RuntimeError",
            f"Error response from daemon: manifest for {MISSING_IMAGE}:latest not found: "
            "manifest unknown: manifest unknown",
        )
    world.change(deployment["id"], at, by=deployment["id"], state="STARTED")
    parameters.publish(world, deployment, at)
    _refresh(world, deployment, at + timedelta(seconds=10))
    return None


def _refresh(world: State, deployment: Document, at: datetime) -> None:
    """Add a finished job of the kind that refreshes a deployment."""
    world.document(
        "job",
        ADMIN,
        at=at,
        created_by=INTERNAL,
        action="deployment_state_10",
        state="SUCCESS",
        progress=100,
        return_code=0,
        target_resource={"href": deployment["id"]},
        acl=acl(ADMIN, view_data=(deployment["owner"],)),
    )


def _stop(world: State, job: Document, deployment: Document, at: datetime) -> str | None:
    if reason := _unsupported(deployment):
        return reason
    if json.loads(job.get("payload", "{}")).get("delete") is True:
        # The parameters stay behind, as they do on the server.
        world.store.remove(deployment["id"])
        world.store.remove(deployment.get("api-credentials", {}).get("api-key", ""))
    else:
        world.change(deployment["id"], at, by=deployment["id"], state="STOPPED")
    return None


def _fetch_log(world: State, _: Document, log: Document, at: datetime) -> str | None:
    since = log.get("last-timestamp") or log.get("since") or ""
    lines = {
        component: [f"{iso(at)} {component} is up"] if iso(at) > since else []
        for component in log["components"]
    }
    world.change(log["id"], at, by=ADMIN, log=lines, last_timestamp=iso(at))
    return None


_EFFECTS: Mapping[str, Effect] = {
    "start_deployment": _deploy,
    "update_deployment": _deploy,
    "stop_deployment": _stop,
    "fetch_deployment_log": _fetch_log,
}
