"""
The state transitions of deployments, and their machines and scripts.

Source: SlipStreamServer, jar-persistence statemachine, RuntimeParameter.java, and jar-connector
CliConnectorBase.java.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from slipstream.sandbox.slipstream3.records import ENDED, TRANSITIONAL, Machine, Run, RunState
from slipstream.sandbox.slipstream3.state import State, granted
from slipstream.sandbox.slipstream3.xml import XmlProblem
from slipstream.sandbox.store import Document

Action: TypeAlias = "Callable[[State, Run, datetime], None]"
_NEXT: Mapping[RunState, RunState] = {
    "Initializing": "Provisioning",
    "Provisioning": "Executing",
    "Executing": "SendingReports",
    "SendingReports": "Ready",
}
# Seconds an aborted run stays in each state on its way to Ready.
_HURRY = 5.0
# Seconds from the launch until the machine of a run exists that was terminated before.
_LATE_START = 30.0
_OF_OFFER = re.compile(
    r"resource:(vcpu|ram|disk|instanceType)|price:(currency|unitCost|unitCode|freeUnits|"
    r"billingPeriodCode)"
)


def advance(state: State, run: Run, now: datetime) -> None:
    if run.starts_late and (now - run.created).total_seconds() >= _LATE_START:
        run.starts_late = False
        # What the launch itself starts: the orchestrators, or the machine of a component.
        _start(state, run, run.orchestrators or run.machines)
    while not run.held and run.state in TRANSITIONAL and (due := _due(run)) <= now:
        plan = _PLAN[run.state]
        if run.hurried is None and run.milestones < len(plan) - 1:
            run.milestones += 1
            plan[run.milestones - 1][1](state, run, due)
        else:
            plan[-1][1](state, run, due)


def _due(run: Run) -> datetime:
    if run.hurried is not None:
        return run.hurried + timedelta(seconds=_HURRY)
    return run.changed + timedelta(seconds=_PLAN[run.state][run.milestones][0])


def _enter(state: State, run: Run, name: RunState, at: datetime) -> None:
    run.state, run.changed, run.milestones = name, at, 0
    run.hurried = at if run.abort_reason and name in TRANSITIONAL else None
    run.put("ss:state", name)
    state.event(run, name, at)
    if name in ENDED:
        run.ended = at


def _step(state: State, run: Run, at: datetime) -> None:
    _enter(state, run, _NEXT[run.state], at)
    if run.state != "Ready":
        return
    for machine in run.machines:
        run.put(f"{machine.group}:statecustom", "")
        if machine.component is not None:
            run.put(f"{machine.group}:scale.state", "operational")
    lasting = {"always", "on-error" if run.abort_reason else "on-success"}
    if run.kind == "Orchestration" and not run.mutable and run.keep_running not in lasting:
        _enter(state, run, "Finalizing", at)


def _finish(state: State, run: Run, at: datetime) -> None:
    _stop_machines(state, run)
    _enter(state, run, "Aborted" if run.abort_reason else "Done", at)


def terminate(state: State, run: Run, at: datetime) -> None:
    """Terminate a deployment, as ``DELETE /run/UUID`` does."""
    started = any(machine.instance for machine in run.machines)
    _stop_machines(state, run)
    if run.state == "Ready":
        _enter(state, run, "Finalizing", at)
        _finish(state, run, at)
    elif run.state not in ENDED:
        _enter(state, run, "Cancelled", at)
    state.event(run, "Terminated", at, kind="action")
    if run.invalid:
        raise XmlProblem(400, f"Validation error: {run.invalid}")
    refuses = state.refuses_early_termination
    if not started and (state.clock.speed > 0 if refuses is None else refuses):
        # The launch goes on: its machine is there later, and needs another DELETE.
        run.starts_late = True
        raise XmlProblem(409, "There are no instances to terminate.")


def abort(
    state: State, run: Run, reason: str, at: datetime, *, group: str = "ss", replace: bool = False
) -> None:
    if run.abort_reason and not replace:
        return
    run.put("ss:abort", reason)
    if f"{group}:abort" in run.runtime:
        run.put(f"{group}:abort", reason)
    if run.state in TRANSITIONAL and run.hurried is None:
        run.hurried = at
    state.event(run, f"Abort from '{group}', message:{reason}", at, severity="high")


# Machines.


def describe_machine(
    state: State, machine: Machine, *, owner: str, word: str, run: Run | None = None
) -> Document:
    name = f"{machine.cloud}:{machine.instance}"
    identifier = f"virtual-machine/{uuid.uuid3(uuid.NAMESPACE_OID, name)}"
    credential = state.credential_of(owner, machine.cloud)
    optional: Document = {"ip": machine.ip} if machine.ip else {}
    if run is not None:
        optional["deployment"] = {"href": run.href, "user": {"href": f"user/{run.owner}"}}
    if earlier := state.store.get(identifier):
        optional["created"] = earlier["created"]
    return state.document(
        "virtual-machine",
        id=identifier,
        connector={"href": f"connector/{machine.cloud}"},
        instanceID=machine.instance,
        state=word,
        credentials=[{"href": str(credential["id"]) if credential else f"user/{owner}"}],
        serviceOffer=_offer_of(state, machine),
        currency="EUR",
        billable=word == "running",
        acl=granted(owner, "VIEW"),
        **optional,
    )


def _offer_of(state: State, machine: Machine) -> Document:
    """The part of a machine's service offer that its document repeats."""
    offers = state.store.collection("service-offer")
    offer = state.store.get(machine.offer or "") or next(
        offer for offer in offers if offer["connector"]["href"] == machine.cloud
    )
    common = {key: value for key, value in offer.items() if _OF_OFFER.fullmatch(key)}
    return {"href": offer["id"], **common}


