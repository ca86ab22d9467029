"""
Reading and writing runtime parameters from outside.

Source: SlipStreamServer, jar-service run/RuntimeParameterResource.java and
jar-persistence RuntimeParameter.java.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.runs import LONGEST_VALUE, TRANSITIONAL, Run

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World


def find_run(world: World, uuid: str) -> Run:
    """
    Find the run of a runtime parameter.

    :param world: The world.
    :param uuid: The run's id.
    :returns: The run.
    :raises XmlProblem: 404 if there is none.
    """
    if uuid not in world.runs:
        raise XmlProblem(404, f"Unknown run id {uuid}")
    return world.runs[uuid]


def _check_key(world: World, run: Run, key: str) -> None:
    if key not in run.runtime:
        # Tested behaviour of the server: the mere question fails the deployment.
        lifecycle.abort(world, run, f"Unknown key {key}", world.now())
        raise XmlProblem(404, f"Unknown key {key}")


def check_abort(run: Run, *, ignored: bool = False) -> None:
    """
    Refuse what an aborted run does not allow.

    :param run: The run.
    :param ignored: Whether the asker knows that it was aborted.
    :raises XmlProblem: 409 if the abort flag is up.
    """
    if run.abort_reason and not ignored:
        raise XmlProblem(409, "Abort flag raised!")


def read(world: World, uuid: str, key: str, *, ignore_abort: bool) -> str:
    """
    Read a runtime parameter.

    :param world: The world.
    :param uuid: The run's id.
    :param key: The key.
    :param ignore_abort: Whether to answer although the run was aborted.
    :returns: The value.
    :raises XmlProblem: 404, 409 or 412, in this order.
    """
    run = find_run(world, uuid)
    _check_key(world, run, key)
    check_abort(run, ignored=ignore_abort)
    value = run.get(key)
    if key.endswith(":vmstate") and world.version.since(41):
        return _machine_state(world, run, key.partition(":")[0])
    if not value:
        raise XmlProblem(412, f"key {key} not yet set")
    return value


def _machine_state(world: World, run: Run, group: str) -> str:
    machine = next((one for one in run.machines if one.group == group), None)
    document = world.store.get(machine.document) if machine and machine.document else None
    return str(document["state"]) if document else "Unknown"


def write(
    world: World, uuid: str, key: str, value: str, *, ignore_abort: bool, privileged: bool
) -> None:
    """
    Set a runtime parameter.

    :param world: The world.
    :param uuid: The run's id.
    :param key: The key.
    :param value: The value.
    :param ignore_abort: Whether to go on although the run was aborted.
    :param privileged: Whether the asker may set any state.
    :raises XmlProblem: 404, 409 or 400.
    """
    run = find_run(world, uuid)
    _check_key(world, run, key)
    check_abort(run, ignored=ignore_abort)
    group, _, name = key.partition(":")
    if name == "abort":
        lifecycle.abort(world, run, value, world.now(), group=group)
    elif len(value) > LONGEST_VALUE:
        raise XmlProblem(400, f"Value of {key} is longer than {LONGEST_VALUE} characters")
    elif key == "ss:state":
        _set_state(world, run, value, privileged=privileged)
    else:
        run.put(key, value)


def _set_state(world: World, run: Run, value: str, *, privileged: bool) -> None:
    if value not in lifecycle.STATES:
        raise XmlProblem(400, f"Unknown state: {value}")
    wanted = value == "Provisioning" and run.mutable and run.state == "Ready"
    if not (wanted or privileged):
        raise XmlProblem(400, f"Transition from {run.state} to {value} is not allowed.")
    lifecycle.enter(world, run, lifecycle.STATES[value], world.now())


def clear(world: World, uuid: str, key: str, *, ignore_abort: bool) -> None:
    """
    Empty a runtime parameter; on an abort flag, take the abort back.

    :param world: The world.
    :param uuid: The run's id.
    :param key: The key.
    :param ignore_abort: Whether to go on although the run was aborted.
    :raises XmlProblem: 404 or 409.
    """
    run = find_run(world, uuid)
    _check_key(world, run, key)
    check_abort(run, ignored=ignore_abort)
    if key.endswith(":abort"):
        run.put("ss:abort", "")
        run.hurried = None
    run.put(key, "")


def complete(world: World, uuid: str, group: str) -> str:
    """
    Note that a machine has finished its step.

    :param world: The world.
    :param uuid: The run's id.
    :param group: The machine.
    :returns: The state of the run afterwards.
    :raises XmlProblem: 404 for an unknown run, 409 if there is no step to finish.
    """
    run = find_run(world, uuid)
    groups = {machine.group for machine in run.present}
    if group not in groups or run.state not in TRANSITIONAL:
        raise XmlProblem(409, f"{group} cannot complete {run.state}")
    if run.state in {"Initializing", "Finalizing"}:
        groups = {one.group for one in run.present if one.is_orchestrator} or groups
    run.completed.add(group)
    if groups <= run.completed:
        lifecycle.step(world, run, world.now())
    return run.state
