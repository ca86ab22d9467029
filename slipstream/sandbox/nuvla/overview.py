"""What the dashboard shows of a world of this family."""

from __future__ import annotations

from slipstream.sandbox.nuvla.parameters import SITE, parameter_id
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.overview import DeploymentRow, ImageRow, MachineRow, Overview, Tone
from slipstream.sandbox.store import Document

_TONES: dict[str, Tone] = {"STARTED": "good", "UPDATED": "good", "ERROR": "bad", "STOPPED": "over"}


def overview(world: World) -> Overview:
    """Describe a world."""
    deployments = sorted(
        world.store.collection("deployment"),
        key=lambda deployment: str(deployment["created"]),
        reverse=True,
    )
    # An edge stands for the service that runs on it.
    services = [
        *(
            service
            for service in world.store.collection("infrastructure-service")
            if service["subtype"] != "helm-repo" and not _is_of_edge(world, service)
        ),
        *world.store.collection("nuvlabox"),
    ]
    return Overview(
        deployments=[_deployment(world, deployment) for deployment in deployments],
        machines=[_machine(world, service, deployments) for service in services],
        images=[
            ImageRow(
                path=module["path"],
                kind=module["subtype"].replace("_", " "),
                description=module.get("description", ""),
            )
            for module in world.store.collection("module")
            if module.get("published")
        ],
    )


def _is_of_edge(world: World, service: Document) -> bool:
    group = world.store.get(service.get("parent", "")) or {}
    return str(group.get("parent", "")).startswith("nuvlabox/")


def _deployment(world: World, deployment: Document) -> DeploymentRow:
    module, state = deployment["module"], deployment["state"]
    job = _last_job(world, deployment["id"])
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


def _last_job(world: World, identifier: str) -> Document:
    jobs = [
        job
        for job in world.store.collection("job")
        if job.get("target-resource", {}).get("href") == identifier
    ]
    return max(jobs, key=lambda job: str(job["created"]), default={})


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
