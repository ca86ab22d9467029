"""
Starting a deployment: every check of ``POST /run`` in the server's order, then the run.

Source: SlipStreamServer, jar-service RunListResource.java and jar-connector factory classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import yaml

from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.accounts import DEFAULT_CLOUD, KEEP_RUNNING, SSH_KEY, Account
from slipstream.sandbox.slipstream3.modules import Module, Parameter
from slipstream.sandbox.slipstream3.profiles import add_api_key, credential_of
from slipstream.sandbox.slipstream3.runs import LONGEST_VALUE, Kind, Machine, Run
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import XmlProblem

_KEEP_RUNNING = ("always", "on-success", "on-error", "never")
_YES = {"true", "yes", "on", "1"}
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
_DESCRIPTIONS = yaml.safe_load(
    Path(__file__).with_name("runtime_parameters.yaml").read_text("utf-8")
)
_REFERENCE = re.compile(r"[A-Za-z0-9_]+(\.\d+)?:\S+")
_FIELD_PARTS = {"Image": 2, "Deployment": 4}
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
    """A node as it will be deployed; the node of a component is called ``machine``."""

    name: str
    component: Module
    cloud: str = ""
    offer: str | None = None
    multiplicity: int = 1
    max_failures: str = "0"
    values: dict[str, str] = attrs.field(factory=dict)
    mappings: dict[str, str] = attrs.field(factory=dict)
    size: dict[str, str] = attrs.field(factory=dict)
    form_cloud: str = ""

    def put(self, name: str, value: str, parameters: Mapping[str, Parameter]) -> None:
        """Take one parameter of the form; the component's own are passed."""
        if name == "cloudservice":
            self.form_cloud = value
        elif name == "service-offer":
            self.offer = value or None
        elif name == "multiplicity":
            self.multiplicity = _count(value)
        elif name == "max-provisioning-failures" and self.name != "machine":
            self.max_failures = value
        elif name in parameters:
            self._put_value(name, value)
        elif name in _DESCRIPTIONS["connector"]:
            self.size[name] = value
        else:
            raise XmlProblem(409, f"Unknown parameter: {name} in node: {self.name}")

    def _put_value(self, name: str, value: str) -> None:
        # The column of the database is this wide, and nobody checks before.
        if len(value) > LONGEST_VALUE:
            raise XmlProblem(500)
        # A component keeps its default where the form has an empty value.
        if value or self.name != "machine":
            self.values[name] = value


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise XmlProblem(500) from None


def is_yes(text: str | None) -> bool:
    """Whether a flag of a form or a query, None if it was not sent, means yes."""
    return (text or "").strip().lower() in _YES


def launch(state: State, account: Account, form: Mapping[str, str]) -> Run:
    """Start a deployment."""
    module = _module(state, account, form)
    kind = _kind(module, form)
    if not is_yes(form.get("bypass-ssh-check")) and not account.value(SSH_KEY):
        raise XmlProblem(409, "Missing public key in your user profile.")
    fields = {name: value for name, value in form.items() if name not in _GLOBAL_FIELDS}
    nodes = _read_nodes(state, module, fields)
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
    if not all(all(account.cloud_login(cloud)) for cloud in run.clouds):
        run.invalid = _NO_CREDENTIAL.format(account.name)
        # Nothing was started, so nothing moves the run on.
        run.held = True
        lifecycle.abort(state, run, run.invalid, run.created)
    return run


def _module(state: State, account: Account, form: Mapping[str, str]) -> Module:
    name = form.get("refqname", "").strip()
    if not name:
        raise XmlProblem(400, "Missing refqname in POST")
    module = _find(state, name)
    if not account.super and not module.rights.allow(account.name, "Post"):
        raise XmlProblem(403, "User does not have the rights to execute this module")
    if module.category == "Deployment" and not module.nodes:
        raise XmlProblem(409, "Deployment module provided for run is missing nodes.")
    return module


def _find(state: State, name: str) -> Module:
    unknown = XmlProblem(404, f"Coudn't find reference module: {name}")
    if not name.startswith("module/"):
        # Without the prefix a number at the end is a part of the path.
        module = state.library.latest(name.strip("/"))
        if module is None:
            raise unknown
        return module
    try:
        return state.library.find(name.removeprefix("module/"))
    except XmlProblem:
        raise unknown from None


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


def _read_nodes(state: State, module: Module, fields: Mapping[str, str]) -> list[_Node]:
    """The nodes of a module with what a form, without its global fields, chooses for them."""
    nodes = {node.name: node for node in _default_nodes(state, module)}
    for field, value in fields.items():
        parts = field.split("--")
        if len(parts) != _FIELD_PARTS[module.category]:
            raise XmlProblem(409, f"Invalid key format for {module.category} module: {field}")
        name = parts[2] if module.category == "Deployment" else "machine"
        if name not in nodes:
            raise XmlProblem(409, f"Unknown node: {name}")
        text = _unquoted(value) if module.category == "Deployment" else value
        nodes[name].put(parts[-1], text, state.library.parameters(nodes[name].component))
    return list(nodes.values())


