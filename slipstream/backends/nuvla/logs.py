"""
Logs of a deployment's components, which the server fetches on request.

A log and the job that fetches it belong to the session that asked. Source: nuvla/api-server,
server/resources/resource_log.clj, deployment/utils.clj.
"""

from __future__ import annotations

from collections.abc import Iterable

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import post
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.resources import change, read_resource, reference
from slipstream.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.session import Session
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff

PERIOD = 1.0
"""Seconds between two looks at the job that fetches."""

_FAILED = {"FAILED", "CANCELED"}


def get_logs(
    session: Session, deployment_id: str, components: Iterable[str], lines: int, timeout: float
) -> dict[str, list[str]]:
    """The last lines of each component; the components are the names of its services."""
    name = resource_id(deployment_id, "deployment", "node")
    names = list(components)
    if not names:
        raise BadInput(
            "No component was named.", hint="Components are the services of the application."
        )
    doing = f"read the logs of {name}"
    request = post(f"{name}/create-log", {"components": names, "lines": lines})
    response = change(session, request, doing=doing, success=201)
    log = reference(session, response, "resource-id", "resource-log", doing)
    response = change(session, post(f"{log}/fetch"), doing=doing, success=202)
    _wait(session, reference(session, response, "location", "job", doing), doing, timeout)
    lines_of = read_resource(session, log, "id,log", doing=doing).get("log")
    return {
        str(component): [str(line) for line in text] if isinstance(text, list) else [str(text)]
        for component, text in (lines_of if isinstance(lines_of, dict) else {}).items()
    }


def _wait(session: Session, job: str, doing: str, timeout: float) -> None:
    deadline = clock.monotonic() + timeout
    for pause in Backoff(start=PERIOD, ceiling=PERIOD).pauses():
        document = read_resource(session, job, "id,state,status-message", doing=doing)
        state = documents.text(document, "state")
        if state == "SUCCESS":
            return
        if state in _FAILED:
            reason = (documents.text(document, "status-message") or "no reason").splitlines()[-1]
            raise NodeFailed(
                f"Cannot {doing}: {reason}", state=str(state), endpoint=session.endpoint.url
            )
        if clock.monotonic() > deadline:
            raise WaitTimeout(
                f"Cannot {doing}: not fetched after {timeout:g} seconds.",
                endpoint=session.endpoint.url,
                hint="Try again with a longer timeout.",
            )
        clock.sleep(pause)
