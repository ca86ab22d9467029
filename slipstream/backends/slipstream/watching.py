"""
Several runs at once, for those who watch them.

The list of runs tells states and failures, newest run first. The document of a run, and the
parameters that every run has, are asked for where the list would cost more. Sources:
SlipStreamServer, run/RunListResource.java, run/RuntimeParameterResource.java.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from slipstream.backends.slipstream import machines
from slipstream.backends.slipstream.dialect import NAME, STATES
from slipstream.backends.slipstream.paths import run_id
from slipstream.backends.slipstream.run_list import PAGE, every_run
from slipstream.backends.slipstream.runs import AT_ONCE, read, slipstream_get_state
from slipstream.errors import NotFound
from slipstream.hookspecs import hookimpl, serves
from slipstream.session import Session
from slipstream.values import GONE, Deployment, Phase

FEW = 3
"""Runs that are read one by one when they are not among the newest."""


@hookimpl
@serves(NAME)
def slipstream_get_deployments(
    session: Session, deployment_ids: Sequence[str]
) -> Iterator[Deployment]:
    """
    A page of the list for each 500 runs, and one search of machines for each 100 that run.

    One run by itself costs a question for its state, and its document once it is ready.
    """
    runs = [run_id(text) for text in deployment_ids]
    listed = dict(_listed(session, runs))
    for run in runs:
        if run not in listed:
            listed[run] = _by_itself(session, run)
    known = _addresses(session, listed.values())
    for run in runs:
        yield _with_addresses(session, listed[run], known)


def _listed(session: Session, runs: Sequence[str]) -> Iterator[tuple[str, Deployment]]:
    """Those of the runs that the list has, as far as it is worth reading."""
    missing = set(runs)
    if len(missing) == 1:
        return
    for number, run in enumerate(every_run(session, active_only=False), 1):
        if run.id in missing:
            missing.remove(run.id)
            yield run.id, run
        if not missing or (number >= PAGE and len(missing) <= FEW):
            return


def _by_itself(session: Session, run: str) -> Deployment:
    """One run: its state and failure, and all of it once it is ready."""
    try:
        # Whether a state can still come would be another question; every one is hoped for.
        there = slipstream_get_state(session, run, frozenset(STATES))
    except NotFound:
        return Deployment(id=run, state=GONE, phase=Phase.TERMINATED)
    if there.phase is Phase.RUNNING:
        return read(session, run)
    return Deployment(id=run, state=there.state, phase=there.phase, failure=there.failure)


def _addresses(session: Session, found: Iterable[Deployment]) -> dict[str, list[str]]:
    wanted = [run.id for run in found if run.phase is Phase.RUNNING and run.parameters is None]
    known: dict[str, list[str]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        known |= machines.addresses(session, wanted[start : start + AT_ONCE])
    return known


def _with_addresses(session: Session, run: Deployment, known: dict[str, list[str]]) -> Deployment:
    if run.phase is not Phase.RUNNING or run.parameters is not None:
        return run
    if run.id in known:
        return attrs.evolve(run, addresses=known[run.id])
    # Machines are entered into their collection minutes later than into the run's document.
    return read(session, run.id)
