"""
Logs of a deployment's components, which the server fetches on request.

A log and the job that fetches it belong to the session that asked. Source: nuvla/api-server,
server/resources/resource_log.clj, deployment/utils.clj.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import NAME, get, post
from slipstream.backends.nuvla.ids import resource_id
from slipstream.errors import DeploymentFailed, InvalidInput, MalformedAnswer, WaitTimedOut
from slipstream.hookspecs import hookimpl, serves
from slipstream.session import Session

PERIOD = 1.0
"""Seconds between two looks at the job that fetches."""

_FAILED = {"FAILED", "CANCELED"}


@hookimpl
@serves(NAME)
def slipstream_get_logs(
    session: Session, deployment_id: str, components: Iterable[str], lines: int, timeout: float
) -> dict[str, list[str]]:
    """The last lines of each component; the components are the names of its services."""
    name = resource_id(deployment_id, "deployment", "node")
    wanted = list(components)
    if not wanted:
        raise InvalidInput(
            "No component was named.", hint="Components are the services of the application."
        )
    doing = f"read the logs of {name}"
    created = session.send(
        post(f"{name}/create-log", {"components": wanted, "lines": lines}), doing=doing
    )
    log = _named(created.json(), "resource-id", doing, session)
    started = session.send(post(f"{log}/fetch"), doing=doing)
    _wait(session, _named(started.json(), "location", doing, session), doing, timeout)
    document = session.send(get(log), doing=doing).json()
    found = document.get("log") if isinstance(document, dict) else None
    return {
        str(component): [str(line) for line in text] if isinstance(text, list) else [str(text)]
        for component, text in (found or {}).items()
    }


def _wait(session: Session, job: str, doing: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        document = session.send(get(job, "id,state,status-message"), doing=doing).json()
        state = documents.text(document, "state")
        if state == "SUCCESS":
            return
        if state in _FAILED:
            said = (documents.text(document, "status-message") or "no reason").splitlines()[-1]
            raise DeploymentFailed(
                f"Cannot {doing}: {said}", state=str(state), endpoint=session.endpoint.url
            )
        if time.monotonic() > deadline:
            raise WaitTimedOut(
                f"Cannot {doing}: not fetched after {timeout:g} seconds.",
                endpoint=session.endpoint.url,
                hint="Try again with a longer timeout.",
            )
        time.sleep(PERIOD)


def _named(document: Any, key: str, doing: str, session: Session) -> str:
    name = documents.text(document, key) if isinstance(document, dict) else None
    if name is None:
        raise MalformedAnswer(
            f"Cannot {doing}: the answer does not say where it is.", endpoint=session.endpoint.url
        )
    return name
