"""
How deployments move on, and what their machines and scripts do meanwhile.

Source: SlipStreamServer, jar-persistence statemachine, RuntimeParameter.java, and jar-connector
CliConnectorBase.java.
"""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from slipstream.sandbox.slipstream3.access import granted
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.profiles import credential_of
from slipstream.sandbox.slipstream3.runs import ENDED, LONGEST_VALUE, TRANSITIONAL, Machine, Run
from slipstream.sandbox.slipstream3.runs import State as RunState
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import XmlProblem
from slipstream.sandbox.timestamps import iso

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
_OFFER_FIELDS = (
    "resource:vcpu",
    "resource:ram",
    "resource:disk",
    "resource:instanceType",
    "price:currency",
    "price:unitCost",
    "price:billingPeriodCode",
    "price:freeUnits",
    "price:unitCode",
)
_EXPANSION = re.compile(r"\$\(\s*ss-get\s+([\w.:-]+)\s*\)|\$\{?(\w+)\}?")


def advance(state: State, run: Run, now: datetime) -> None:
    """Bring a run up to date."""
    if run.starts_late and (now - run.created).total_seconds() >= _LATE_START:
        run.starts_late = False
        _start(state, run, _first_machines(run))
    if run.held:
        _collect_garbage(state, run, now)
        return
    while run.state in TRANSITIONAL and (due := _due(run)) <= now:
        _move(state, run, due)


def _due(run: Run) -> datetime:
    if run.hurried is not None:
        return run.hurried + timedelta(seconds=_HURRY)
    return run.changed + timedelta(seconds=_PLAN[run.state][run.milestones][0])


def _move(state: State, run: Run, at: datetime) -> None:
    plan = _PLAN[run.state]
    if run.hurried is None and run.milestones < len(plan) - 1:
        run.milestones += 1
        plan[run.milestones - 1][1](state, run, at)
    else:
        plan[-1][1](state, run, at)


def _enter(state: State, run: Run, name: RunState, at: datetime) -> None:
    run.state, run.changed, run.milestones = name, at, 0
    run.hurried = at if run.abort_reason and name in TRANSITIONAL else None
    run.timeouts = 0
    run.put("ss:state", name)
    state.event(run, name, at)
    if name in ENDED:
        run.ended = at


def _step(state: State, run: Run, at: datetime) -> None:
    """Leave a state for the one that follows by itself."""
    if run.state == "Finalizing":
        _finish(state, run, at)
        return
    _enter(state, run, _NEXT[run.state], at)
    if run.state == "Ready":
        for machine in run.machines:
            key = f"{machine.group}:scale.state"
            if key in run.runtime:
                run.put(key, "operational")
            run.put(f"{machine.group}:statecustom", "")
        if not _stays(run):
            _enter(state, run, "Finalizing", at)


def _stays(run: Run) -> bool:
    if run.kind == "Run" or run.mutable:
        return True
    outcome = "on-error" if run.abort_reason else "on-success"
    return run.keep_running in {"always", outcome}


def _finish(state: State, run: Run, at: datetime) -> None:
    _stop_machines(state, run)
    _enter(state, run, "Aborted" if run.abort_reason else "Done", at)


def terminate(state: State, run: Run, at: datetime) -> None:
    """Take a deployment down, as ``DELETE /run/UUID`` does."""
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
    """Raise the abort flag."""
    if run.abort_reason and not replace:
        return
    if len(reason) > LONGEST_VALUE:
        half = (LONGEST_VALUE - 5) // 2
        reason = f"{reason[:half]} ... {reason[-half:]}"
    run.put("ss:abort", reason)
    if f"{group}:abort" in run.runtime:
        run.put(f"{group}:abort", reason)
    if run.state == "Provisioning":
        run.put("ss:recovery.mode", "true")
    if run.state in TRANSITIONAL and run.hurried is None:
        run.hurried = at
    state.event(run, f"Abort from '{group}', message:{reason}", at, severity="high")


def _collect_garbage(state: State, run: Run, now: datetime) -> None:
    minutes = state.timeout(run.owner)
    rounds = int((now - run.changed) / timedelta(minutes=minutes))
    if run.state not in TRANSITIONAL or rounds <= run.timeouts:
        return
    run.timeouts = rounds
    was_aborted = bool(run.abort_reason)
    abort(state, run, "The run has timed out", now)
    if not run.mutable and (run.state == "Initializing" or was_aborted or rounds > 1):
        _stop_machines(state, run)
        _enter(state, run, "Cancelled", now)


# Machines.


def describe_machine(
    state: State, run: Run | None, machine: Machine, *, owner: str, word: str
) -> dict[str, Any]:
    """Write the document of a machine."""
    now = iso(state.now())
    name = f"{machine.cloud}:{machine.instance}"
    credential = credential_of(state, owner, machine.cloud)
    document: dict[str, Any] = {
        "id": machine.document or f"virtual-machine/{uuid.uuid3(uuid.NAMESPACE_OID, name)}",
        "resourceURI": "http://sixsq.com/slipstream/1/VirtualMachine",
        "created": now,
        "updated": now,
        "connector": {"href": f"connector/{machine.cloud}"},
        "instanceID": machine.instance,
        "state": word,
        "credentials": [{"href": str(credential["id"]) if credential else f"user/{owner}"}],
        "serviceOffer": _offer_of(state, machine),
        "currency": "EUR",
        "billable": word == "running",
        "acl": granted(owner, "VIEW"),
    }
    if machine.ip:
        document["ip"] = machine.ip
    if run is not None:
        document["deployment"] = {"href": run.href, "user": {"href": f"user/{run.owner}"}}
    return document


