"""
Starting a deployment: every check of ``POST /run`` in the server's order, then the run.

Source: SlipStreamServer, jar-service RunListResource.java and jar-connector factory classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import yaml

from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.records import Kind, Machine, Module, Parameter, Run
from slipstream.sandbox.slipstream3.state import (
    DEFAULT_CLOUD,
    KEEP_RUNNING,
    SSH_KEY,
    Account,
    State,
)
from slipstream.sandbox.slipstream3.xml import XmlProblem

_TABLES: Mapping[str, Mapping[str, str]] = yaml.safe_load(
    Path(__file__).with_name("runtime_parameters.yaml").read_text("utf-8")
)
_KEEP_RUNNING = ("always", "on-success", "on-error", "never")
_LONGEST_VALUE = 4096
_YES = {"true", "yes", "on", "1"}
_GLOBAL_FIELDS = {"refqname", "type", "keep-running", "mutable", "tags", "bypass-ssh-check"}
_GLOBAL_FIELDS |= {"redirect_to_dashboard"}
_CAST = (
    "Module validation failed: class com.sixsq.slipstream.persistence.{0} cannot be cast to class "
    "com.sixsq.slipstream.persistence.{1} (com.sixsq.slipstream.persistence.{0} and "
    "com.sixsq.slipstream.persistence.{1} are in unnamed module of loader 'app')"
)
_NOTHING_TO_BUILD = (
    "This image doesn't need to be built since it doesn't contain a package list nor a pre-recipe "
    "or a recipe."
)
_NO_CREDENTIAL = (
    "Cloud Username cannot be empty, please edit your <a href='/user/{}'> user account</a>"
)


@attrs.define(kw_only=True)
class _Node:
    """A node to deploy; the node of a component is called ``machine``."""

    name: str = "machine"
    component: Module
    cloud: str = ""
    offer: str | None = None
    multiplicity: int = 1
    max_failures: str = "0"
    values: dict[str, str] = attrs.field(factory=dict)
    mappings: dict[str, str] = attrs.field(factory=dict)

    @property
    def is_component(self) -> bool:
        return self.name == "machine"

    def put(self, name: str, value: str, parameters: Mapping[str, Parameter]) -> None:
        """Set one parameter of the form; the component's own are passed."""
        if name == "cloudservice":
            self.cloud = "" if value == "default" else value
        elif name == "service-offer":
            self.offer = value or None
        elif name == "multiplicity":
            try:
                self.multiplicity = int(value)
            except ValueError:
                raise XmlProblem(500) from None
        elif name == "max-provisioning-failures" and not self.is_component:
            self.max_failures = value
        elif name in parameters:
            # The column of the database has this width, and no check comes before.
            if len(value) > _LONGEST_VALUE:
                raise XmlProblem(500)
            # A component keeps its default where the form has an empty value.
            if value or not self.is_component:
                self.values[name] = value
        elif name in _TABLES["connector"]:
            raise XmlProblem(501, "The parameters of connectors are not played.")
        else:
            raise XmlProblem(409, f"Unknown parameter: {name} in node: {self.name}")


def is_yes(text: str | None) -> bool:
    """Whether a flag of a form or a query is set; None if it was not sent."""
    return (text or "").strip().lower() in _YES


def launch(state: State, account: Account, form: Mapping[str, str]) -> Run:
    module = _module(state, account, form)
    kind = _kind(module, form)
    if not is_yes(form.get("bypass-ssh-check")) and not account.value(SSH_KEY):
        raise XmlProblem(409, "Missing public key in your user profile.")
    nodes = _read_nodes(state, module, form)
    for node in nodes:
        _settle_cloud(state, account, node)
    for node in nodes:
        _check_image(state, node)
    run = Run(
        uuid=state.ids.uuid(),
        module=module,
        kind=kind,
        owner=account.name,
        created=state.now(),
        changed=state.now(),
        mutable=kind == "Orchestration" and is_yes(form.get("mutable")),
        keep_running=_keep_running(account, form),
    )
    _assemble(state, run, nodes, tags=form.get("tags", ""))
    state.runs[run.uuid] = run
    state.event(run, "Created", run.created, kind="action")
    state.event(run, run.state, run.created)
    if not all(state.credential_of(run.owner, cloud) for cloud in run.clouds):
        run.invalid = _NO_CREDENTIAL.format(account.name)
        # Nothing was started, so nothing moves the run on.
        run.held = True
        lifecycle.abort(state, run, run.invalid, run.created)
    return run