def _unquoted(text: str) -> str:
    # The server wraps a value in quotes unless it has some, then strips one pair.
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _default_nodes(state: State, module: Module) -> list[_Node]:
    if module.category == "Image":
        return [_Node(name="machine", component=module)]
    return [
        _Node(
            name=node.name,
            component=state.library.find(node.path),
            cloud=node.cloud,
            multiplicity=node.multiplicity,
            max_failures=str(node.max_provisioning_failures),
            values={
                name: _unquoted(value)
                for name, value in node.parameters.items()
                if not _REFERENCE.fullmatch(value)
            },
            mappings={
                name: value
                for name, value in node.parameters.items()
                if _REFERENCE.fullmatch(value)
            },
        )
        for node in module.nodes
    ]


def _settle_cloud(state: State, account: Account, node: _Node) -> None:
    chosen = "" if node.form_cloud in {"", "default"} else node.form_cloud
    own = "" if node.cloud == "default" or node.form_cloud else node.cloud
    cloud = _offered_cloud(state, node, chosen) or chosen or own
    node.cloud = cloud or account.value(DEFAULT_CLOUD)
    if not node.cloud:
        raise XmlProblem(409, "No cloud service names set on the run.")


def _offered_cloud(state: State, node: _Node, chosen: str) -> str:
    if node.offer is None:
        return ""
    offer = state.store.get(node.offer)
    if offer is None or not node.offer.startswith("service-offer/"):
        raise XmlProblem(409, f"Failed to find the service offer '{node.offer}'")
    cloud = str(offer["connector"]["href"]).removeprefix("connector/")
    if chosen and chosen != cloud:
        raise XmlProblem(
            409,
            f"The service offer is for '{cloud}' but the Cloud service '{chosen}' was asked "
            f"for node '{node.name}'",
        )
    return cloud


def _check_image(state: State, node: _Node) -> None:
    lineage = state.library.lineage(node.component)
    if any(module.images.get(node.cloud) for module in lineage):
        return
    base = lineage[-1]
    if node.name != "machine":
        cloud = f"an image id for cloud: {node.cloud}"
        missing = cloud if base.is_base else "a machine image reference"
        raise XmlProblem(409, f"Node {node.name} refers to image {base.path} missing {missing}")
    if node.component.is_base:
        detail = f"Base image must have an image id for cloud service: {node.cloud}"
        raise XmlProblem(409, detail)
    if not base.is_base:
        raise XmlProblem(409, "Missing reference module")
    detail = f"Missing image id for base image: {base.path} on cloud service: {node.cloud}"
    raise XmlProblem(409, detail)


def _assemble(state: State, run: Run, nodes: list[_Node], *, tags: str) -> None:
    is_application = run.kind == "Orchestration"
    clouds = sorted({node.cloud for node in nodes})
    run.nodes = [f"{node.cloud}:{node.name}" for node in nodes]
    _declare_global(state, run, clouds, tags)
    _remember(run, nodes)
    if is_application:
        for cloud in clouds:
            _add_orchestrator(run, cloud)
    for node in nodes:
        if is_application:
            _declare_node(run, node)
        for index in range(1, node.multiplicity + 1):
            _add_machine(state, run, node, index)
    for node in nodes:
        for machine in run.instances(node.name):
            _map_parameters(run, node, machine)


def _declare_global(state: State, run: Run, clouds: list[str], tags: str) -> None:
    account = state.accounts[run.owner]
    digest = secret_digest(state.ids.secret())
    credentials = [credential_of(state, run.owner, cloud) for cloud in clouds]
    values = {
        "state": run.state,
        "category": run.module.category,
        "groups": ",".join(run.nodes),
        "tags": tags,
        "recovery.mode": "false",
        "run.api.key": str(add_api_key(state, account, digest, account.roles)["id"]),
        "deployment.credential.ids": ",".join(
            str(document["id"]) for document in credentials if document
        ),
    }
    for name, description in _DESCRIPTIONS["global"].items():
        run.declare(f"ss:{name}", values.get(name, ""), description=description)


