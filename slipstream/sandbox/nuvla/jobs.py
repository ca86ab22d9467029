"""
Jobs: queueing them, and reading and cancelling them.

Source: nuvla/api-server, server/resources/job.clj and job/utils.clj.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from slipstream.sandbox.cimi import Reply, action, message
from slipstream.sandbox.nuvla.access import ADMIN, acl
from slipstream.sandbox.nuvla.resource import Resource, forbidden
from slipstream.sandbox.nuvla.state import State, Work
from slipstream.sandbox.store import Document

FINAL = frozenset({"SUCCESS", "FAILED", "CANCELED"})
DELAYS = {"push": 5.0, "mixed": 5.0, "pull": 20.0}
"""Seconds until the server's executor, or the edge itself, takes a job."""
_LIFE_CYCLE = frozenset({"start_deployment", "stop_deployment", "update_deployment"})


def queued(
    resource: Resource,
    name: str,
    target: Document,
    text: str,
    *,
    mode: str = "push",
    payload: Mapping[str, Any] | None = None,
    rights: Mapping[str, Sequence[str]] | None = None,
) -> Reply:
    """Queue a job that a request asks for."""
    world, identity, identifier = resource.world, resource.identity, target["id"]
    more: Document = {"payload": json.dumps(payload)} if payload else {}
    if mode != "pull":
        number = len(list(world.store.collection("job"))) + 1
        more["tags"] = [f"/job/entries/entry-050-{number:010}"]
    owner = (identity.owner,)
    job = world.document(
        "job",
        ADMIN,
        more,
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
    """Take a job off the executor."""
    world.work.pop(job, None)
    fields = {"state": "CANCELED", "progress": 100}
    world.change(job, world.now(), by=by, priority=None, **fields)


class Job(Resource):
    """Jobs, which users read and cancel."""

    name = "job"
    adders = ADMIN
    hidden = ("status-message",)
    bulk = ("bulk-delete", ADMIN)
    unplayed = ("bulk-delete",)

    def offered(self, document: Document) -> Sequence[str]:
        return () if document["state"] in FINAL else ("cancel",)

    @action
    def cancel(self, job: Document) -> Reply:
        """Cancel a job; a deployment that it starts, stops or updates is left in ERROR."""
        if job["state"] in FINAL or not self.may("manage", job):
            raise forbidden(job["id"])
        user = self.identity.user
        cancel(self.world, job["id"], by=user)
        if job["action"] in _LIFE_CYCLE:
            target = job["target-resource"]["href"]
            self.world.change(target, self.world.now(), by=user, state="ERROR")
        return Reply(document=self.world.store[job["id"]])