def _module(state: State, account: Account, form: Mapping[str, str]) -> Module:
    name = form.get("refqname", "").strip()
    if not name:
        raise XmlProblem(400, "Missing refqname in POST")
    # Without the prefix a number at the end is a part of the path.
    module = state.library.latest(name.strip("/"))
    if name.startswith("module/"):
        with suppress(XmlProblem):
            module = state.library.find(name.removeprefix("module/"))
    if module is None:
        raise XmlProblem(404, f"Coudn't find reference module: {name}")
    if not account.super and not module.allows(account.name, "Post"):
        raise XmlProblem(403, "User does not have the rights to execute this module")
    if module.category == "Deployment" and not module.nodes:
        raise XmlProblem(409, "Deployment module provided for run is missing nodes.")
    return module


def _kind(module: Module, form: Mapping[str, str]) -> Kind:
    default = "Run" if module.category == "Image" else "Orchestration"
    text = form.get("type") or default
    if text not in {"Run", "Orchestration", "Machine"}:
        raise XmlProblem(400, f"Unknown run type: {text}")
    category = "Deployment" if text == "Orchestration" else "Image"
    if module.category != category:
        raise XmlProblem(409, _CAST.format(f"{module.category}Module", f"{category}Module"))
    if text == "Machine":
        raise XmlProblem(409, _NOTHING_TO_BUILD)
    return "Run" if text == "Run" else "Orchestration"


def _keep_running(account: Account, form: Mapping[str, str]) -> str:
    text = form.get("keep-running") or account.value(KEEP_RUNNING) or "on-success"
    if text not in _KEEP_RUNNING:
        allowed = ", ".join(_KEEP_RUNNING)
        raise XmlProblem(409, f"Value of keep-running should be one of the following: [{allowed}]")
    return text


def _read_nodes(state: State, module: Module, form: Mapping[str, str]) -> list[_Node]:
    """The nodes of a module with the values of a form."""
    is_application = module.category == "Deployment"
    nodes = {
        own.name: _Node(
            name=own.name, component=state.library.find(own.path), mappings=own.parameters
        )
        for own in module.nodes
    } or {"machine": _Node(component=module)}
    for field in [name for name in form if name not in _GLOBAL_FIELDS]:
        parts = field.split("--")
        if len(parts) != (4 if is_application else 2):
            raise XmlProblem(409, f"Invalid key format for {module.category} module: {field}")
        name = parts[2] if is_application else "machine"
        if name not in nodes:
            raise XmlProblem(409, f"Unknown node: {name}")
        text = _unquoted(form[field]) if is_application else form[field]
        nodes[name].put(parts[-1], text, state.library.parameters(nodes[name].component))
    return list(nodes.values())


def _unquoted(text: str) -> str:
    # The server wraps a value in quotes unless it has some, then strips one pair.
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _settle_cloud(state: State, account: Account, node: _Node) -> None:
    if node.offer is not None:
        offer = state.store.get(node.offer)
        if offer is None or not node.offer.startswith("service-offer/"):
            raise XmlProblem(409, f"Failed to find the service offer '{node.offer}'")
        cloud = str(offer["connector"]["href"]).removeprefix("connector/")
        if node.cloud not in {"", cloud}:
            raise XmlProblem(
                409,
                f"The service offer is for '{cloud}' but the Cloud service '{node.cloud}' was "
                f"asked for node '{node.name}'",
            )
        node.cloud = cloud
    node.cloud = node.cloud or account.value(DEFAULT_CLOUD)
    if not node.cloud:
        raise XmlProblem(409, "No cloud service names set on the run.")


def _check_image(state: State, node: _Node) -> None:
    lineage = state.library.lineage(node.component)
    if any(module.images.get(node.cloud) for module in lineage):
        return
    path, cloud = lineage[-1].path, node.cloud
    detail = f"Missing image id for base image: {path} on cloud service: {cloud}"
    if not node.is_component:
        detail = f"Node {node.name} refers to image {path} missing an image id for cloud: {cloud}"
    elif node.component.is_base:
        detail = f"Base image must have an image id for cloud service: {cloud}"
    raise XmlProblem(409, detail)


