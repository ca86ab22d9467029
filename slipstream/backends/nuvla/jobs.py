"""
Jobs: what the server does for a deployment, why it failed, and the logs that it fetches.

A search sees the edits of a job about a second late, so the reason is read from the job itself. A
log and the job that fetches it belong to the session that created them. Sources:
nuvla/api-server, server/resources/job.clj, resource_log.clj, deployment/utils.clj;
nuvla/job-engine, job/executor/executor.py.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

from slipstream.backends import documents
from slipstream.backends.cimi import CimiBackend, either, first, read_ahead, search
from slipstream.backends.nuvla.resources import change, node_id, read, reference
from slipstream.errors import BadInput, Forbidden, NodeFailed, RequestFailed, WaitTimeout
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.session.polling import poll

MESSAGE_TIMEOUT = 3.0
"""Seconds to wait for the message of a job: it is written around the time of the failure."""

MOST_SESSIONS = 3
"""Sessions in which the logs of one call are requested, each after the last one has ended."""

PERIOD = 1.0
"""Seconds between two polls of a job."""

_ACTIONS = ("start_deployment", "stop_deployment", "update_deployment")
_FINAL = {"SUCCESS", "FAILED", "CANCELED"}
_SELECT = "id,created,target-resource,state,status-message"
_NO_REASON = "the server states no reason"
_REPR = re.compile(r"(\w+)\(((['\"]).*\3),?\)", re.DOTALL)
_HTML = re.compile(r"<(?:!doctype|html|head|body)\b.*", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def failure(session: Session, deployment: str) -> str:
    """Read why a deployment is in error, in the words of its newest job."""
    doing, where = f"read why {deployment} failed", _jobs_of([deployment])
    job = first(session, "job", doing=doing, select="id,created", where=where)
    return _NO_REASON if job is None else _wait_for_reason(session, job)


def failures(session: Session, deployments: Sequence[str]) -> dict[str, str]:
    """Read why some deployments are in error: by one search, and by their jobs where it lags."""
    jobs: dict[str, dict[str, Any]] = {}
    doing, where = "read why deployments failed", _jobs_of(deployments)
    for job in search(session, "job", doing=doing, select=_SELECT, where=where):
        jobs.setdefault(documents.href(job, "target-resource") or "", job)
        if jobs.keys() >= set(deployments):
            break
    reasons = read_ahead(partial(_wait_for_reason, session), jobs.values(), at_once=8)
    return dict.fromkeys(deployments, _NO_REASON) | dict(zip(jobs, reasons, strict=True))


def is_at_work(session: Session, deployment: str) -> bool:
    """Whether a job of a deployment is queued or running."""
    doing = f"look for jobs of {deployment}"
    where = _jobs_of([deployment]) & either("state", "QUEUED", "RUNNING")
    return first(session, "job", doing=doing, select="id,created", where=where) is not None


def reason(job: dict[str, Any]) -> str:
    """The last line of a job's message; the rest of it is a traceback."""
    message = documents.text(job, "status-message") or ""
    lines = _HTML.sub(_html_text, message).strip().splitlines()
    if not lines:
        return "its job was canceled" if job.get("state") == "CANCELED" else _NO_REASON
    match = _REPR.fullmatch(lines[-1].strip())
    if not match:
        return lines[-1].strip()
    # The executor writes the repr of an exception first, and its traceback a little later.
    try:
        text = str(ast.literal_eval(match[2]))
    except (ValueError, SyntaxError):
        text = match[2]
    return f"{match[1]}: {(text.strip().splitlines() or [''])[-1]}"


def _wait_for_reason(session: Session, job: dict[str, Any]) -> str:
    """The reason in a found job, or in the job itself once it is written."""
    polls = poll(
        lambda: read(session, job["id"], _SELECT),
        what=job["id"],
        period=PERIOD,
        timeout=MESSAGE_TIMEOUT,
    )
    document = job
    # That the deployment has failed is known; the reason must not hide it.
    with suppress(RequestFailed):
        for document in chain([job], polls):
            state = document.get("state")
            if state == "CANCELED" or (state in _FINAL and document.get("status-message")):
                break
    return reason(document)


def _jobs_of(deployments: Iterable[str]) -> Filter:
    return either("target-resource/href", *deployments) & either("action", *_ACTIONS)


def _html_text(match: re.Match[str]) -> str:
    title = _TITLE.search(match[0])
    return " ".join(html.unescape(title[1] if title else _TAG.sub(" ", match[0])).split())


def _only_component(session: Session, deployment: str) -> str:
    doing, where = f"read the components of {deployment}", either("parent", deployment)
    select, collection = "id,created,name,value", "deployment-parameter"
    entries = search(session, collection, doing=doing, select=select, where=where)
    names = {
        str(entry.get("value")) for entry in entries if str(entry.get("name")).endswith(".node-id")
    }
    if not names:
        read(session, deployment, "id")  # which one that is gone has none of
        raise BadInput(
            f"{deployment} has no components yet.", hint="Read its logs once it has been started."
        )
    if len(names) > 1:
        raise BadInput(
            f"{deployment} has {len(names)} components: name those whose logs you need.",
            hint=f"They are the services of the application: {', '.join(sorted(names))}.",
        )
    return names.pop()


def get_logs(
    backend: CimiBackend, deployment_id: str, components: Iterable[str], lines: int, timeout: float
) -> dict[str, list[str]]:
    """Have the server fetch the last lines of each service, and read them."""
    session, name = backend.session, node_id(deployment_id)
    names = list(components) or [_only_component(session, name)]
    body = {"components": names, "lines": lines}
    for _ in range(MOST_SESSIONS - 1):
        login = session.login
        try:
            return _fetch_logs(session, name, body, timeout)
        except Forbidden:
            # A new session cannot read the log of one that has ended.
            if session.login is login:
                raise
    return _fetch_logs(session, name, body, timeout)


def _fetch_logs(
    session: Session, name: str, body: dict[str, Any], timeout: float
) -> dict[str, list[str]]:
    doing = f"read the logs of {name}"
    response = change(session, "POST", f"{name}/create-log", body, doing=doing, success=201)
    log = reference(response, "resource-id", "resource-log", doing)
    response = change(session, "POST", f"{log}/fetch", doing=doing, success=202)
    job = reference(response, "location", "job", doing)
    read_job = partial(read, session, job, "id,state,status-message", doing=doing)
    for document in poll(read_job, what=job, period=PERIOD, timeout=timeout):
        state = documents.text(document, "state")
        if state in _FINAL - {"SUCCESS"}:
            raise NodeFailed(f"Cannot {doing}: {reason(document)}", state=str(state))
        if state == "SUCCESS":
            break
    else:
        raise WaitTimeout(
            f"Cannot {doing}: not fetched after {timeout:g} seconds.",
            hint="Try again with a longer timeout.",
        )
    document = read(session, log, "id,log", doing=doing)
    return {
        str(component): [str(line) for line in text] if isinstance(text, list) else [str(text)]
        for component, text in documents.mapping(document, "log").items()
    }
