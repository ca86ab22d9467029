"""
Starting a deployment: every check of ``POST /run``, in the server's order.

Source: SlipStreamServer, jar-service RunListResource.java and jar-connector factory classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

import attrs

from slipstream.sandbox.slipstream3 import choices, quotas
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.assemble import assemble
from slipstream.sandbox.slipstream3.modules import Module
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.runs import Kind, Run

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

KEEP_RUNNING = ("always", "on-success", "on-error", "never")
_YES = {"true", "yes", "on", "1"}
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
_GLOBAL_FIELDS = frozenset(
    {
        "refqname",
        "type",
        "keep-running",
        "mutable",
        "tags",
        "bypass-ssh-check",
        "redirect_to_dashboard",
    }
)


def is_yes(text: str | None) -> bool:
    """
    Read a flag of a form or a query.

    :param text: The text, or None if it was not sent.
    :returns: Whether it means yes.
    """
    return (text or "").strip().lower() in _YES


def launch(world: World, account: Account, form: Mapping[str, str]) -> Run:
    """
    Start a deployment.

    :param world: The world.
    :param account: Who asks.
    :param form: The fields of the form.
    :returns: The new run, in Initializing.
    :raises XmlProblem: If a check fails.
    """
    module = _module(world, account, form)
    kind = _kind(module, form)
    _check_ssh_key(account, kind, form)
    fields = {key: value for key, value in form.items() if key not in _GLOBAL_FIELDS}
    nodes = choices.read(world, module, fields)
    for node in nodes:
        choices.settle_cloud(world, account, node, building=kind == "Machine")
    if kind == "Machine":
        _check_building(module, nodes[0].cloud)
    for node in nodes:
        choices.check_image(world, node)
    keep_running = _keep_running(account, form)
    run = Run(
        uuid=world.ids.uuid(),
        module=module,
        kind=kind,
        owner=account.name,
        created=world.now(),
        changed=world.now(),
        mutable=kind == "Orchestration" and is_yes(form.get("mutable")),
        keep_running=keep_running,
    )
    assemble(world, run, nodes, tags=form.get("tags", ""))
    quotas.check(world, account, run, run.machines)
    world.runs[run.uuid] = run
    account.last_execute = run.created
    world.event(run, "Created", run.created, kind="action")
    world.event(run, run.state, run.created)
    return run


def _module(world: World, account: Account, form: Mapping[str, str]) -> Module:
    name = form.get("refqname", "").strip()
    if not name:
        raise XmlProblem(400, "Missing refqname in POST")
    module = _find(world, name)
    if not account.super and not module.rights.allow(account.name, "Post"):
        raise XmlProblem(403, "User does not have the rights to execute this module")
    if module.category == "Project":
        raise XmlProblem(409, f"Cannot execute a project: {module.path}")
    if module.category == "Deployment" and not module.nodes:
        raise XmlProblem(409, "Deployment module provided for run is missing nodes.")
    return module


def _find(world: World, name: str) -> Module:
    unknown = XmlProblem(404, f"Coudn't find reference module: {name}")
    if not name.startswith("module/"):
        # Without the prefix a number at the end is a part of the path.
        found = world.library.latest(name.strip("/"))
        if found is None:
            raise unknown
        return found
    try:
        return world.library.find(name.removeprefix("module/"))
    except XmlProblem:
        raise unknown from None


def _kind(module: Module, form: Mapping[str, str]) -> Kind:
    default = "Run" if module.category == "Image" else "Orchestration"
    text = form.get("type") or default
    kind = _KINDS.get(text)
    if kind is None:
        raise XmlProblem(400, f"Unknown run type: {text}")
    if (kind == "Orchestration") != (module.category == "Deployment"):
        raise XmlProblem(409, f"A run of type {kind} needs another category of module.")
    return kind


def _check_ssh_key(account: Account, kind: Kind, form: Mapping[str, str]) -> None:
    waived = kind == "Machine" or is_yes(form.get("bypass-ssh-check"))
    if not waived and not account.value("General.ssh.public.key"):
        raise XmlProblem(409, "Missing public key in your user profile.")


def _check_building(module: Module, cloud: str) -> None:
    if module.is_base:
        raise XmlProblem(409, "A base image cannot be built")
    if not (module.packages or module.targets.get("prerecipe") or module.targets.get("recipe")):
        raise XmlProblem(
            409,
            "This image doesn't need to be built since it doesn't contain a package list "
            "nor a pre-recipe or a recipe.",
        )
    if module.images.get(cloud):
        raise XmlProblem(409, f"This image was already built for cloud: {cloud}")


def _keep_running(account: Account, form: Mapping[str, str]) -> str:
    text = form.get("keep-running") or account.value("General.keep-running") or "on-success"
    if text not in KEEP_RUNNING:
        allowed = ", ".join(KEEP_RUNNING)
        raise XmlProblem(409, f"Value of keep-running should be one of the following: [{allowed}]")
    return text


def finished_run(world: World, user: str, path: str, at: datetime) -> Run:
    """
    Make a deployment of a component that is up since some time.

    :param world: The world.
    :param user: Whose it is.
    :param path: The component.
    :param at: When it was started.
    :returns: The run, in Ready; the world does not know it yet.
    """
    module = world.library.find(path)
    node = attrs.evolve(choices.read(world, module, {})[0], cloud=min(world.connectors))
    run = Run(uuid=world.ids.uuid(), module=module, kind="Run", owner=user, created=at, changed=at)
    assemble(world, run, [node], tags="")
    run.state, run.changed = "Ready", at + timedelta(minutes=4)
    run.put("ss:state", "Ready")
    run.put("machine:hostname", world.ids.address())
    return run
