"""
Several deployments at once, for those who watch them.

A search finds a deployment as it is: creating, changing and deleting one are seen by the next
search. Source: nuvla/api-server, server/resources/common/std_crud.clj.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from slipstream.backends.nuvla import jobs
from slipstream.backends.nuvla.deployment_document import SELECT, deployment
from slipstream.backends.nuvla.dialect import GONE
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.lifecycle import AT_ONCE
from slipstream.backends.nuvla.parameters import Values, read_all
from slipstream.backends.nuvla.search import search
from slipstream.backends.query_filters import either
from slipstream.session import Session
from slipstream.values import Deployment, Phase

T = TypeVar("T")


def get_deployments(session: Session, deployment_ids: Sequence[str]) -> Iterator[Deployment]:
    """
    A search for each 100 deployments, and one for the reasons of those that are in error; once
    all run, one for the parameters of each 100.
    """
    names = [resource_id(text, "deployment", "node") for text in deployment_ids]
    unique = list(dict.fromkeys(names))
    entries = {name: {"id": name, "state": GONE} for name in unique}
    entries |= _by_hundreds(_search, session, unique)
    deployments = {name: deployment(entry) for name, entry in entries.items()}
    failed = [d.id for d in deployments.values() if d.phase is Phase.ERROR]
    for name, reason in _by_hundreds(jobs.failures, session, failed).items():
        deployments[name] = attrs.evolve(deployments[name], failure=reason)
    if all(d.phase is Phase.RUNNING for d in deployments.values()):
        values = _by_hundreds(read_all, session, unique)
        deployments = {name: _reachable(entries[name], values.get(name, {})) for name in unique}
    yield from (deployments[name] for name in names)


def _by_hundreds(
    read: Callable[[Session, Sequence[str]], Mapping[str, T]], session: Session, names: list[str]
) -> dict[str, T]:
    documents: dict[str, T] = {}
    for start in range(0, len(names), AT_ONCE):
        documents |= read(session, names[start : start + AT_ONCE])
    return documents


def _search(session: Session, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    where = either("id", *names)
    entries = search(session, "deployment", doing="read deployments", select=SELECT, where=where)
    return {entry["id"]: entry for entry in entries}


def _reachable(entry: Mapping[str, Any], values: Values) -> Deployment:
    """
    A deployment with its parameters, and with what it is reached by: its addresses, or else the
    name of its host.
    """
    reached, host = deployment(entry, parameters=values), values.get("hostname")
    return attrs.evolve(reached, addresses=[host]) if host and not reached.addresses else reached
