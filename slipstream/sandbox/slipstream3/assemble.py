"""Puts a run together: its machines, its parameters, and what is mapped to what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipstream.sandbox.slipstream3.choices import CONNECTOR_PARAMETERS, NodeChoice
from slipstream.sandbox.slipstream3.parameters import Parameter
from slipstream.sandbox.slipstream3.runs import Machine, Run

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_COMMON = {
    "hostname": "hostname/ip of the image",
    "instanceid": "Cloud instance id",
    "statecustom": "Custom state",
    "vmstate": "State of the VM, according to the cloud layer",
    "abort": "Machine abort flag, set when aborting",
    "complete": "'true' when current state is completed",
    "url.ssh": "SSH URL to connect to virtual machine",
    "url.service": "Optional service URL for virtual machine",
    "is.orchestrator": "True if it's an orchestrator",
    "cloudservice": "Cloud Service where the node resides",
}
_WORKER = {
    "service-offer": "Service offer of the machine",
    "image.id": "Cloud image id",
    "image.platform": "Platform",
    "scale.state": "Defined scalability state of the node instance",
    "pre.scale.done": "Pre-scale done",
    "scale.iaas.done": "Orchestrator is done with the scaling of the node instance",
    "disk.attach.size": "Size of the extra disk to attach",
    "disk.attached.device": "Device name of the attached extra disk",
    "disk.detach.device": "Name of the block device to detach",
}
_GLOBAL = {
    "complete": "Global complete flag, set when run completed",
    "abort": "Run abort flag, set when aborting",
    "state": "Global execution state",
    "category": "Module category",
    "groups": "Comma separated node groups",
    "url.service": "Optional service URL for the deployment",
    "tags": "Comma separated tags (used when filtering runs)",
    "recovery.mode": "Run abort flag, set when aborting",
}


def assemble(world: World, run: Run, nodes: Iterable[NodeChoice], *, tags: str) -> None:
    """
    Fill a new run.

    :param world: The world.
    :param run: The run.
    :param nodes: Its nodes.
    :param tags: Its tags.
    """
    chosen = list(nodes)
    run.choices = {node.name: node for node in chosen}
    _declare_global(world, run, tags)
    _remember(run, chosen)
    if run.kind == "Orchestration":
        for cloud in sorted({node.cloud for node in chosen}):
            add_orchestrator(run, cloud)
    for node in chosen:
        if run.kind == "Orchestration":
            _declare_node(run, node)
        for index in range(1, node.multiplicity + 1):
            add_machine(world, run, node, index)
    for node in chosen:
        for machine in run.nodes(node.name):
            connect(run, node, machine)
    groups = [f"{node.cloud}:{node.name}" for node in chosen]
    run.put("ss:groups", ", ".join(groups))


def _declare_global(world: World, run: Run, tags: str) -> None:
    names = dict(_GLOBAL)
    if world.version.since(46):
        names["run.api.key"] = "API key of the run"
    if world.version.since(71):
        names["deployment.credential.ids"] = "Credentials of the deployment"
    for name, description in names.items():
        run.declare(f"ss:{name}", description=description)
    run.put("ss:state", run.state)
    run.put("ss:category", run.module.category)
    run.put("ss:tags", tags)
    run.put("ss:complete", "false")
    run.put("ss:recovery.mode", "false")


def _remember(run: Run, nodes: Iterable[NodeChoice]) -> None:
    _set(run, "General.keep-running", run.keep_running, "Keep running after deployment")
    for node in nodes:
        _set(run, f"{node.name}:cloudservice", node.cloud, _COMMON["cloudservice"])
        if node.offer:
            _set(run, f"{node.name}:service-offer", node.offer, _WORKER["service-offer"])
        if run.kind == "Orchestration":
            _set(run, f"{node.name}:multiplicity", str(node.multiplicity), "Multiplicity number")
        for name, value in node.values.items():
            _set(run, f"{node.name}:{name}", value, "")


def _set(run: Run, name: str, value: str, description: str) -> None:
    run.parameters[name] = Parameter(name, value, description=description)


def add_orchestrator(run: Run, cloud: str) -> None:
    """
    Add the machine that drives the others on one cloud.

    :param run: The run.
    :param cloud: The connector.
    """
    group = f"orchestrator-{cloud}"
    run.machines.append(Machine(group=group, cloud=cloud))
    for name, description in _COMMON.items():
        run.declare(f"{group}:{name}", description=description)
    run.declare(f"{group}:max.iaas.workers", "5", description="Max number of concurrent VMs")
    run.put(f"{group}:is.orchestrator", "true")
    run.put(f"{group}:cloudservice", cloud)
    run.put(f"{group}:complete", "false")
    run.put(f"{group}:vmstate", "Unknown")


def _declare_node(run: Run, node: NodeChoice) -> None:
    ids = ",".join(str(index) for index in range(1, node.multiplicity + 1))
    run.declare(
        f"{node.name}:ids", ids, description="IDs of the machines in a mutable deployment."
    )
    run.declare(f"{node.name}:multiplicity", str(node.multiplicity), description="Multiplicity")
    run.declare(
        f"{node.name}:max-provisioning-failures",
        node.max_failures,
        description="Max provisioning failures",
    )


def add_machine(world: World, run: Run, node: NodeChoice, index: int) -> Machine:
    """
    Add an instance of a node.

    :param world: The world.
    :param run: The run.
    :param node: The node.
    :param index: The instance's number.
    :returns: The machine.
    """
    single = run.kind != "Orchestration"
    machine = Machine(
        group="machine" if single else f"{node.name}.{index}",
        node=node.name,
        index=index,
        cloud=node.cloud,
        offer=node.offer,
        component=node.component,
        size=dict(node.size),
    )
    run.machines.append(machine)
    _declare_machine(world, run, machine, node)
    return machine


def _declare_machine(world: World, run: Run, machine: Machine, node: NodeChoice) -> None:
    group = machine.group
    for name, description in {**_COMMON, **_WORKER}.items():
        run.declare(f"{group}:{name}", description=description)
    for name in CONNECTOR_PARAMETERS:
        run.declare(f"{group}:{machine.cloud}.{name}", node.size.get(name, ""))
    for name, parameter in world.library.inputs(node.component).items():
        if parameter.category in {"Input", "Output"}:
            value = node.values.get(name, parameter.value or parameter.default or "")
            run.declare(
                f"{group}:{name}",
                value,
                description=parameter.description,
                type=parameter.type,
            )
    base = world.library.lineage(node.component)[-1]
    settings = {
        "cloudservice": machine.cloud,
        "service-offer": machine.offer or "",
        "image.id": base.images.get(machine.cloud, ""),
        "image.platform": base.platform or "",
        "is.orchestrator": "false",
        "complete": "false",
        "scale.state": "creating",
        "vmstate": "Unknown",
    }
    if run.kind == "Orchestration":
        for name in ("nodename", "id"):
            run.declare(f"{group}:{name}")
        settings |= {"nodename": node.name, "id": str(machine.index)}
    for name, value in settings.items():
        run.put(f"{group}:{name}", value)


def connect(run: Run, node: NodeChoice, machine: Machine) -> None:
    """
    Tie the mapped parameters of a machine to where their values come from.

    :param run: The run.
    :param node: The machine's node.
    :param machine: The machine.
    """
    for name, source in node.mappings.items():
        other, _, parameter = source.partition(":")
        key = source if source in run.runtime else f"{other}.1:{parameter}"
        target = f"{machine.group}:{name}"
        if key in run.runtime and target in run.runtime:
            run.runtime[target].is_mapped = True
            run.runtime[key].targets.append(target)
            run.put(target, run.get(key))