def _remember(run: Run, nodes: Iterable[_Node]) -> None:
    def add(name: str, value: str, description: str = "") -> None:
        run.parameters[name] = Parameter(name, value, description=description)

    add("garbage_collected", "false", "true if the Run was already garbage collected")
    add("General.keep-running", run.keep_running, "Keep running after deployment")
    recipes = "Define if the SlipStream executor should run build recipes."
    is_application = run.kind == "Orchestration"
    for node in nodes:
        add(
            f"{node.name}:cloudservice",
            node.cloud,
            "Cloud Service where the node resides" if is_application else "",
        )
        add(f"{node.name}:run-build-recipes", "false", recipes)
        if node.offer:
            add(f"{node.name}:service-offer", node.offer, "Service Offer Id")
        if is_application:
            increment = "Current increment value for node instances ids"
            add(f"{node.name}:multiplicity", str(node.multiplicity), "Multiplicity number")
            add(f"{node.name}:node.increment", str(node.multiplicity + 1), increment)
            failures = "Max provisioning failures"
            add(f"{node.name}:max-provisioning-failures", node.max_failures, failures)
        for name, value in node.values.items():
            add(f"{node.name}:{name}", value)


def _add_orchestrator(run: Run, cloud: str) -> None:
    group = f"orchestrator-{cloud}"
    run.machines.append(Machine(group=group, cloud=cloud))
    settings = {"is.orchestrator": "true", "cloudservice": cloud}
    settings |= {"complete": "false", "vmstate": "Unknown"}
    for name, description in _DESCRIPTIONS["machine"].items():
        run.declare(f"{group}:{name}", settings.get(name, ""), description=description)
    run.declare(
        f"{group}:max.iaas.workers",
        "5",
        description="Max number of concurrently provisioned VMs by orchestrator",
    )


def _declare_node(run: Run, node: _Node) -> None:
    ids = ",".join(str(index) for index in range(1, node.multiplicity + 1))
    for name, value, description in (
        ("ids", ids, "IDs of the machines in a mutable deployment."),
        ("multiplicity", str(node.multiplicity), "Multiplicity number"),
        ("max-provisioning-failures", node.max_failures, "Max provisioning failures"),
    ):
        run.declare(f"{node.name}:{name}", value, description=description)


def _add_machine(state: State, run: Run, node: _Node, index: int) -> None:
    is_application = run.kind == "Orchestration"
    group = f"{node.name}.{index}" if is_application else "machine"
    machine = Machine(
        group=group,
        node=node.name,
        index=index,
        cloud=node.cloud,
        offer=node.offer,
        component=node.component,
        size=dict(node.size),
    )
    run.machines.append(machine)
    base = state.library.lineage(node.component)[-1]
    settings = {
        "cloudservice": node.cloud,
        "service-offer": node.offer or "",
        "image.id": base.images.get(node.cloud, ""),
        "image.platform": base.platform or "",
        "is.orchestrator": "false",
        "complete": "false",
        "scale.state": "creating",
        "pre.scale.done": "false",
        "scale.iaas.done": "false",
        "vmstate": "Unknown",
    }
    for name, description in {**_DESCRIPTIONS["machine"], **_DESCRIPTIONS["worker"]}.items():
        run.declare(f"{group}:{name}", settings.get(name, ""), description=description)
    if is_application:
        run.declare(f"{group}:nodename", node.name, description="Nodename")
        run.declare(f"{group}:id", str(index), description="Node instance id")
    for name, description in _DESCRIPTIONS["connector"].items():
        key = f"{group}:{node.cloud}.{name}"
        run.declare(key, node.size.get(name, ""), description=description)
    # Whatever its type in the module, a runtime parameter is a String.
    for name, parameter in state.library.parameters(node.component).items():
        value = node.values.get(name, parameter.value or parameter.default or "")
        run.declare(f"{group}:{name}", value, description=parameter.description or "")


def _map_parameters(run: Run, node: _Node, machine: Machine) -> None:
    """Tie parameters to where their values come from, over what the form had for them."""
    for name, source in node.mappings.items():
        other, _, parameter = source.partition(":")
        key = source if source in run.runtime else f"{other}.1:{parameter}"
        target = f"{machine.group}:{name}"
        if key in run.runtime and target in run.runtime:
            run.runtime[target].is_mapped = True
            run.runtime[key].targets.append(target)
            run.put(target, run.get(key))


def finished_run(state: State, user: str, path: str, at: datetime) -> Run:
    """Make a deployment of a component that is up since some time."""
    module = state.library.find(path)
    node = _Node(name="machine", component=module, cloud=min(state.connectors))
    run = Run(uuid=state.ids.uuid(), module=module, kind="Run", owner=user, created=at, changed=at)
    _assemble(state, run, [node], tags="")
    run.state, run.changed = "Ready", at + timedelta(minutes=4)
    run.put("ss:state", "Ready")
    run.put("machine:hostname", state.ids.address())
    run.machines[0].instance = state.ids.uuid()
    run.put("machine:instanceid", run.machines[0].instance)
    return run
