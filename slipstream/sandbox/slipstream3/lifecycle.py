"""
How deployments move on.

Source: SlipStreamServer, jar-persistence statemachine and RuntimeParameter.java.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, get_args

from slipstream.sandbox.slipstream3 import machines
from slipstream.sandbox.slipstream3.runs import (
    ENDED,
    LONGEST_VALUE,
    TRANSITIONAL,
    Machine,
    Run,
    State,
)
from slipstream.sandbox.slipstream3.scripts import ScriptFailure, Surroundings, play

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

Action: TypeAlias = "Callable[[World, Run, datetime], None]"
_NEXT: Mapping[State, State] = {
    "Initializing": "Provisioning",
    "Provisioning": "Executing",
    "Executing": "SendingReports",
    "SendingReports": "Ready",
}
STATES: Mapping[str, State] = {state: state for state in get_args(State)}
# Seconds an aborted run stays in each state on its way to Ready.
_HURRY = 5.0


def advance(world: World, run: Run, now: datetime) -> None:
    """
    Bring a run up to date.

    :param world: The world.
    :param run: The run.
    :param now: The present moment.
    """
    if run.held:
        _collect_garbage(world, run, now)
        return
    while run.state in TRANSITIONAL and (due := _due(run)) <= now:
        _move(world, run, due)


def _due(run: Run) -> datetime:
    if run.hurried is not None:
        return run.hurried + timedelta(seconds=_HURRY)
    return run.changed + timedelta(seconds=_PLAN[run.state][run.milestones][0])


def _move(world: World, run: Run, at: datetime) -> None:
    plan = _PLAN[run.state]
    if run.hurried is None and run.milestones < len(plan) - 1:
        run.milestones += 1
        plan[run.milestones - 1][1](world, run, at)
    else:
        plan[-1][1](world, run, at)


def enter(world: World, run: Run, state: State, at: datetime) -> None:
    """
    Put a run into a state.

    :param world: The world.
    :param run: The run.
    :param state: The state.
    :param at: The moment.
    """
    run.state, run.changed, run.milestones = state, at, 0
    run.hurried = at if run.abort_reason and state in TRANSITIONAL else None
    run.timeouts = 0
    run.completed.clear()
    run.put("ss:state", state)
    world.event(run, state, at)
    if state in ENDED:
        run.ended = at


def step(world: World, run: Run, at: datetime) -> None:
    """
    Leave a state for the one that follows by itself.

    :param world: The world.
    :param run: The run.
    :param at: The moment.
    """
    if run.state == "Finalizing":
        finish(world, run, at)
        return
    enter(world, run, _NEXT[run.state], at)
    if run.state == "Ready":
        _settle(run)
        if not _stays(run):
            enter(world, run, "Finalizing", at)


def _settle(run: Run) -> None:
    for machine in run.present:
        key = f"{machine.group}:scale.state"
        if machine.leaving:
            machine.gone = True
            run.put(key, "gone")
        elif key in run.runtime:
            run.put(key, "operational")
        run.put(f"{machine.group}:statecustom", "")
        run.put(f"{machine.group}:complete", "true")
    run.put("ss:complete", "true")


def _stays(run: Run) -> bool:
    if run.kind == "Machine":
        return False
    if run.kind == "Run" or run.mutable:
        return True
    wanted = {"always", "on-error"} if run.abort_reason else {"always", "on-success"}
    return run.keep_running in wanted


def finish(world: World, run: Run, at: datetime) -> None:
    """
    End a run that was up: the machines go, and it is over.

    :param world: The world.
    :param run: The run.
    :param at: The moment.
    """
    _vanish_all(world, run)
    enter(world, run, "Aborted" if run.abort_reason else "Done", at)


def terminate(world: World, run: Run, at: datetime) -> None:
    """
    Take a deployment down, as ``DELETE /run/UUID`` does.

    :param world: The world.
    :param run: The run; one that has ended stays as it is.
    :param at: The moment.
    """
    _vanish_all(world, run)
    if run.state == "Ready":
        enter(world, run, "Finalizing", at)
        finish(world, run, at)
    elif run.state not in ENDED:
        enter(world, run, "Cancelled", at)
    world.event(run, "Terminated", at, kind="action")


def _vanish_all(world: World, run: Run) -> None:
    for machine in run.present:
        machines.vanish(world, run, machine)


def abort(world: World, run: Run, reason: str, at: datetime, *, group: str = "ss") -> None:
    """
    Raise the abort flag, unless it is up already.

    :param world: The world.
    :param run: The run.
    :param reason: What went wrong; cut in the middle if it is very long.
    :param at: The moment.
    :param group: The machine it is about, if any.
    """
    if run.abort_reason:
        return
    if len(reason) > LONGEST_VALUE:
        half = (LONGEST_VALUE - 5) // 2
        reason = f"{reason[:half]} ... {reason[-half:]}"
    run.put("ss:abort", reason)
    if group != "ss":
        run.put(f"{group}:abort", reason)
    if run.state == "Provisioning":
        run.put("ss:recovery.mode", "true")
    if run.state in TRANSITIONAL:
        run.hurried = at
    world.event(run, reason, at, severity="high")


def _collect_garbage(world: World, run: Run, now: datetime) -> None:
    minutes = world.timeout(run.owner)
    rounds = int((now - run.changed) / timedelta(minutes=minutes))
    if run.state not in TRANSITIONAL or rounds <= run.timeouts:
        return
    run.timeouts = rounds
    was_aborted = bool(run.abort_reason)
    abort(world, run, "The run has timed out", now)
    if not run.mutable and (run.state == "Initializing" or was_aborted or rounds > 1):
        terminate(world, run, now)


def _start_orchestrators(world: World, run: Run, at: datetime) -> None:
    for machine in run.present:
        if machine.is_orchestrator and not machine.instance:
            machine.ip = world.ids.address()
            machines.report(world, run, machine, "running", at)


def _request_machines(world: World, run: Run, at: datetime) -> None:
    for machine in run.present:
        if not machine.is_orchestrator and not machine.instance:
            machines.report(world, run, machine, "pending", at)
            run.put(f"{machine.group}:statecustom", "Waiting for the machine to boot")
    _remove_leaving(world, run)


def _boot_machines(world: World, run: Run, at: datetime) -> None:
    for machine in run.present:
        if not machine.is_orchestrator and not machine.ip:
            machine.ip = world.ids.address()
            machines.report(world, run, machine, "running", at)
            run.put(f"{machine.group}:url.ssh", f"ssh://{_login(world, machine)}@{machine.ip}")
            run.put(f"{machine.group}:statecustom", "Installing packages")
            _put_if_known(run, f"{machine.group}:scale.state", "created")


def _remove_leaving(world: World, run: Run) -> None:
    for machine in run.present:
        if machine.leaving:
            machines.vanish(world, run, machine)
            run.put(f"{machine.group}:scale.state", "removed")


def _login(world: World, machine: Machine) -> str:
    lineage = world.library.lineage(machine.component) if machine.component else []
    return next((one.login for one in lineage if one.login), "root")


def _put_if_known(run: Run, key: str, value: str) -> None:
    if key in run.runtime:
        run.put(key, value)


def _announce_scripts(_: World, run: Run, __: datetime) -> None:
    for machine in run.present:
        run.put(f"{machine.group}:statecustom", "Running the deployment script")


def _run_scripts(world: World, run: Run, at: datetime) -> None:
    for machine in run.present:
        if machine.component is None or machine.leaving:
            continue
        try:
            for script in _targets(world, machine, "execute"):
                play(script, _surroundings(world, run, machine))
        except ScriptFailure as failure:
            reason = str(failure) or f"Failed running 'execute' target on '{machine.group}'"
            abort(world, run, reason, at, group=machine.group)


def _targets(world: World, machine: Machine, name: str) -> list[str]:
    assert machine.component is not None  # noqa: S101 - orchestrators have no targets
    lineage = reversed(world.library.lineage(machine.component))
    return [one.targets[name] for one in lineage if name in one.targets]


def _surroundings(world: World, run: Run, machine: Machine) -> Surroundings:
    def full(key: str) -> str:
        return key if ":" in key else f"{machine.group}:{key}"

    def put(key: str, value: str) -> None:
        if full(key) not in run.runtime:
            raise ScriptFailure(f"Unknown key {full(key)}")
        run.put(full(key), value)

    variables = {
        "SANDBOX_SITE": f"{world.base_url}/sites/{run.uuid}/",
        "RANDOM_SECRET": world.ids.secret(),
        "HOSTNAME": machine.ip,
    }
    return Surroundings(lambda key: run.get(full(key)), put, variables)


# Seconds after which each thing happens in a state; the last one leaves the state.
_PLAN: Mapping[State, tuple[tuple[float, Action], ...]] = {
    "Initializing": ((6.0, _start_orchestrators), (10.0, step)),
    "Provisioning": ((20.0, _request_machines), (60.0, _boot_machines), (90.0, step)),
    "Executing": ((1.0, _announce_scripts), (100.0, _run_scripts), (120.0, step)),
    "SendingReports": ((20.0, step),),
    "Finalizing": ((15.0, step),),
}