def _declare(run: Run, section: str, values: Mapping[str, str], prefix: str = "") -> None:
    """Declare the runtime parameters of a table, or the run's own, with values for some."""
    for name, text in _TABLES[section].items():
        description, _, default = text.partition(" | ")
        key, value = f"{prefix}{name}", values.get(name, default)
        if section.startswith("run"):
            run.parameters[key] = Parameter(key, value, description=description)
        else:
            run.declare(key, value, description)


def _assemble(state: State, run: Run, nodes: list[_Node], *, tags: str) -> None:
    clouds = sorted({node.cloud for node in nodes})
    run.nodes = [f"{node.cloud}:{node.name}" for node in nodes]
    credentials = [state.credential_of(run.owner, cloud) for cloud in clouds]
    values = {
        "state": run.state,
        "category": run.module.category,
        "groups": ",".join(run.nodes),
        "tags": tags,
        "run.api.key": state.add_api_key(state.accounts[run.owner])[0],
        "deployment.credential.ids": ",".join(
            str(document["id"]) for document in credentials if document
        ),
    }
    _declare(run, "global", values, "ss:")
    _declare(run, "run", {"General.keep-running": run.keep_running})
    if run.kind == "Orchestration":
        for cloud in clouds:
            machine = Machine(group=f"orchestrator-{cloud}", cloud=cloud)
            run.machines.append(machine)
            _declare(run, "orchestrator", {"cloudservice": cloud}, f"{machine.group}:")
    for node in nodes:
        _add_node(state, run, node)
    for node in nodes:
        for machine in run.instances(node.name):
            _map_parameters(run, node, machine)


def _add_node(state: State, run: Run, node: _Node) -> None:
    numbers = [str(number) for number in range(1, node.multiplicity + 1)]
    values = {
        "cloudservice": node.cloud,
        "ids": ",".join(numbers),
        "multiplicity": str(node.multiplicity),
        "node.increment": str(node.multiplicity + 1),
        "max-provisioning-failures": node.max_failures,
    }
    _declare(run, f"run of {'machine' if node.is_component else 'node'}", values, f"{node.name}:")
    own = node.values | ({"service-offer": node.offer} if node.offer else {})
    for key, value in ((f"{node.name}:{name}", value) for name, value in own.items()):
        run.parameters[key] = Parameter(key, value, description="")
    if not node.is_component:
        _declare(run, "node", values, f"{node.name}:")
    for number in numbers:
        _add_machine(state, run, node, number)


def _add_machine(state: State, run: Run, node: _Node, number: str) -> None:
    group = "machine" if node.is_component else f"{node.name}.{number}"
    machine = Machine(
        group=group,
        node=node.name,
        cloud=node.cloud,
        offer=node.offer,
        component=node.component,
    )
    run.machines.append(machine)
    base = state.library.lineage(node.component)[-1]
    values = {
        "cloudservice": node.cloud,
        "service-offer": node.offer or "",
        "image.id": base.images.get(node.cloud, ""),
        "image.platform": base.platform or "",
        "nodename": node.name,
        "id": number,
    }
    _declare(run, "machine" if node.is_component else "instance", values, f"{group}:")
    _declare(run, "connector", {}, f"{group}:{node.cloud}.")
    for name, parameter in state.library.parameters(node.component).items():
        value = node.values.get(name, parameter.value or parameter.default or "")
        run.declare(f"{group}:{name}", value, parameter.description or "")


def _map_parameters(run: Run, node: _Node, machine: Machine) -> None:
    """Map parameters to those of other nodes, which win over the form."""
    for name, source in node.mappings.items():
        other, _, parameter = source.partition(":")
        key = source if source in run.runtime else f"{other}.1:{parameter}"
        target = f"{machine.group}:{name}"
        if key in run.runtime and target in run.runtime:
            run.runtime[target].is_mapped = True
            run.runtime[key].targets.append(target)
            run.put(target, run.get(key))


def finished_run(state: State, user: str, path: str, at: datetime) -> Run:
    """Make a deployment of a component that has been running for some time."""
    module = state.library.find(path)
    run = Run(uuid=state.ids.uuid(), module=module, kind="Run", owner=user, created=at, changed=at)
    _assemble(state, run, [_Node(component=module, cloud=min(state.connectors))], tags="")
    run.state, run.changed = "Ready", at + timedelta(minutes=4)
    run.machines[0].instance = state.ids.uuid()
    for key, value in {
        "ss:state": "Ready",
        "machine:hostname": state.ids.address(),
        "machine:instanceid": run.machines[0].instance,
    }.items():
        run.put(key, value)
    return run
