"""
Jobs and how they move on.

Source: nuvla/api-server, server/resources/job.clj, and nuvla/job-engine, job/executor/executor.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla import work_done
from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.call import Answer, Call, forbidden, told
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

Step: TypeAlias = "Callable[[World, Work, datetime], None]"
FINAL = frozenset({"SUCCESS", "FAILED", "CANCELED"})
_LIFE_CYCLE = frozenset({"start_deployment", "stop_deployment", "update_deployment"})
_POLL = 20.0
SECOND_CHANCE = "Re-running job in pull mode after failed first attempt"


@attrs.define
class Work:
    """
    What is still to be done for a job.

    :param job: Its id.
    :param due: When the next step is taken.
    :param mode: ``push``, ``pull`` or ``mixed``.
    :param step: How many steps were taken.
    """

    job: str
    due: datetime
    mode: str
    step: int = 0


def start_job(
    call: Call,
    action: str,
    target: Document,
    *,
    mode: str = "push",
    payload: Mapping[str, Any] | None = None,
) -> Document:
    """
    Queue a job.

    :param call: The request that asks for it.
    :param action: What is to be done, such as ``start_deployment``.
    :param target: What it is done to.
    :param mode: ``push`` for the server's executor, ``pull`` for the edge, ``mixed`` for either.
    :param payload: What the job needs to know beside.
    :returns: The job.
    """
    world, owner = call.world, call.identity.owner
    number = len(list(world.store.collection("job"))) + 1
    more: dict[str, Any] = {"payload": json.dumps(dict(payload))} if payload else {}
    job = world.document(
        "job",
        ADMIN,
        attributes=more,
        rights={"view_data": (owner,), "manage": (owner,)},
        created_by=owner,
        version=2,
        action=action,
        state="QUEUED",
        progress=0,
        execution_mode=mode,
        target_resource={"href": target["id"]},
        affected_resources=[{"href": target["id"]}],
        tags=[f"/job/entries/entry-050-{number:010}"],
        time_of_status_change=iso(world.now()),
    )
    due = world.now() + timedelta(seconds=_PLANS[mode][0][0])
    world.work[job["id"]] = Work(job["id"], due, mode)
    return job


def queued(call: Call, action: str, target: Document, **options: Any) -> Answer:
    """
    Queue a job and tell of it.

    :param call: The request.
    :param action: What is to be done.
    :param target: What it is done to.
    :param options: Those of :func:`start_job`.
    :returns: The answer, a 202.
    """
    job = start_job(call, action, target, **options)
    message = f"{action} {target['id']} with async {job['id']}"
    return told(202, message, target["id"], location=job["id"])


def advance(world: World, work: Work, now: datetime) -> None:
    """
    Bring a job up to date.

    :param world: The world.
    :param work: What is still to be done for it.
    :param now: The present moment.
    """
    while work.job in world.work and work.due <= now:
        if _is_stuck(world, work):
            work.due = now + timedelta(seconds=_POLL)
            return
        at = work.due
        _PLANS[work.mode][work.step][1](world, work, at)
        work.step += 1
        if work.job in world.work:
            work.due = at + timedelta(seconds=_PLANS[work.mode][work.step][0])


def _is_stuck(world: World, work: Work) -> bool:
    target = world.store[work.job]["target-resource"]["href"]
    if target in world.held:
        return True
    return work.mode == "pull" and not work_done.is_edge_online(world, target)


def _begin(world: World, work: Work, at: datetime) -> None:
    changed = {"state": "RUNNING", "progress": 10, "time_of_status_change": iso(at)}
    world.change(work.job, at, started=iso(at), **changed)


def _half(world: World, work: Work, at: datetime) -> None:
    world.change(work.job, at, progress=50)


def _fail_once(world: World, work: Work, at: datetime) -> None:
    world.change(
        work.job,
        at,
        state="QUEUED",
        progress=0,
        execution_mode="pull",
        status_message=f"{SECOND_CHANCE}.\n{work_done.UNREACHABLE}",
        time_of_status_change=iso(at),
    )
    work.mode, work.step = "pull", -1


def _finish(world: World, work: Work, at: datetime) -> None:
    job = world.store[work.job]
    reason = work_done.carry_out(world, job, at)
    started = datetime.fromisoformat(job["started"])
    world.change(
        work.job,
        at,
        state="FAILED" if reason else "SUCCESS",
        progress=100,
        return_code=1 if reason else 0,
        duration=round((at - started).total_seconds()),
        status_message=reason or "",
        time_of_status_change=iso(at),
    )
    del world.work[work.job]


_PLANS: Mapping[str, tuple[tuple[float, Step], ...]] = {
    "push": ((5, _begin), (15, _half), (20, _finish)),
    "pull": ((_POLL, _begin), (15, _half), (20, _finish)),
    "mixed": ((5, _begin), (20, _fail_once)),
}


def _cancel(call: Call, job: Document) -> Answer:
    if job["state"] in FINAL or not call.identity.may("manage", job["acl"]):
        raise forbidden(job["id"])
    world, now = call.world, call.world.now()
    world.work.pop(job["id"], None)
    stamp = {"time_of_status_change": iso(now)}
    world.change(job["id"], now, state="CANCELED", progress=100, **stamp)
    if job["action"] in _LIFE_CYCLE:
        world.change(job["target-resource"]["href"], now, state="ERROR")
    return Answer(document=world.store[job["id"]])


def _rels(_: Call, job: Document) -> tuple[str, ...]:
    return () if job["state"] in FINAL else ("cancel",)


def _edit(_: Call, job: Document, changes: Document) -> Document:
    if job["state"] in FINAL:
        raise JsonProblem(409, "edit is not allowed in final state", job["id"])
    return changes


JOB = Kind(
    name="job",
    adders=ADMIN,
    hidden=("status-message",),
    edit=_edit,
    rels=_rels,
    actions={"cancel": _cancel},
)
