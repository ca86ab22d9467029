"""
Jobs: what the server does for a deployment, and why it failed.

Source: nuvla/api-server, server/resources/job.clj; nuvla/job-engine, job/executor/executor.py.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.search import found, search
from slipstream.backends.query_filters import either
from slipstream.session import Session

_ACTIONS = ("start_deployment", "stop_deployment", "update_deployment")


def failure(session: Session, deployment: str) -> str:
    """
    Why a deployment is in error, in the words of its newest job.

    :param session: The logged-in session.
    :param deployment: The deployment's id.
    :returns: The last line of the job's message; the rest of it is a traceback.
    """
    job = found(
        session,
        "job",
        doing=f"read why {deployment} failed",
        select="id,created,action,state,return-code,status-message",
        where=either("target-resource/href", deployment) & either("action", *_ACTIONS),
    )
    return _reason(job)


def failures(session: Session, deployments: Collection[str]) -> dict[str, str]:
    """
    Why some deployments are in error, by one search.

    :param session: The logged-in session.
    :param deployments: Their ids, a hundred or so.
    :returns: The reasons by the deployment's id.
    """
    listed = search(
        session,
        "job",
        doing="read why deployments failed",
        select="id,created,target-resource,action,state,return-code,status-message",
        where=either("target-resource/href", *deployments) & either("action", *_ACTIONS),
    )
    newest: dict[str, dict[str, Any]] = {}
    for job in listed:
        newest.setdefault(documents.href(job, "target-resource") or "", job)
        if newest.keys() >= set(deployments):
            break
    return {deployment: _reason(newest.get(deployment)) for deployment in deployments}


def _reason(job: dict[str, Any] | None) -> str:
    message = (documents.text(job, "status-message") or "").strip() if job else ""
    if message:
        return message.splitlines()[-1].strip()
    canceled = job is not None and job.get("state") == "CANCELED"
    return "its job was canceled" if canceled else "the server gives no reason"
