"""
Several runs at once, for those who watch them.

The list of runs tells states and failures, newest run first. The document of a run, and the
parameters that every run has, are asked for where the list would cost more. Sources:
SlipStreamServer, run/RunListResource.java, run/RuntimeParameterResource.java.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

import attrs

from slipstream.backends.prefetch import read_ahead
from slipstream.backends.slipstream import machines
from slipstream.backends.slipstream.dialect import STATES
from slipstream.backends.slipstream.paths import run_id
from slipstream.backends.slipstream.run_list import PAGE, iterate_runs
from slipstream.backends.slipstream.runs import AT_ONCE, get_state, read
from slipstream.errors import NotFound
from slipstream.session import Session
from slipstream.values import GONE, Deployment, Phase

FEW = 3
"""Runs that are read one by one: when they are not among the newest, or have no machine yet."""


def get_deployments(session: Session, deployment_ids: Sequence[str]) -> Iterator[Deployment]:
    """
    A page of the list for each 500 runs; once all run, a search of machines for each 100.

    One run by itself costs a request for its state, and its document once it is ready.
    """
    runs = [run_id(text) for text in deployment_ids]
    deployments = dict(_listed(session, runs))
    for run in runs:
        if run not in deployments:
            deployments[run] = _by_itself(session, run)
    if all(run.phase is Phase.RUNNING for run in deployments.values()):
        deployments |= _with_addresses(session, deployments.values())
    yield from (deployments[run] for run in runs)


def _listed(session: Session, runs: Sequence[str]) -> Iterator[tuple[str, Deployment]]:
    """Those of the runs that the list has, as far as it is worth reading."""
    missing = set(runs)
    if len(missing) == 1:
        return
    for number, run in enumerate(iterate_runs(session, active_only=False), 1):
        if run.id in missing:
            missing.remove(run.id)
            yield run.id, run
        if not missing or (number >= PAGE and len(missing) <= FEW):
            return


def _by_itself(session: Session, run: str) -> Deployment:
    """One run: its state and failure, and all of it once it is ready."""
    try:
        # Whether a state can still come would be another request; any will do.
        state = get_state(session, run, frozenset(STATES))
    except NotFound:
        return Deployment(id=run, state=GONE, phase=Phase.TERMINATED)
    if state.phase is Phase.RUNNING:
        return read(session, run)
    return Deployment(id=run, state=state.state, phase=state.phase, failure=state.failure)


def _with_addresses(
    session: Session, deployments: Iterable[Deployment]
) -> Iterator[tuple[str, Deployment]]:
    """
    Runs of the list, with their addresses.

    Machines are entered into their collection minutes after the run's document has them. A few
    documents are read instead; of more runs the addresses are not told before.
    """
    summaries = {run.id: run for run in deployments if run.parameters is None}
    ids = iter(list(summaries))
    while page := list(islice(ids, AT_ONCE)):
        for run, addresses in machines.addresses(session, page).items():
            if run in summaries:
                yield run, attrs.evolve(summaries.pop(run), addresses=addresses)
    if len(summaries) <= FEW:
        documents = read_ahead(partial(read, session), list(summaries), at_once=FEW)
        yield from ((run.id, run) for run in documents)
