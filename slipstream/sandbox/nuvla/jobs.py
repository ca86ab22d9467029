"""
Jobs: queueing them, and reading and cancelling them.

Source: nuvla/api-server, server/resources/job.clj and job/utils.clj.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from slipstream.sandbox.cimi import JsonProblem, Reply, action, message
from slipstream.sandbox.nuvla.access import ADMIN, acl
from slipstream.sandbox.nuvla.resource import Resource, forbidden, schema
from slipstream.sandbox.nuvla.state import State, Work
from slipstream.sandbox.schema import anything, integer, one_of, text, timestamp, within
from slipstream.sandbox.store import Document

FINAL = frozenset({"SUCCESS", "FAILED", "CANCELED"})
POLL = 20.0
"""Seconds until an edge looks for jobs."""
PICK_UP = 5.0
"""Seconds until the server's executor takes a job."""
_LIFE_CYCLE = frozenset({"start_deployment", "stop_deployment", "update_deployment"})


def start_job(
    world: State,
    action: str,
    target: str,
    *,
    owner: str,
    user: str | None,
    mode: str = "push",
    payload: Mapping[str, Any] | None = None,
    rights: Mapping[str, Sequence[str]] | None = None,
    affected: Sequence[str] = (),
) -> Document:
    """Queue a job."""
    now = world.now()
    number = len(list(world.store.collection("job"))) + 1
    more: Document = {"payload": json.dumps(dict(payload))} if payload else {}
    if mode != "pull":
        more["tags"] = [f"/job/entries/entry-050-{number:010}"]
    job = world.document(
        "job",
        ADMIN,
        attributes=more,
        created_by=user,
        version=2,
        action=action,
        state="QUEUED",
        progress=0,
        priority=50,
        execution_mode=mode,
        target_resource={"href": target},
        affected_resources=[{"href": identifier} for identifier in (*affected, target)],
        acl=acl(ADMIN, **(rights or {"view_data": (owner,), "manage": (owner,)})),
    )
    due = now + timedelta(seconds=POLL if mode == "pull" else PICK_UP)
    world.work[job["id"]] = Work(job["id"], due, mode)
    return job


def queued(resource: Resource, action: str, target: Document, text: str, **options: Any) -> Reply:
    """Queue a job that a request asks for."""
    identity = resource.identity
    who = {"owner": identity.owner, "user": identity.user}
    job = start_job(resource.world, action, target["id"], **(who | options))
    identifier = target["id"]
    return message(202, f"{text} with async {job['id']}", identifier, location=job["id"])


def under_way(world: State, target: str) -> list[str]:
    """The jobs of a resource that have not ended."""
    return [job for job in world.work if world.store[job]["target-resource"]["href"] == target]


class Job(Resource):
    """Jobs, which users read and cancel."""

    name = "job"
    adders = ADMIN
    hidden = ("status-message",)
    bulk = "bulk-delete"
    unplayed = ("bulk-delete",)
    description = schema(
        version=integer,
        action=text,
        state=one_of("QUEUED", "RUNNING", "STOPPING", "STOPPED", *FINAL),
        progress=within(0, 100),
        priority=within(0, 999),
        execution_mode=one_of("pull", "push", "mixed"),
        target_resource=anything,
        affected_resources=anything,
        payload=text,
        started=timestamp,
        duration=integer,
        return_code=integer,
        status_message=anything,
        time_of_status_change=timestamp,
        expiry=timestamp,
        nested_jobs=anything,
        parent_job=text,
    )

    def changed(self, document: Document, changes: Document) -> Document:
        """Refuse to edit a job that has ended."""
        if document["state"] in FINAL:
            raise JsonProblem(409, "edit is not allowed in final state", document["id"])
        return changes

    def deletable(self, document: Document) -> bool:
        return True

    def offered(self, document: Document) -> Sequence[str]:
        return () if document["state"] in FINAL else ("cancel",)

    @action
    def cancel(self, job: Document) -> Reply:
        """Cancel a job; a deployment that it starts, stops or updates is left in ERROR."""
        if job["state"] in FINAL or not self.may("manage", job):
            raise forbidden(job["id"])
        now, user = self.world.now(), self.identity.user
        self.world.work.pop(job["id"], None)
        self.world.change(job["id"], now, by=user, state="CANCELED", progress=100, priority=None)
        if job["action"] in _LIFE_CYCLE:
            self.world.change(job["target-resource"]["href"], now, by=user, state="ERROR")
        return Reply(document=self.world.store[job["id"]])