def _report(state: State, run: Run, machine: Machine, word: str) -> None:
    """Write a machine's document, and its copy in the run."""
    machine.instance = machine.instance or state.ids.uuid()
    document = describe_machine(state, machine, owner=run.owner, word=word, run=run)
    machine.document = document["id"]
    run.put(f"{machine.group}:instanceid", machine.instance)
    if machine.ip:
        run.put(f"{machine.group}:hostname", machine.ip)
    run.put(f"{machine.group}:vmstate", word)


def _stop_machines(state: State, run: Run) -> None:
    for machine in run.machines:
        if machine.document:
            state.store.remove(machine.document)
            run.put(f"{machine.group}:vmstate", "Unknown")


def _start(state: State, run: Run, machines: Sequence[Machine]) -> None:
    for machine in machines:
        machine.ip = machine.ip or state.ids.address()
        _report(state, run, machine, "running")


def _start_orchestrators(state: State, run: Run, _: datetime) -> None:
    _start(state, run, run.orchestrators)


def _request_machines(state: State, run: Run, at: datetime) -> None:
    if reason := state.take_failure():
        abort(state, run, reason, at)
        return
    for machine in run.machines:
        if machine.component is not None:
            _report(state, run, machine, "pending")
            run.put(f"{machine.group}:statecustom", "Waiting for the machine to boot")


def _boot_machines(state: State, run: Run, _: datetime) -> None:
    for machine in run.machines:
        if machine.component is not None:
            _start(state, run, [machine])
            lineage = state.library.lineage(machine.component)
            login = next((module.login for module in lineage if module.login), "root")
            run.put(f"{machine.group}:url.ssh", f"ssh://{login}@{machine.ip}")
            run.put(f"{machine.group}:statecustom", "Installing packages")


def _announce_scripts(_: State, run: Run, __: datetime) -> None:
    for machine in run.machines:
        run.put(f"{machine.group}:statecustom", "Running the deployment script")


def _run_scripts(state: State, run: Run, at: datetime) -> None:
    for machine in run.machines:
        if machine.component is None:
            continue
        values = {
            own.name: own.value for own in run.runtime.values() if own.group == machine.group
        }
        site = f"{state.base_url}/sites/{run.uuid}/"
        for name, text in machine.component.sets.items():
            key = name if ":" in name else f"{machine.group}:{name}"
            run.put(key, text.format(**values, SECRET=state.ids.secret(), SITE=site))
        if machine.component.fails:
            reason = f"Failed running 'execute' target on '{machine.group}'"
            abort(state, run, reason, at, group=machine.group)


# Seconds after which each thing happens in a state; the last one leaves the state.
_PLAN: Mapping[RunState, tuple[tuple[float, Action], ...]] = {
    "Initializing": ((6.0, _start_orchestrators), (10.0, _step)),
    "Provisioning": ((20.0, _request_machines), (60.0, _boot_machines), (90.0, _step)),
    "Executing": ((1.0, _announce_scripts), (100.0, _run_scripts), (120.0, _step)),
    "SendingReports": ((20.0, _step),),
    "Finalizing": ((15.0, _finish),),
}
