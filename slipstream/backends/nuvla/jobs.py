"""
Jobs: what the server does for a deployment, and why it failed.

A search sees the edits of a job about a second late, so the reason is read from the job itself.
Source: nuvla/api-server, server/resources/job.clj; nuvla/job-engine, job/executor/executor.py.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import get
from slipstream.backends.nuvla.resources import resource
from slipstream.backends.nuvla.search import first, search
from slipstream.backends.prefetch import read_ahead
from slipstream.backends.query_filters import either
from slipstream.errors import RequestFailed
from slipstream.session import Session
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff

MESSAGE_TIMEOUT = 3.0
"""Seconds to wait for the message of a job: it is written around the time of the failure."""

_BACKOFF = Backoff(start=0.5, factor=1.5, ceiling=1.0)
_ACTIONS = ("start_deployment", "stop_deployment", "update_deployment")
_FINAL = {"SUCCESS", "FAILED", "CANCELED"}
_SELECT = "id,created,target-resource,state,status-message"
_REPR = re.compile(r"(\w+)\(((['\"]).*\3),?\)", re.DOTALL)
_HTML = re.compile(r"<(?:!doctype|html|head|body)\b.*", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def failure(session: Session, deployment: str) -> str:
    """Why a deployment is in error, in the words of its newest job."""
    job = first(
        session,
        "job",
        doing=f"read why {deployment} failed",
        select="id,created",
        where=_jobs_of([deployment]),
    )
    return "the server gives no reason" if job is None else _wait_for_reason(session, job["id"])


def failures(session: Session, deployments: Sequence[str]) -> dict[str, str]:
    """Why some deployments are in error: by one search, and the job itself where that lags."""
    jobs: dict[str, dict[str, Any]] = {}
    for job in search(
        session,
        "job",
        doing="read why deployments failed",
        select=_SELECT,
        where=_jobs_of(deployments),
    ):
        jobs.setdefault(documents.href(job, "target-resource") or "", job)
        if jobs.keys() >= set(deployments):
            break
    late = [name for name, job in jobs.items() if not _is_told(job)]
    ids = [jobs[name]["id"] for name in late]
    reasons = read_ahead(partial(_wait_for_reason, session), ids, at_once=8)
    return {
        **dict.fromkeys(deployments, "the server gives no reason"),
        **{name: reason(job) for name, job in jobs.items() if name not in late},
        **dict(zip(late, reasons, strict=True)),
    }


def at_work(session: Session, deployment: str) -> dict[str, Any] | None:
    """Find a job of a deployment that is queued or running."""
    return first(
        session,
        "job",
        doing=f"look for jobs of {deployment}",
        select="id,created",
        where=_jobs_of([deployment]) & either("state", "QUEUED", "RUNNING"),
    )


def reason(job: dict[str, Any]) -> str:
    """The last line of a job's message; the rest of it is a traceback."""
    message = documents.text(job, "status-message") or ""
    lines = _HTML.sub(_html_text, message).strip().splitlines()
    if not lines:
        canceled = job.get("state") == "CANCELED"
        return "its job was canceled" if canceled else "the server gives no reason"
    match = _REPR.fullmatch(lines[-1].strip())
    if not match:
        return lines[-1].strip()
    # The executor writes the repr of an exception first, and its traceback a little later.
    try:
        text = str(ast.literal_eval(match[2]))
    except (ValueError, SyntaxError):
        text = match[2]
    return f"{match[1]}: {(text.strip().splitlines() or [''])[-1]}"


def _wait_for_reason(session: Session, job_id: str) -> str:
    doing = f"read {job_id}"
    deadline = clock.monotonic() + MESSAGE_TIMEOUT
    job: dict[str, Any] = {}
    for pause in _BACKOFF.pauses():
        try:
            job = resource(session, session.send(get(job_id, _SELECT), doing=doing), doing)
        except RequestFailed:
            # That the deployment has failed is known; the reason must not hide it.
            break
        left = deadline - clock.monotonic()
        if _is_told(job) or left <= 0:
            break
        clock.sleep(min(pause, left))
    return reason(job)


def _is_told(job: dict[str, Any]) -> bool:
    state = job.get("state")
    return state == "CANCELED" or (state in _FINAL and bool(documents.text(job, "status-message")))


def _jobs_of(deployments: Iterable[str]) -> Any:
    return either("target-resource/href", *deployments) & either("action", *_ACTIONS)


def _html_text(match: re.Match[str]) -> str:
    title = _TITLE.search(match[0])
    return " ".join(html.unescape(title[1] if title else _TAG.sub(" ", match[0])).split())
