"""What the dashboard shows of a world of this family."""

from __future__ import annotations

from slipstream.sandbox.nuvla.parameters import SITE, parameter_id
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.overview import DeploymentRow, ImageRow, MachineRow, Overview, Tone
from slipstream.sandbox.store import Document

_TONES: dict[str, Tone] = {"STARTED": "good", "UPDATED": "good", "ERROR": "bad", "STOPPED": "over"}


def overview(world: World) -> Overview:
    """Describe a world."""
    store = world.store
    deployments = list(store.collection("deployment"))
    deployments.sort(key=lambda deployment: str(deployment["created"]), reverse=True)
    edges = list(store.collection("nuvlabox"))
    # An edge stands for the service that runs on it, which has its name.
    hidden = {edge["name"] for edge in edges}
    services = [
        service
        for service in store.collection("infrastructure-service")
        if service["subtype"] != "helm-repo" and service["name"] not in hidden
    ]
    return Overview(
        deployments=[_deployment(world, deployment) for deployment in deployments],
        machines=[_machine(world, service, deployments) for service in (*services, *edges)],
        images=[
            ImageRow(
                path=module["path"],
                kind=module["subtype"].replace("_", " "),
                description=module.get("description", ""),
            )
            for module in store.collection("module")
            if module.get("published")
        ],
    )


def _deployment(world: World, deployment: Document) -> DeploymentRow:
    module, state = deployment["module"], deployment["state"]
    identifier, jobs = deployment["id"], world.store.collection("job")
    mine = [job for job in jobs if job["target-resource"]["href"] == identifier]
    job = max(mine, key=lambda job: str(job["created"]), default={})
    site = world.store.get(parameter_id(deployment["id"], SITE)) or {}
    owner = world.store.get(deployment["owner"]) or {}
    message = job.get("status-message", "").strip()
    return DeploymentRow(
        id=deployment["id"],
        name=deployment.get("name") or module["name"],
        image=module["path"],
        owner=str(owner.get("name", deployment["owner"])),
        place=deployment.get("nuvlabox-name") or deployment.get("infrastructure-service-name", ""),
        state=state,
        tone=_TONES.get(state, "moving"),
        progress=job.get("progress", 0),
        started=deployment["created"],
        failure=message.rpartition("\n")[2] if state == "ERROR" else "",
        path=f"/{site['value']}" if state == "STARTED" and "value" in site else "",
    )


def _machine(world: World, service: Document, deployments: list[Document]) -> MachineRow:
    is_edge = service["resource-type"] == "nuvlabox"
    key = "nuvlabox" if is_edge else "infrastructure-service"
    users = sum(item.get(key) == service["id"] for item in deployments)
    is_online = service.get("online", True)
    status = world.store.get(service.get("nuvlabox-status", "")) or {}
    return MachineRow(
        name=service["name"],
        place="edge" if is_edge else service["subtype"],
        state="online" if is_online else "offline",
        tone="good" if is_online else "over",
        address=status.get("ip", "") or service.get("endpoint", ""),
        use=f"{users} deployment{'' if users == 1 else 's'}",
    )
