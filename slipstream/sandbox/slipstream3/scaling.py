"""Adding instances to a node of a deployment, and removing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipstream.sandbox.slipstream3 import lifecycle, quotas
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.assemble import add_machine, connect
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.runs import Machine, Run
from slipstream.sandbox.slipstream3.runtime import check_abort, find_run

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_MOST_AT_ONCE = 100
_REFUSAL = "Can't add/remove instances."


def names(world: World, uuid: str, node: str) -> str:
    """
    List the instances of a node.

    :param world: The world.
    :param uuid: The run's id.
    :param node: The node.
    :returns: Their names, joined by commas; none for an unknown node.
    :raises XmlProblem: 404 for an unknown run.
    """
    run = find_run(world, uuid)
    return ",".join(machine.group for machine in run.nodes(node))


def grow(world: World, account: Account, uuid: str, node: str, number: int) -> str:
    """
    Add instances.

    :param world: The world.
    :param account: Whose quota counts.
    :param uuid: The run's id.
    :param node: The node.
    :param number: How many.
    :returns: The names of the new ones, joined by commas.
    :raises XmlProblem: If it is refused.
    """
    run = find_run(world, uuid)
    check_abort(run)
    _check_scalable(run)
    if world.version.since(47) and number > _MOST_AT_ONCE:
        raise XmlProblem(409, f"Limit exceeded. Maximum {_MOST_AT_ONCE} VMs per scale action.")
    if node not in run.choices:
        raise XmlProblem(400, f"Node {node} doesn't exist.")
    choice = run.choices[node]
    highest = max((one.index for one in run.machines if one.node == node), default=0)
    added: list[Machine] = []
    for index in range(highest + 1, highest + 1 + number):
        machine = add_machine(world, run, choice, index)
        connect(run, choice, machine)
        added.append(machine)
    try:
        quotas.check(world, account, run, added)
    except XmlProblem:
        _forget(run, added)
        raise
    _changed(world, run, node)
    return ",".join(machine.group for machine in added)


def _forget(run: Run, added: Sequence[Machine]) -> None:
    for machine in added:
        run.machines.remove(machine)
        for key in [key for key in run.runtime if key.startswith(f"{machine.group}:")]:
            del run.runtime[key]


def shrink(world: World, uuid: str, node: str, ids: Sequence[str], *, only_ids: bool) -> None:
    """
    Remove instances.

    :param world: The world.
    :param uuid: The run's id.
    :param node: The node.
    :param ids: The numbers of the instances.
    :param only_ids: Take the numbers off the node's list and leave the machines alone; the run
        need not be scalable then.
    :raises XmlProblem: If it is refused.
    """
    run = find_run(world, uuid)
    check_abort(run)
    if not only_ids:
        _check_scalable(run)
    if node not in run.choices:
        raise XmlProblem(400, f"Invalid nodename: {node}")
    indexes = {_index(run, node, identifier) for identifier in ids}
    for machine in [one for one in run.nodes(node) if one.index in indexes]:
        machine.leaving = True
        run.put(f"{machine.group}:scale.state", "removing")
        machine.gone = only_ids
    _changed(world, run, node, stays=only_ids)


def _changed(world: World, run: Run, node: str, *, stays: bool = False) -> None:
    present = run.nodes(node)
    run.put(f"{node}:ids", ",".join(str(machine.index) for machine in present))
    run.put(f"{node}:multiplicity", str(len(present)))
    if not stays:
        lifecycle.enter(world, run, "Provisioning", world.now())
        world.event(run, "Scaled", world.now(), kind="action")


def _index(run: Run, node: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise XmlProblem(400, f"Invalid instance name: {text}")
    key = f"{node}.{int(text)}:scale.state"
    if key not in run.runtime:
        raise XmlProblem(409, f"Couldn't find key '{key}' in execution instance: '{run.uuid}'")
    return int(text)


def _check_scalable(run: Run) -> None:
    if not run.mutable:
        raise XmlProblem(409, f"{_REFUSAL} Run is not mutable.")
    if run.state != "Ready":
        raise XmlProblem(
            409,
            f"{_REFUSAL} Incompatible state {run.state}. "
            "This can only be performed on state Ready",
        )
