"""
Several deployments at once, for those who watch them.

A search finds a deployment as it is: creating, changing and deleting one are seen by the next
search. Source: nuvla/api-server, db/es/binding.clj.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from slipstream.backends import documents
from slipstream.backends.conditions import either
from slipstream.backends.nuvla import jobs
from slipstream.backends.nuvla.deployment_document import SELECT, deployment, phase
from slipstream.backends.nuvla.dialect import GONE, NAME
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.lifecycle import AT_ONCE
from slipstream.backends.nuvla.parameters import read_all
from slipstream.backends.nuvla.search import search
from slipstream.hookspecs import hookimpl, serves
from slipstream.session import Session
from slipstream.values import Deployment, Phase


@hookimpl
@serves(NAME)
def slipstream_get_deployments(
    session: Session, deployment_ids: Sequence[str]
) -> Iterator[Deployment]:
    """
    A search for each 100 deployments; another for the parameters of those that run, and one
    for the reasons of those that are in error.
    """
    names = [resource_id(text, "deployment", "node") for text in deployment_ids]
    asked = list(dict.fromkeys(names))
    found: dict[str, Deployment] = {}
    for start in range(0, len(asked), AT_ONCE):
        found |= _read(session, asked[start : start + AT_ONCE])
    for name in names:
        yield found.get(name) or Deployment(id=name, state=GONE, phase=phase(GONE))


def _read(session: Session, names: Sequence[str]) -> dict[str, Deployment]:
    entries = list(
        search(
            session,
            "deployment",
            doing="read deployments",
            select=SELECT,
            where=either("id", *names),
        )
    )
    states = {entry["id"]: phase(documents.text(entry, "state") or "") for entry in entries}
    running = [name for name, state in states.items() if state is Phase.RUNNING]
    failed = [name for name, state in states.items() if state is Phase.ERROR]
    values = read_all(session, running) if running else {}
    reasons = jobs.failures(session, failed) if failed else {}
    found = [
        deployment(
            entry,
            parameters=values.get(entry["id"], {}) if entry["id"] in running else None,
            failure=reasons.get(entry["id"]),
        )
        for entry in entries
    ]
    return {one.id: _reachable(one) for one in found}


def _reachable(found: Deployment) -> Deployment:
    """A place that is known by the name of its host alone is reached by that."""
    host = (found.parameters or {}).get("hostname")
    return attrs.evolve(found, addresses=[host]) if host and not found.addresses else found
