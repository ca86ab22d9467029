"""
Adding instances to a node of a deployment, and removing them.

Source: SlipStreamServer, jar-service run/RunNodeResource.java.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
_INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


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


def grow(world: World, account: Account, uuid: str, node: str, form: Mapping[str, str]) -> str:
    """
    Add instances.

    :param world: The world.
    :param account: Whose quota counts.
    :param uuid: The run's id.
    :param node: The node.
    :param form: What was sent: how many as ``n``, or nothing for one.
    :returns: The names of the new ones, joined by commas.
    :raises XmlProblem: If it is refused.
    """
    run = find_run(world, uuid)
    check_abort(run)
    _check_scalable(run)
    number = _wanted(form)
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


def _wanted(form: Mapping[str, str]) -> int:
    if not form:
        return 1
    if "n" not in form:
        raise XmlProblem(400, "No form parameter n=# found in the scale-up request.")
    if not _INTEGER.fullmatch(form["n"]):
        raise XmlProblem(400, "Number of instances to add should be an integer.")
    return int(form["n"])


def _forget(run: Run, added: Sequence[Machine]) -> None:
    for machine in added:
        run.machines.remove(machine)
        for key in [key for key in run.runtime if key.startswith(f"{machine.group}:")]:
            del run.runtime[key]


def shrink(world: World, uuid: str, node: str, form: Mapping[str, str]) -> None:
    """
    Remove instances.

    :param world: The world.
    :param uuid: The run's id.
    :param node: The node.
    :param form: What was sent: the numbers of the instances as ``ids``, between commas. With
        ``delete-ids-only`` set to ``true``, the numbers are taken off the node's list, the
        machines are left alone, and the run need not be scalable.
    :raises XmlProblem: If it is refused.
    """
    run = find_run(world, uuid)
    check_abort(run)
    only_ids = form.get("delete-ids-only", "").strip() == "true"
    if not only_ids:
        _check_scalable(run)
    ids = form.get("ids", "")
    if not ids:
        raise XmlProblem(400, "Provide list of node instance IDs to be removed from the Run.")
    if node not in run.choices:
        raise XmlProblem(400, f"Invalid nodename: {node}")
    indexes = {_index(run, node, identifier) for identifier in _listed(ids)}
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


def _listed(ids: str) -> list[str]:
    # As Java's split does it: blanks go with the commas, and what is empty at the end is dropped.
    return re.split(r"\s*,\s*", re.sub(r"(\s*,\s*)+$", "", ids))


def _index(run: Run, node: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
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
