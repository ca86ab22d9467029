"""What the dashboard shows of a world of this family."""

from __future__ import annotations

from slipstream.sandbox.overview import DeploymentRow, ImageRow, MachineRow, Overview, Tone
from slipstream.sandbox.slipstream3.runs import ENDED, Run
from slipstream.sandbox.slipstream3.world import World
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso

_WAY = ("Initializing", "Provisioning", "Executing", "SendingReports", "Ready")


def overview(world: World) -> Overview:
    """Describe a world."""
    runs = sorted(world.runs.values(), key=lambda run: run.created, reverse=True)
    modules = {module.path: module for module in world.library.modules() if module.published}
    images = [
        ImageRow(
            path=path,
            kind="application" if module.nodes else "component",
            description=module.description,
        )
        for path, module in modules.items()
    ]
    return Overview(
        deployments=[_deployment(world, run) for run in runs],
        machines=[_machine(world, own) for own in world.store.collection("virtual-machine")],
        images=images,
    )


def _machine(world: World, document: Document) -> MachineRow:
    run = world.runs.get(document.get("deployment", {}).get("href", "").partition("/")[2])
    names = {machine.document: machine.group for machine in run.machines} if run else {}
    return MachineRow(
        name=names.get(document["id"]) or document["instanceID"],
        place=document["connector"]["href"].partition("/")[2],
        state=document["state"],
        tone="good" if document["state"] == "running" else "moving",
        address=document.get("ip", ""),
        use=_name(run) if run else "",
    )


def _deployment(world: World, run: Run) -> DeploymentRow:
    documents = [world.store.get(machine.document or "") or {} for machine in run.machines]
    running = sum(document.get("state") == "running" for document in documents)
    noun = "machine" if len(documents) == 1 else "machines"
    is_up = run.state in {"Ready", "Finalizing"} and run.url.startswith(world.base_url)
    tone: Tone = "over" if run.state in ENDED else "good" if run.state == "Ready" else "moving"
    return DeploymentRow(
        id=run.uuid,
        name=_name(run),
        image=run.module.path,
        owner=run.owner,
        place=", ".join(run.clouds),
        state=run.state,
        tone="bad" if run.abort_reason else tone,
        progress=100 * _WAY.index(run.state) // 4 if run.state in _WAY else 100,
        started=iso(run.created),
        machines="" if run.state in ENDED else f"{running} of {len(documents)} {noun} running",
        failure=run.abort_reason,
        path=run.url.removeprefix(world.base_url) if is_up else "",
    )


def _name(run: Run) -> str:
    return run.tags.partition(",")[0] or run.module.name