def _offer_of(state: State, machine: Machine) -> dict[str, Any]:
    """The part of a machine's service offer that its document repeats."""
    offer = state.store.get(machine.offer) if machine.offer else _nearest(state, machine)
    if offer is None:
        return {"href": "service-offer/unknown"}
    return {"href": offer["id"], **{key: offer[key] for key in _OFFER_FIELDS if key in offer}}


def _nearest(state: State, machine: Machine) -> dict[str, Any] | None:
    kind = machine.size.get("instance.type")
    for offer in state.store.collection("service-offer"):
        of_cloud = offer["connector"]["href"] == machine.cloud and offer["resource:type"] == "VM"
        if of_cloud and kind in {None, offer.get("resource:instanceType")}:
            return offer
    return None


def _report(state: State, run: Run, machine: Machine, word: str) -> None:
    """Write a machine's document, and what its run repeats of it."""
    machine.instance = machine.instance or state.ids.uuid()
    document = describe_machine(state, run, machine, owner=run.owner, word=word)
    earlier = state.store.get(document["id"])
    document["created"] = earlier["created"] if earlier else document["created"]
    machine.document = document["id"]
    state.store.put(document)
    run.put(f"{machine.group}:instanceid", machine.instance)
    if machine.ip:
        run.put(f"{machine.group}:hostname", machine.ip)
    run.put(f"{machine.group}:vmstate", word)


def _stop_machines(state: State, run: Run) -> None:
    for machine in run.machines:
        if machine.document:
            state.store.remove(machine.document)
            run.put(f"{machine.group}:vmstate", "Unknown")


def _first_machines(run: Run) -> list[Machine]:
    """What the launch itself starts: the orchestrators, or the machine of a component."""
    return [machine for machine in run.machines if machine.is_orchestrator] or run.machines


def _start(state: State, run: Run, machines: list[Machine]) -> None:
    for machine in machines:
        machine.ip = machine.ip or state.ids.address()
        _report(state, run, machine, "running")


def _start_orchestrators(state: State, run: Run, _: datetime) -> None:
    _start(state, run, [machine for machine in run.machines if machine.is_orchestrator])


def _request_machines(state: State, run: Run, at: datetime) -> None:
    if reason := state.take_failure():
        abort(state, run, reason, at)
        return
    for machine in run.machines:
        if not machine.is_orchestrator:
            _report(state, run, machine, "pending")
            run.put(f"{machine.group}:statecustom", "Waiting for the machine to boot")


def _boot_machines(state: State, run: Run, _: datetime) -> None:
    for machine in run.machines:
        if machine.component is not None:
            _start(state, run, [machine])
            lineage = state.library.lineage(machine.component)
            logins = [module.login for module in lineage if module.login]
            login = logins[0] if logins else "root"
            run.put(f"{machine.group}:url.ssh", f"ssh://{login}@{machine.ip}")
            run.put(f"{machine.group}:statecustom", "Installing packages")
            run.put(f"{machine.group}:scale.state", "created")


# Scripts: the few ``ss-`` commands that reach the server.


class _ScriptFailed(Exception):
    """The script gave up; the message says why, if it did."""


def _announce_scripts(_: State, run: Run, __: datetime) -> None:
    for machine in run.machines:
        run.put(f"{machine.group}:statecustom", "Running the deployment script")


def _run_scripts(state: State, run: Run, at: datetime) -> None:
    for machine in run.machines:
        if machine.component is None:
            continue
        try:
            for script in _scripts(state, machine.component):
                _play(state, run, machine, script)
        except _ScriptFailed as failure:
            reason = str(failure) or f"Failed running 'execute' target on '{machine.group}'"
            abort(state, run, reason, at, group=machine.group)


def _scripts(state: State, component: Module) -> list[str]:
    lineage = reversed(state.library.lineage(component))
    return [module.targets["execute"] for module in lineage if "execute" in module.targets]


def _play(state: State, run: Run, machine: Machine, script: str) -> None:
    variables = {
        "SANDBOX_SITE": f"{state.base_url}/sites/{run.uuid}/",
        "RANDOM_SECRET": state.ids.secret(),
        "HOSTNAME": machine.ip,
    }

    def key(name: str) -> str:
        return name if ":" in name else f"{machine.group}:{name}"

    def expand(text: str) -> str:
        return _EXPANSION.sub(
            lambda match: run.get(key(match[1])) if match[1] else variables.get(match[2], ""), text
        )

    for line in script.splitlines():
        match _words(line):
            case ["ss-set", name, value]:
                if key(name) not in run.runtime:
                    raise _ScriptFailed(f"Unknown key {key(name)}")
                run.put(key(name), expand(value))
            case ["ss-abort", *words]:
                raise _ScriptFailed(expand(" ".join(words)))
            case ["exit", code] if code != "0":
                raise _ScriptFailed


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []


# Seconds after which each thing happens in a state; the last one leaves the state.
_PLAN: Mapping[RunState, tuple[tuple[float, Action], ...]] = {
    "Initializing": ((6.0, _start_orchestrators), (10.0, _step)),
    "Provisioning": ((20.0, _request_machines), (60.0, _boot_machines), (90.0, _step)),
    "Executing": ((1.0, _announce_scripts), (100.0, _run_scripts), (120.0, _step)),
    "SendingReports": ((20.0, _step),),
    "Finalizing": ((15.0, _step),),
}
